"""The only reader of the wall clock, and Israel's civil time. Everything else takes `now` as an argument."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

ISRAEL = ZoneInfo("Asia/Jerusalem")


def now() -> datetime:
    """Return the present moment, aware, in Israel's civil time."""
    return datetime.now(tz=ISRAEL)  # noqa: TID251 - the one place


def day_of(moment: datetime) -> date:
    """Return the Israeli calendar day of an aware moment: the day partition it belongs to."""
    return moment.astimezone(ISRAEL).date()
