"""Taking parsed files for a load, and giving them back as loaded, inside the transaction of their rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gogobe_dagster.parsing.report import Reject
from gogobe_dagster.warehouse.journal import event, note, write_rejects
from gogobe_dagster.warehouse.ledger import FILE_COLUMNS, FileState, LedgerFile, as_file
from gogobe_dagster.warehouse.tables import file


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Rows of one file that the tables did not take."""

    reasons: Mapping[str, int]
    samples: Sequence[Reject]

    @property
    def rows(self) -> int:
        """How many rows."""
        return sum(self.reasons.values())


def claim(connection: sa.Connection, ids: Collection[int], *, wait: bool) -> list[LedgerFile]:
    """Take those of these files that wait to be loaded, skipping or awaiting those that somebody holds."""
    query = (
        sa.select(*FILE_COLUMNS)
        .where(file.c.file_id.in_(ids), file.c.state == FileState.PARSED)
        .order_by(file.c.file_id)
        .with_for_update(skip_locked=not wait)
    )
    return [as_file(row) for row in connection.execute(query)]


def mark_loaded(
    connection: sa.Connection,
    files: Sequence[LedgerFile],
    refused: Mapping[int, Refused],
    *,
    now: datetime,
) -> None:
    """Note that the rows of these files are in the tables, but for those refused."""
    nothing = Refused(reasons={}, samples=[])
    rows = [
        {
            "this": one.id,
            "refused_rows": refused.get(one.id, nothing).rows,
            "refused_reasons": dict(refused.get(one.id, nothing).reasons),
        }
        for one in files
    ]
    reasons = sa.bindparam("refused_reasons", type_=file.c.reasons.type)
    update = (
        sa.update(file)
        .where(file.c.file_id == sa.bindparam("this"))
        .values(
            state=FileState.LOADED,
            loaded_at=now,
            not_loaded=sa.bindparam("refused_rows"),
            reasons=sa.func.coalesce(file.c.reasons, sa.text("'{}'::jsonb")).op("||")(reasons),
        )
    )
    if rows:
        connection.execute(update, rows)
    write_rejects(connection, {file_id: one.samples for file_id, one in refused.items()}, stage="load")
    note(connection, [event(one.id, FileState.LOADED, at=now) for one in files])
