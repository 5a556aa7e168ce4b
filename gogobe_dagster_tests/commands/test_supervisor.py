"""When a supervised service is started again, and what is told; the time is that of the test."""

from dataclasses import dataclass, field
from itertools import pairwise

from gogobe_dagster.commands.supervisor import LONGEST_PAUSE, PATIENCE_SECONDS, Child, Supervisor
from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.monitoring.alerts import Alert


@dataclass
class Service:
    """A service whose fate the test decides."""

    name: str
    ended: str = ""
    responds: bool = True
    starts: list[float] = field(default_factory=list)
    can_start: bool = True
    kills: int = 0

    def start(self) -> None:
        self.ended = ""
        self.starts.append(0)
        if not self.can_start:
            raise DatabaseUnavailable("no space left:\nlast lines of the log")

    def kill(self) -> None:
        self.kills += 1

    def how_ended(self) -> str:
        return self.ended

    def answers(self) -> bool:
        return self.responds


def run(child: Child, until: float, since: float = 0) -> None:
    for second in range(int(since), int(until)):
        child.tend(second)


def test_a_service_that_ends_again_and_again_is_started_after_growing_pauses() -> None:
    service = Service("daemon")
    child, starts = Child(service), list[int]()
    for second in range(300):
        child.tend(second)
        if len(service.starts) > len(starts):
            starts.append(second)
            service.ended = "ended (exit code 1)"
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses[:3] == sorted(pauses[:3])
    assert pauses[0] < 5
    assert LONGEST_PAUSE <= pauses[-1] <= LONGEST_PAUSE + 2
    assert child.problem == "daemon ended (exit code 1)", "one problem, however often it is started"


def test_a_service_that_stops_answering_is_killed_only_after_patience() -> None:
    service = Service("code")
    child = Child(service)
    run(child, 20)
    service.responds = False
    run(child, PATIENCE_SECONDS, since=20)
    assert service.kills == 0

    run(child, 2 * PATIENCE_SECONDS, since=PATIENCE_SECONDS)

    assert service.kills == 1
    assert child.problem == "code does not answer"


def test_a_start_may_take_longer_than_an_answer() -> None:
    """On a machine with fifty processes at work the code server needed two minutes, and `up` gave up."""
    service = Service("code", responds=False)
    child = Child(service)
    run(child, 2 * PATIENCE_SECONDS)
    assert service.kills == 0

    run(child, 6 * PATIENCE_SECONDS, since=2 * PATIENCE_SECONDS)

    assert service.kills == 1
    assert child.problem == "code does not answer"


def test_what_needs_a_database_waits_for_it_and_is_started_again_after_it() -> None:
    database, daemon = Service("PostgreSQL"), Service("daemon")
    first = Child(database)
    second = Child(daemon, needs=[first])
    for now in range(5):
        first.tend(now)
        second.tend(now)
    database.ended, database.can_start = "ended", False
    for now in range(5, 60):
        first.tend(now)
        second.tend(now)
    assert (daemon.kills, len(daemon.starts)) == (1, 1), "nothing is tried without a database"
    assert first.problem == "PostgreSQL does not start: no space left"

    database.can_start = True
    for now in range(60, 180):
        first.tend(now)
        second.tend(now)

    assert (second.is_well, len(daemon.starts)) == (True, 2)
    assert first.problem == ""
    assert second.problem == ""


def test_each_death_is_told_and_alerted_once_and_so_is_its_end() -> None:
    service, lines, alerts = Service("webserver"), list[str](), list[Alert]()
    supervisor = Supervisor([Child(service)], tell=lines.append, alert=alerts.append)
    for second in range(60):
        if second == 20:
            service.ended = "ended (signal SIGKILL)"
        supervisor.step(second)
    assert lines == ["webserver ended (signal SIGKILL); it is started again", "webserver runs again"]
    assert [(alert.body, alert.is_good) for alert in alerts] == [
        ("webserver ended (signal SIGKILL)", False),
        ("webserver ended (signal SIGKILL)", True),
    ]
