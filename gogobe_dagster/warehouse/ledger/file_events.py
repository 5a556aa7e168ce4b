"""What is written beside a change in the ledger: events, samples of rejected rows, the last look at a portal.

The functions write inside the caller's transaction; none of them decides anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.parsing.reject import Reject
from gogobe_dagster.warehouse.schema.tables import listing, reject

_NOTE = sa.text("""
insert into file_event (file_id, occurred_at, state, code, detail)
select * from unnest(cast(:file_id as bigint[]), cast(:occurred_at as timestamptz[]), cast(:state as text[]),
    cast(:code as text[]), cast(:detail as text[]))
""")


def clean(text: str) -> str:
    """Replace what PostgreSQL's text cannot hold: NUL and halves of surrogate pairs (JSON has both)."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def event(
    file_id: int, state: str, *, at: datetime, code: str | None = None, detail: str | None = None
) -> dict[str, Any]:
    """Make the event that a file is in this state from now on."""
    return {
        "file_id": file_id,
        "occurred_at": at,
        "state": state,
        "code": code,
        "detail": None if detail is None else clean(detail),
    }


def append_events(connection: sa.Connection, events: Sequence[dict[str, Any]]) -> None:
    """Write events, in one go."""
    if events:
        connection.execute(_NOTE, {name: [event[name] for event in events] for name in events[0]})


def update_listing(connection: sa.Connection, feed_key: str, **values: Any) -> None:
    """Keep how the last look at a portal went; what is not given stays as it was."""
    upsert = insert(listing).values(feed=feed_key, **values)
    connection.execute(upsert.on_conflict_do_update(index_elements=[listing.c.feed], set_=values))


def replace_rejects(
    connection: sa.Connection, samples: Mapping[int, Iterable[Reject]], *, stage: str
) -> None:
    """Replace the samples of rejected rows of these files and this stage."""
    connection.execute(sa.delete(reject).where(reject.c.file_id.in_(samples), reject.c.stage == stage))
    rows = [
        {
            "file_id": file_id,
            "row_number": reject.row_number,
            "reason": reject.reason,
            "sample": clean(reject.sample),
            "stage": stage,
        }
        for file_id, rejects in samples.items()
        for reject in rejects
    ]
    if rows:
        connection.execute(sa.insert(reject), rows)
