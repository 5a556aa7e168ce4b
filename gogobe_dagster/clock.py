"""The wall clock and Israel's time zone. Everything else takes the current time as an argument."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

ISRAEL = ZoneInfo("Asia/Jerusalem")


def now() -> datetime:
    """Return the current time, with Israel's time zone."""
    return datetime.now(tz=ISRAEL)  # noqa: TID251 - the one place


def day_of(timestamp: datetime) -> date:
    """Return the calendar day in Israel of an aware timestamp, which is its publication day."""
    return timestamp.astimezone(ISRAEL).date()
