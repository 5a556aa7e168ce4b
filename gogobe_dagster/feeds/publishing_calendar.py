"""When feeds publish and when they rest: Shabbat and holidays, the hours after midnight, days without deltas.

Pure calendar in Israel's time. The holidays are the days of the Hebrew calendar on which no work is done, as
kept in Israel: one day each, two of Rosh Hashana. Nothing here decides what follows from a rest.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from pyluach.dates import HebrewDate

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.model import Feed

SATURDAY = 5
EVE, NIGHT = time(15), time(20)
"""A rest lasts from the afternoon before its day to the night after, by the clock all year."""
EMPTY_UNTIL = time(2)
"""Lists of the new day fill by then (PORTALS §7: Laib, Carrefour, Netiv)."""
HOUR = timedelta(hours=1)
EVERYBODYS = "Yom Kippur"


@cache
def holiday(day: date) -> str:
    """Name the holiday on which no work is done; empty: there is none."""
    festival = HebrewDate.from_pydate(day).festival(israel=True, include_working_days=False)
    return str(festival or "")


def rest_of(feed: Feed, day: date) -> str:
    """Name why a feed publishes nothing on a day; empty: it does. On Yom Kippur nobody works."""
    name = holiday(day)
    if name == EVERYBODYS:
        return name
    return (name or ("Shabbat" if day.weekday() == SATURDAY else "")) if feed.rests else ""


def rest_at(feed: Feed, moment: datetime) -> str:
    """Name why a feed publishes nothing at a moment; empty: it does."""
    here = moment.astimezone(ISRAEL)
    today = rest_of(feed, here.date()) if here.time() < NIGHT else ""
    return today or (rest_of(feed, here.date() + timedelta(days=1)) if here.time() >= EVE else "")


def time_of_rest(feed: Feed, since: datetime, until: datetime) -> timedelta:
    """Say for how long a feed rested between two moments, to the hour."""
    first = since.astimezone(UTC)
    hours = (first + number * HOUR for number in range((until - since) // HOUR))
    return sum(bool(rest_at(feed, hour)) for hour in hours) * HOUR


def why_empty(feed: Feed, moment: datetime) -> str:
    """Say why a list without a single file is what to expect; empty: it is a failure."""
    if rest := rest_at(feed, moment):
        return f"it rests ({rest})"
    return "the day is new" if moment.astimezone(ISRAEL).time() < EMPTY_UNTIL else ""
