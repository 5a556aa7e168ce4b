"""How the last poll of each portal went, as the ledger has it. `file_events` writes it."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.tables import listing


@dataclass(frozen=True, slots=True, kw_only=True)
class LastListing:
    """The columns of the table `listing` say what each field means."""

    feed: str
    listed_at: datetime | None
    failed_at: datetime | None
    code: str | None
    reason: str | None


def last_listings(engine: sa.Engine) -> dict[str, LastListing]:
    """Return how it went for every feed that was ever looked at."""
    columns = [listing.c[name] for name in LastListing.__slots__]
    with engine.connect() as connection:
        rows = connection.execute(sa.select(*columns)).all()
    return {row.feed: LastListing(**row._asdict()) for row in rows}
