"""The replica's time: it starts anywhere, runs at any speed, and can be moved while the portals are read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from gogobe_dagster import clock
from gogobe_dagster.clock import ISRAEL


class SimulatedClock:
    """What time it is at the portals. Thread-safe. Without arguments, what time it is."""

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 1.0,
        real: Callable[[], datetime] = clock.now,
    ) -> None:
        """Begin at `start`; `speed` is seconds there for each second of `real`, 0 stands still."""
        self._real = real
        self._lock = Lock()
        self._since = real()
        self._from = start or self._since
        self._speed = speed
        self._when_moved: list[Callable[[], object]] = []

    def __call__(self) -> datetime:
        """Return the moment, in Israel's civil time."""
        with self._lock:
            return self._moment()

    @property
    def speed(self) -> float:
        """Seconds there for each second here."""
        return self._speed

    def when_moved(self, work: Callable[[], object]) -> None:
        """Do `work` after each move, before the one who moved goes on: publishing what is due."""
        self._when_moved.append(work)

    def move(
        self, *, now: datetime | None = None, forward: timedelta = timedelta(), speed: float | None = None
    ) -> None:
        """Set the moment, go forward from it, and change the speed; what is not said stays."""
        with self._lock:
            moment = (now or self._moment()).astimezone(UTC) + forward
            self._since, self._from = self._real(), moment
            self._speed = self._speed if speed is None else speed
        for work in self._when_moved:
            work()

    def _moment(self) -> datetime:
        # in UTC: adding to a civil time would ignore the hours of daylight saving
        passed = (self._real() - self._since).total_seconds() * self._speed
        return (self._from.astimezone(UTC) + timedelta(seconds=passed)).astimezone(ISRAEL)


def parse_time(text: str) -> datetime:
    """Read 2026-11-20T23:50; without a zone it is Israel's time. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ISRAEL)
