"""Keeps services running: starts what has ended or stopped answering again, with growing pauses.

A service that another one needs takes it along: when PostgreSQL was away, what lost its connections and
threads meanwhile is started again as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gogobe_dagster.errors import GogobeError
from gogobe_dagster.monitoring.alerts import Alert, alert_changes

PATIENCE_SECONDS = 90.0
"""How long a service may leave questions unanswered, on a busy machine too, before it counts as hanging."""
STARTING = 4
"""How many times as long a start may take: it needs ten CPU seconds, and a busy machine gives it few."""
ASK_SECONDS = 10.0
"""How often a service that answers is asked."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
STABLE_SECONDS = 600.0
"""How long a service must have answered before the next pause is a short one again."""


class Service(Protocol):
    """Something that should keep running. Its methods return soon, except `start` of a database."""

    @property
    def name(self) -> str:
        """What people call it."""

    def start(self) -> None:
        """Start it where it does not run. Raises `GogobeError`."""

    def kill(self) -> None:
        """End it, with all that it started."""

    def how_ended(self) -> str:
        """Return how it has ended, such as "ended (signal SIGKILL)"; "" while it runs."""

    def answers(self) -> bool:
        """Return whether it answers a question now."""


@dataclass(slots=True)
class Child:
    """A supervised service: when it is started, asked, and started again. Times are monotonic seconds."""

    service: Service
    needs: Sequence["Child"] = ()
    """It runs only while these answer, and is started again after they were."""
    patience: float = PATIENCE_SECONDS
    problem: str = field(default="", init=False)
    """Why it was started again; "" once it has answered for as long as the last pause."""
    _is_started: bool = field(default=False, init=False)
    _start_at: float = field(default=0.0, init=False)
    _pause: float = field(default=0.0, init=False)
    _asked_at: float = field(default=0.0, init=False)
    _answered_at: float = field(default=0.0, init=False)
    _well_since: float | None = field(default=None, init=False)

    @property
    def is_well(self) -> bool:
        """Whether it runs, and has answered since it was started."""
        return self._well_since is not None

    def tend(self, now: float) -> None:
        """Do what is to be done at this time."""
        if not all(need.is_well for need in self.needs):
            self._end()
        elif not self._is_started:
            if now >= self._start_at:
                self._start(now)
        elif how := self.service.how_ended():
            self._fail(how, now)
        else:
            self._ask(now)

    def _start(self, now: float) -> None:
        self._is_started, self._answered_at, self._asked_at = True, now, 0.0
        try:
            self.service.start()
        except (GogobeError, OSError) as error:  # no memory or no disk space for a process, too
            self._fail(f"does not start: {_first_line(error)}", now)

    def _ask(self, now: float) -> None:
        if self.is_well and now - self._asked_at < ASK_SECONDS:
            return
        self._asked_at = now
        if self.service.answers():
            self._answered_at = now
            self._note_well(now)
        elif now - self._answered_at > self.patience * (1 if self.is_well else STARTING):
            self._fail("does not answer", now)

    def _note_well(self, now: float) -> None:
        self._well_since = now if self._well_since is None else self._well_since
        well_for = now - self._well_since
        if well_for >= self._pause:
            self.problem = ""
        if well_for >= STABLE_SECONDS:
            self._pause = 0.0

    def _fail(self, how: str, now: float) -> None:
        self._end()
        self._pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * self._pause))
        self._start_at = now + self._pause
        self.problem = f"{self.service.name} {how}"

    def _end(self) -> None:
        if self._is_started:
            self.service.kill()
        self._is_started, self._well_since = False, None


def _first_line(error: Exception) -> str:
    """Return the summary of an error that may have the last lines of a log."""
    return str(error).partition("\n")[0].rstrip(":")


@dataclass(slots=True)
class Supervisor:
    """Tends children, each after those that it needs, and reports what happens to them."""

    children: Sequence[Child]
    tell: Callable[[str], None]
    """Takes a line for the terminal."""
    alert: Callable[[Alert], None]
    _problems: Mapping[str, str] = field(default_factory=dict, init=False)

    @property
    def is_well(self) -> bool:
        """Whether all children run and answer."""
        return all(child.is_well for child in self.children)

    def step(self, now: float) -> None:
        """Look after every child once, at a time in monotonic seconds; call it about twice a second."""
        for child in self.children:
            child.tend(now)
        before, problems = self._problems, self.problems
        for name, problem in problems.items():
            if before.get(name) != problem:
                self.tell(f"{problem}; it is started again")
        for name in before.keys() - problems.keys():
            self.tell(f"{name} runs again")
        for alert in alert_changes(before, problems):
            self.alert(alert)
        self._problems = problems

    @property
    def problems(self) -> Mapping[str, str]:
        """The problems of children that have one, by name."""
        return {child.service.name: child.problem for child in self.children if child.problem}
