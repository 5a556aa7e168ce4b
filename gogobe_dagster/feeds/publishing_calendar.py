"""When feeds publish and when they do not: Shabbat, holidays, and the first hours after midnight.

A pure calendar in Israel's time. Holidays are the days of the Hebrew calendar on which no work is done, as
kept in Israel: one day each, two for Rosh Hashana. What follows from a rest is decided elsewhere.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from pyluach.dates import HebrewDate

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.model import Feed

SATURDAY = 5
REST_STARTS, REST_ENDS = time(15), time(20)
"""A rest lasts from the afternoon before its day to its own evening, at the same hours all year."""
SILENCE_DAYS = 90
"""Days after which even an irregular feed is late; the longest silence seen lasted 74 (Wolt Market)."""
HOUR = timedelta(hours=1)
OBSERVED_BY_ALL = "Yom Kippur"


@cache
def holiday(day: date) -> str:
    """Name the holiday on which no work is done; empty if there is none."""
    festival = HebrewDate.from_pydate(day).festival(israel=True, include_working_days=False)
    return str(festival or "")


def rest_reason_on(feed: Feed, day: date) -> str:
    """Say why a feed publishes nothing on a day; empty if it publishes. Nobody works on Yom Kippur."""
    name = holiday(day)
    if name == OBSERVED_BY_ALL:
        return name
    return (name or ("Shabbat" if day.weekday() == SATURDAY else "")) if feed.observes_shabbat else ""


def rest_reason_at(feed: Feed, timestamp: datetime) -> str:
    """Say why a feed publishes nothing at a time; empty if it publishes."""
    local = timestamp.astimezone(ISRAEL)
    today = rest_reason_on(feed, local.date()) if local.time() < REST_ENDS else ""
    is_eve = local.time() >= REST_STARTS
    return today or (rest_reason_on(feed, local.date() + timedelta(days=1)) if is_eve else "")


def rest_duration(feed: Feed, since: datetime, until: datetime) -> timedelta:
    """Return how long a feed rested between two timestamps, in whole hours."""
    first = since.astimezone(UTC)
    hours = (first + number * HOUR for number in range((until - since) // HOUR))
    return sum(bool(rest_reason_at(feed, hour)) for hour in hours) * HOUR


def expected_empty_reason(feed: Feed, timestamp: datetime) -> str:
    """Say why an empty listing is normal at a time; empty if it is a failure."""
    local = timestamp.astimezone(ISRAEL)
    # the list of a day of rest stays empty after the rest has ended in the evening
    if rest := rest_reason_at(feed, local) or rest_reason_on(feed, local.date()):
        return f"the feed is closed ({rest})"
    is_early = local.time() < feed.empty_until
    return "the new day has no files yet" if is_early else ""
