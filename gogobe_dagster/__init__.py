"""Imports Israel's published supermarket prices into PostgreSQL, as a Dagster project.

The map, in reading order:

pipeline         discover, download, parse, load: the whole import in plain functions
downloading      downloads the pending files of a feed for as long as its portal delivers
step_results     what these steps return and pass on
identity         which chain, store and day a file belongs to
resources        database, raw store, lake and portals, opened from the settings
feeds            the register of feeds, its lookup, per-feed settings and the publishing calendar
localities       Israel's towns and villages, and which one a published city means
units            how much of a product a price is for, and the price of one kilogram, litre or piece
files            names, kinds, selection, containers and encodings of published files; the raw store
portals          one module per portal family: how to list and download
parsing          documents in every dialect to one model
lake             parsed rows as Parquet
library          what `import gogobe_dagster` offers: published files and imported days as frames
warehouse        the PostgreSQL tables, the ledger, the exact load
postgres         the embedded PostgreSQL server and its maintenance
run_planning     when a sensor polls a portal, and which runs it requests
dataset          the warehouse as Parquet files for others
questions        questions about prices, answered by a role that can only read
service          the questions over HTTP
mcp_server       the questions as tools for language models
backup           backups of databases, raw store and lake, and restoring them
monitoring       data quality, statistics and alerts
defs             Dagster: assets, partitions, sensors, jobs; definitions assembles them
dagster_runtime  processes around Dagster: the import runner, the preload list, orphaned runs
replica          local copies of the portals, for the demo, tests and benchmarks
commands         the `gogobe` command
settings         environment variables, read and validated once
clock            the wall clock and Israel's day; the only reader of the time
sizes            units of size, and lists split into chunks of a limited size
errors           the tree of errors and codes, and whether trying again helps
printable        text of others without control characters and secrets
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gogobe_dagster.library.imported_days import prices, promotions, stores
    from gogobe_dagster.library.published_files import Tables, read
    from gogobe_dagster.library.table import Table

__all__ = ["Table", "Tables", "prices", "promotions", "read", "stores"]
_MODULES = {
    "Table": "table",
    "Tables": "published_files",
    "prices": "imported_days",
    "promotions": "imported_days",
    "read": "published_files",
    "stores": "imported_days",
}


if not TYPE_CHECKING:  # type checkers see the imports above, and no other name

    def __getattr__(name: str) -> Any:
        """Import what is offered at its first use: Polars and Arrow take a second."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.library.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
