"""The `gogobe` command: one module per subcommand. None imports dagster at module level.

main            the command group, and how errors are shown
up, worker, down, demo, replica
                start and stop processes
watch           the watch list: products whose changed prices are alerted
matching        which products of chains' own codes are the same in other chains
import_feeds (`gogobe import`), backfill, retry, rebuild, statistics, retain
                change what is in the tables or in the ledger
scan, register, status, places, doctor
                show; scan and register ask the portals and gov.il
read, export, publish
                write files
backup, restore copy everything to a folder and back
serve, mcp      serve prices over HTTP, and to language models
roles           makes the database roles
env             variables for `dagster`, `dg` and `psql`

Shared by them: options, selection_options, tables, progress, disabled, bootstrap, processes,
process_logs, supervisor, services, home_lock, waits, import_progress,
replica_session, scan_probe, extras, read_files, read_output, demo_queries,
writing.
"""
