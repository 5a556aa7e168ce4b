"""Which files of the raw store and the lake the ledger names, and which of them it still waits for."""

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file

_AWAITED: Final = {FileState.DOWNLOADED: file.c.sha256, FileState.PARSED: file.c.lake_path}
"""What the next step of a file in this state reads."""


def named_in_ledger(connection: sa.Connection, column: sa.Column[str], names: Collection[str]) -> set[str]:
    """Return which of these hashes (`sha256`) or paths (`lake_path`) a file has."""
    query = sa.select(column).where(column == sa.any_(sa.cast(list(names), sa.ARRAY(sa.Text))))
    return set(connection.scalars(query.distinct()))


def awaited(connection: sa.Connection) -> list[str]:
    """Return the hashes and paths that the next steps read."""
    return [
        name
        for state, column in _AWAITED.items()
        for name in connection.scalars(sa.select(column).where(file.c.state == state).distinct())
    ]
