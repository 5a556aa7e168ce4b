"""Imports Israel's published supermarket prices into PostgreSQL, as a Dagster project.

The map, in reading order:

importing       the story: discover, download, parse, load, each readable on one screen
identity        who a file speaks of: chain, store, day
equipment       what an import works with, opened from the settings
feeds           the register looked up: a feed by its key, or why it is disabled
rhythm          when feeds publish and when they rest: Shabbat, holidays, the hours after midnight
register        its rows: every feed, its portal, its chain ids, what is normal
files           names, kinds, containers and encodings of published files; the raw store
portals         one module a portal family: how to list and fetch
parsing         documents in every dialect to one model; the lake
warehouse       the PostgreSQL tables, the ledger, the exact load
postgres        the embedded PostgreSQL server; postgres_home: its folder; postgres_programs: its programs
deciding        when a sensor should look at a portal, and which runs it should ask for
checking        whether what was imported is plausible
trends          what was imported by day and by hour, for pictures
alerting        what people are told, once, and how it is sent
defs            Dagster: assets, partitions, sensors, jobs; definitions assembles them
run_import      the import job in a process of its own; preload makes its steps start fast
dagster_storage what Dagster keeps for ever and nobody reads, removed
index_upkeep    indexes that consist mostly of holes, built anew
orphans         runs that died with the machine, told to Dagster at the next start
replica         local copies of the portals, for the demo, tests and benchmarks
commands        the `gogobe` command
settings        the environment, read and checked once; overrides: what it can say of one feed
clock           the wall clock and Israel's day; the only reader
errors          the tree of what can go wrong, and whether trying again helps
"""
