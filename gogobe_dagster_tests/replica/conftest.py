"""A running replica with nothing published, and HTTP clients of its portals."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import NOON, CerberusVisitor, ShufersalVisitor, full_prices

RAMI_LEVY, KING_STORE = "7290058140886", "7290058108879"


class MovableClock:
    """A clock that a test moves."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(NOON)


@pytest.fixture
def replica(clock: MovableClock) -> Iterator[Replica]:
    with Replica(clock=clock) as replica:
        yield replica


@pytest.fixture
def cerberus(replica: Replica) -> Iterator[CerberusVisitor]:
    visitor = CerberusVisitor(replica.url)
    yield visitor
    visitor.close()


@pytest.fixture
def shufersal(replica: Replica) -> ShufersalVisitor:
    return ShufersalVisitor(replica.url)


@pytest.fixture
def king_store(replica: Replica) -> str:
    """The address of King Store's portal with 30 stores."""
    replica.publications("king_store").put(*full_prices(KING_STORE, range(1, 31)))
    return f"{replica.url}/bina/kingstore"


@pytest.fixture
def rami_levy(replica: Replica, cerberus: CerberusVisitor) -> CerberusVisitor:
    """Somebody at Rami Levy's list of 30 stores."""
    replica.publications("rami_levy").put(*full_prices(RAMI_LEVY, range(1, 31)))
    cerberus.log_in("RamiLevi")
    return cerberus
