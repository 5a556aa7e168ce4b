"""When a file that failed is tried again by itself. Pure functions of its code and its failures so far.

A failure of the portal, or of the way to it, counts as no attempt (`Code.is_passing`): the file stays
pending, and the waits grow with the time for which it has failed. Only when it fails for `PATIENCE`, while
other files are delivered, is the file itself to blame. A file to blame is quarantined. If time can cure its
code, it is tried again after hours, then days, for as long as the portal lists it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gogobe_dagster.errors import Code
from gogobe_dagster.warehouse.schema.enums import FileState

PATIENCE = timedelta(days=2)
SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=5), timedelta(hours=6)
"""Of a pending file. In between it waits for as long as it has failed so far."""
FIRST_WAIT, LAST_WAIT = timedelta(hours=1), timedelta(days=2)
"""In quarantine: three times as long after each attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextTry:
    """What becomes of a file after a failure."""

    state: FileState
    attempts: int
    retry_at: datetime | None
    """None: never by itself."""


def after_failure(
    code: Code,
    *,
    state: FileState,
    attempts: int,
    failing_since: datetime,
    now: datetime,
    max_attempts: int,
) -> NextTry:
    """Decide about a file in `state` that fails now, after `attempts` that counted."""
    failing_for = now - failing_since
    if code.is_passing and failing_for < PATIENCE:
        wait = min(max(failing_for, SHORTEST_WAIT), LONGEST_WAIT)
        return NextTry(state=state, attempts=attempts, retry_at=now + wait)
    attempts += 1
    is_final = not code.retry or attempts >= max_attempts
    return NextTry(
        state=FileState.QUARANTINED,
        attempts=attempts,
        retry_at=None if is_final else now + wait_in_quarantine(attempts),
    )


def wait_in_quarantine(attempts: int) -> timedelta:
    """Return how long a file rests after so many failed attempts: 1, 3, 9, 27 and then 48 hours."""
    growth: int = 3 ** min(attempts - 1, 9)
    return min(FIRST_WAIT * growth, LAST_WAIT)
