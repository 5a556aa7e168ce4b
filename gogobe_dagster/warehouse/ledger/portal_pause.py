"""Portals that refused, and until when every process leaves them alone.

A portal that says for how long (`Retry-After`) is left alone for as long as that; another one for a minute,
then for twice as long each time it refuses again. Refusals are in a row until the portal delivers a file, or
has not refused for an hour. A refused login concerns one account, everything else the whole portal.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, Fault, PortalError, find_code
from gogobe_dagster.warehouse.ledger.file_events import clean
from gogobe_dagster.warehouse.schema.tables import portal_pause

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
LONGEST_PAUSE_OF_NETWORK = timedelta(minutes=5)
"""Trying again costs a network nothing, and it may work again at any time."""
LONGEST_REQUESTED_PAUSE = timedelta(hours=12)
"""A portal that asks for longer is tried again after this, for a mistake on its side would cost days."""
IN_A_ROW = timedelta(hours=1)
EVERY_ACCOUNT = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalAccount:
    """An account at a portal; many feeds share a portal."""

    portal: str
    """The address of the portal."""
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPause:
    """Why a portal is left alone, and until when. The columns of the table say what each field means."""

    portal: str
    account: str
    until: datetime
    refused_at: datetime
    refusals: int
    code: str
    reason: str

    @property
    def error(self) -> PortalError:
        """The error of a request that is not made."""
        until, since = (f"{at.astimezone(ISRAEL):%H:%M}" for at in (self.until, self.refused_at))
        message = f"left alone until {until}, because at {since} it refused: {self.reason}"
        return PortalError(find_code(self.code), message)


def find_pause(engine: sa.Engine, at: PortalAccount) -> PortalPause | None:
    """Return the pause that lasts longest, also if it is over: the portal has delivered nothing since."""
    query = sa.select(portal_pause).where(_is_of(at)).order_by(portal_pause.c.until.desc())
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return PortalPause(**row._asdict()) if row else None


def active_pause(engine: sa.Engine, at: PortalAccount, *, now: datetime) -> PortalPause | None:
    """Return the pause that is on now."""
    pause = find_pause(engine, at)
    return pause if pause and now.astimezone(UTC) < pause.until.astimezone(UTC) else None


def record_refusal(engine: sa.Engine, at: PortalAccount, error: PortalError, *, now: datetime) -> PortalPause:
    """Leave the portal alone from now on. Processes that are refused during a pause do not make it longer."""
    account = at.account if error.code is Code.AUTH_FAILED else EVERY_ACCOUNT
    now = now.astimezone(UTC)  # adding to local time would be wrong when the clock changes
    is_this = (portal_pause.c.portal == at.portal) & (portal_pause.c.account == account)
    with engine.begin() as connection:
        known = connection.execute(sa.select(portal_pause).where(is_this).with_for_update()).first()
        refusals = _refusals(known, now)
        until = now + pause_after(error, refusals)
        pause = PortalPause(
            portal=at.portal,
            account=account,
            until=max(until, known.until) if known else until,
            refused_at=now,
            refusals=refusals,
            code=error.code.value,
            reason=clean(error.reason),
        )
        values = asdict(pause)
        upsert = insert(portal_pause).values(values)
        connection.execute(upsert.on_conflict_do_update(index_elements=["portal", "account"], set_=values))
    return pause


def end_pauses(engine: sa.Engine, at: PortalAccount, *, until: datetime | None = None) -> int:
    """Delete the portal's pauses, or those that were over at `until`. Return how many."""
    is_ended = portal_pause.c.until <= until if until else sa.true()
    with engine.begin() as connection:
        ended = connection.execute(sa.delete(portal_pause).where(_is_of(at), is_ended))
    return int(ended.rowcount)


def pause_after(error: PortalError, refusals: int) -> timedelta:
    """Return for how long a portal is left alone after so many refusals in a row."""
    if error.retry_after:
        return min(error.retry_after, LONGEST_REQUESTED_PAUSE)
    longest = LONGEST_PAUSE_OF_NETWORK if error.code.fault is Fault.NETWORK else LONGEST_PAUSE
    growth: int = 2 ** min(refusals - 1, 9)
    return min(FIRST_PAUSE * growth, longest)


def _refusals(known: sa.Row[Any] | None, now: datetime) -> int:
    if known is None or now > known.until + IN_A_ROW:
        return 1
    return int(known.refusals) + int(now >= known.until)


def _is_of(at: PortalAccount) -> sa.ColumnElement[bool]:
    return (portal_pause.c.portal == at.portal) & portal_pause.c.account.in_([EVERY_ACCOUNT, at.account])
