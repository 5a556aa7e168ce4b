"""Writes the next migration from the tables: `make migration NAME=add_opening_hours`.

The tables in `warehouse/schema` are the definition. A temporary server is brought to the newest revision,
and Alembic writes down how it differs from them. Read what it wrote: Alembic does not notice a changed CHECK
constraint, collation or fill factor, and renaming a column looks to it like dropping one and adding another.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations.ops import MigrationScript
from alembic.script import Script, ScriptDirectory

from gogobe_dagster.warehouse.schema.columns import metadata
from gogobe_dagster.warehouse.schema.migrate import SCRIPTS, config, connect
from gogobe_dagster_tests.postgres.servers import temporary_server


def write_migration(
    url: str, name: str, *, scripts: Path = SCRIPTS, tables: sa.MetaData = metadata
) -> Path | None:
    """Migrate an empty database and write the revision that is missing; None where it has all tables."""
    engine = connect(url)
    try:
        with engine.begin() as connection:
            configuration = config(connection, scripts=scripts, tables=tables)
            command.upgrade(configuration, "head")
            newest = ScriptDirectory.from_config(configuration).get_current_head() or "0"
            script = command.revision(
                configuration,
                name.replace("_", " "),
                autogenerate=True,
                rev_id=f"{int(newest) + 1:04}",
                process_revision_directives=_drop_if_empty,
            )
    finally:
        engine.dispose()
    return Path(script.path) if isinstance(script, Script) else None


def _drop_if_empty(
    _context: MigrationContext, _revision: str | Iterable[str | None], directives: list[MigrationScript]
) -> None:
    if all(not script.upgrade_ops or script.upgrade_ops.is_empty() for script in directives):
        directives.clear()


def main(name: str) -> None:
    """Write a migration of this name, and say where it is."""
    with temporary_server() as server:
        path = write_migration(server.url("gogobe"), name)
    if path is None:
        print("The migrations already make all tables as they are defined.")  # noqa: T201 - a command
        return
    for command_ in (["check", "--fix"], ["format"]):
        subprocess.run([sys.executable, "-m", "ruff", *command_, "--quiet", path], check=True)
    print(f"Read it, then run the tests: {path}")  # noqa: T201 - a command


if __name__ == "__main__":
    main(sys.argv[1])
