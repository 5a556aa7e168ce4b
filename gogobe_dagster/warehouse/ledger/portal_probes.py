"""The answers of portals to probes: writing them down, and the last one of each feed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from gogobe_dagster.warehouse.ledger.file_events import clean
from gogobe_dagster.warehouse.schema.enums import Reach
from gogobe_dagster.warehouse.schema.tables import portal_probe

KEPT = 20
"""Probes that are kept of each feed."""
_DELETE_OLD = sa.text("""
delete from portal_probe using (
    select feed, probed_at, row_number() over (partition by feed order by probed_at desc) as age
    from portal_probe) as numbered
where (portal_probe.feed, portal_probe.probed_at) = (numbered.feed, numbered.probed_at) and age > :kept
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalProbe:
    """One probe; the columns of the table `portal_probe` say what each field means."""

    feed: str
    probed_at: datetime
    reach: Reach
    code: str | None
    reason: str | None
    seconds: float


def record_probes(engine: sa.Engine, probes: Sequence[PortalProbe]) -> None:
    """Write probes down, and delete all but the newest `KEPT` of each feed."""
    rows = [asdict(probe) | {"reason": probe.reason and clean(probe.reason)} for probe in probes]
    if not rows:
        return
    with engine.begin() as connection:
        connection.execute(sa.insert(portal_probe), rows)
        connection.execute(_DELETE_OLD, {"kept": KEPT})


def last_probes(engine: sa.Engine) -> dict[str, PortalProbe]:
    """Return the newest probe of every feed that was ever probed."""
    columns = [portal_probe.c[name] for name in PortalProbe.__slots__]
    newest_first = portal_probe.c.probed_at.desc()
    query = sa.select(*columns).distinct(portal_probe.c.feed).order_by(portal_probe.c.feed, newest_first)
    with engine.connect() as connection:
        rows = [row._asdict() for row in connection.execute(query)]
    return {
        row["feed"]: PortalProbe(**row | {"reach": Reach(row["reach"]), "seconds": float(row["seconds"])})
        for row in rows
    }
