"""Taking parsed files for a load, and giving them back as loaded, inside the transaction of their rows.

Files whose rows the lake has lost are given back before that, to be read again from their raw bytes.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from gogobe_dagster.errors import Code
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.parsing.reject import Reject
from gogobe_dagster.warehouse.ledger.file_events import append_events, event, replace_rejects
from gogobe_dagster.warehouse.ledger.file_rows import FILE_COLUMNS, as_file
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRows:
    """Rows of one file that the tables did not take, and what they did not take of the others."""

    reasons: Mapping[str, int]
    samples: Sequence[Reject]
    inside: Mapping[str, int] = field(default_factory=dict)
    """What was left out of rows that they did take, by reason: items of promotions."""

    @property
    def rows(self) -> int:
        """How many rows."""
        return sum(self.reasons.values())


_NOTHING = RejectedRows(reasons={}, samples=[])
_MARK_LOADED = sa.text(f"""
update file set state = '{FileState.LOADED}', loaded_at = :now, rows_skipped = refused.rows,
    reject_reasons = coalesce(file.reject_reasons, '{{}}') || cast(refused.reasons as jsonb)
from unnest(cast(:ids as bigint[]), cast(:rows as int[]), cast(:reasons as text[]))
    as refused (file_id, rows, reasons)
where file.file_id = refused.file_id
""")  # noqa: S608 - a word of ours


def claim(connection: sa.Connection, ids: Collection[int], *, wait: bool) -> list[LedgerFile]:
    """Take those of these files that wait to be loaded, skipping or awaiting those that somebody holds."""
    query = (
        sa.select(*FILE_COLUMNS)
        .where(file.c.file_id.in_(ids), file.c.state == FileState.PARSED)
        .order_by(file.c.file_id)
        .with_for_update(skip_locked=not wait)
    )
    return [as_file(row) for row in connection.execute(query)]


def requeue_missing(
    engine: sa.Engine, files: Sequence[LedgerFile], lake: Lake, *, now: datetime
) -> list[LedgerFile]:
    """Let files whose rows are not in the lake be read again by the next run; return the others."""
    lost = {path for path in {str(file.lake_path) for file in files} if not lake.has(path)}
    ids = [file.id for file in files if file.lake_path in lost]
    if not ids:
        return list(files)
    # another run may have read a file again meanwhile: then its path is a new one
    is_lost = file.c.file_id.in_(ids) & file.c.lake_path.in_(lost) & (file.c.state == FileState.PARSED)
    code = Code.LAKE_FILE_MISSING
    reason = file.c.lake_path + sa.literal(" is not in the lake")
    values = {"state": FileState.DOWNLOADED, "code": code, "reason": reason, "lake_path": None}
    update = sa.update(file).where(is_lost).values(values)
    with engine.begin() as connection:
        given = connection.execute(update.returning(file.c.file_id, file.c.reason)).all()
        append_events(
            connection, [event(i, FileState.DOWNLOADED, at=now, code=code, detail=why) for i, why in given]
        )
    return [file for file in files if file.lake_path not in lost]


def quarantine(
    connection: sa.Connection, files: Sequence[LedgerFile], code: Code, reason: str, *, now: datetime
) -> None:
    """Quarantine claimed files that cannot be loaded."""
    values = {"state": FileState.QUARANTINED, "code": code, "reason": reason}
    ids = [file.id for file in files]
    connection.execute(sa.update(file).where(file.c.file_id.in_(ids)).values(values))
    append_events(
        connection, [event(i, FileState.QUARANTINED, at=now, code=code, detail=reason) for i in ids]
    )


def mark_loaded(
    connection: sa.Connection,
    files: Sequence[LedgerFile],
    refused: Mapping[int, RejectedRows],
    *,
    now: datetime,
) -> None:
    """Note that the rows of these files are in the tables, but for those refused."""
    ids = [file.id for file in files]
    of_each = [refused.get(file_id, _NOTHING) for file_id in ids]
    reasons = [json.dumps({**rejected.reasons, **rejected.inside}) for rejected in of_each]
    rows = {"ids": ids, "rows": [rejected.rows for rejected in of_each], "reasons": reasons}
    connection.execute(_MARK_LOADED, {**rows, "now": now})
    replace_rejects(connection, {key: rejected.samples for key, rejected in refused.items()}, stage="load")
    append_events(connection, [event(file_id, FileState.LOADED, at=now) for file_id in ids])
