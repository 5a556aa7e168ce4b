"""The replica's time: it starts at any time, runs at any speed, and can be changed while portals are read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from gogobe_dagster import clock
from gogobe_dagster.clock import ISRAEL


class SimulatedClock:
    """The time at the portals. Thread-safe. Without arguments it is the real time."""

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 1.0,
        real: Callable[[], datetime] = clock.now,
    ) -> None:
        """Begin at `start`; `speed` is simulated seconds per second of `real`, 0 stands still."""
        self._real = real
        self._lock = Lock()
        self._since = real()
        self._from = start or self._since
        self._speed = speed
        self._when_moved: list[Callable[[], object]] = []

    def __call__(self) -> datetime:
        """Return the time, in Israel's civil time."""
        with self._lock:
            return self._time()

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._speed

    def when_moved(self, work: Callable[[], object]) -> None:
        """Call `work` after each move, before `move` returns: to publish what is due."""
        self._when_moved.append(work)

    def move(
        self, *, now: datetime | None = None, forward: timedelta = timedelta(), speed: float | None = None
    ) -> None:
        """Set the time, go forward from it, and change the speed; each is optional."""
        with self._lock:
            time = (now or self._time()).astimezone(UTC) + forward
            self._since, self._from = self._real(), time
            self._speed = self._speed if speed is None else speed
        for work in self._when_moved:
            work()

    def _time(self) -> datetime:
        # in UTC: adding to a civil time would ignore the hours of daylight saving
        passed = (self._real() - self._since).total_seconds() * self._speed
        return (self._from.astimezone(UTC) + timedelta(seconds=passed)).astimezone(ISRAEL)


def parse_time(text: str) -> datetime:
    """Parse 2026-11-20T23:50; without a zone it is Israel's time. Raises `ValueError`."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=ISRAEL)
