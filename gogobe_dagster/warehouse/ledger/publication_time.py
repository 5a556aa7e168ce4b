"""When a file was published, in the hour that occurs twice when Israel's clock is put back in autumn.

Names and listings state local time without a zone. A time such as 01:10 in that hour is read as the first
of the two. What a listing showed later was published later: a file that an earlier listing, made after the
first of the two times, did not show has the second. So has one that the portal says it wrote an hour later.
It is decided once, when a file is recorded, so that the order in which files apply does not depend on when
they are loaded.
"""

from datetime import UTC, datetime, timedelta

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.warehouse.ledger.model import ListedFile


def publication_time(seen: ListedFile, *, listed_before: datetime | None, now: datetime) -> datetime | None:
    """Return when a file was published that is listed for the first time `now`.

    `listed_before` is when the feed was listed last before, without this file; None: never.
    """
    first = seen.published_at
    second = _second_occurrence(first) if first else None
    if first is None or second is None or _in_utc(now) < second:
        return first
    was_missing = listed_before is not None and _in_utc(listed_before) >= _in_utc(first)
    was_written_later = seen.modified_at is not None and _in_utc(seen.modified_at) >= second
    return second if was_missing or was_written_later else first


def _second_occurrence(at: datetime) -> datetime | None:
    """Return the same local time an hour later, in UTC; None unless the clock is put back in between."""
    first, second = (at.astimezone(ISRAEL).replace(fold=fold) for fold in (0, 1))
    # in spring the offsets of a time that is skipped differ as well, the other way round
    offsets = [local.utcoffset() or timedelta() for local in (first, second)]
    return _in_utc(second) if offsets[0] > offsets[1] else None


def _in_utc(at: datetime) -> datetime:
    """Convert: Python compares timestamps of one time zone by local time, as if no hour occurred twice."""
    return at.astimezone(UTC)
