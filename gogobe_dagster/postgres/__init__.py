"""The embedded PostgreSQL server, and maintenance of the databases in it.

server             start, stop and find the server; database URLs
cluster            the server's data folder, its owner and its configuration
binaries           where PostgreSQL's programs are and how they are run
dead_sockets       remove what killed servers left below /tmp
home               the home folder, which other users cannot enter
roles              the server's roles and their passwords
ownership          the same roles on a server of one's own
dump               pg_dump and pg_restore of whole databases
index_maintenance  rebuild bloated indexes
dagster_retention  delete old event logs, step logs and step files of Dagster
run_queue          the queue of runs for workers, in a schema of Dagster's database
step_logs          what steps printed, in that schema
"""
