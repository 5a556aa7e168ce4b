"""A portal's bad hour costs no file: what is counted, who waits, for how long, and what is tried again."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import stamina

from gogobe_dagster import clock, pipeline
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import Feed, find_feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.step_results import Downloads
from gogobe_dagster.warehouse.ledger.portal_pause import active_pause
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

pytestmark = pytest.mark.slow

KESHET, RAMI_LEVY = find_feed("keshet"), find_feed("rami_levy")
ANY_FILE = "?*"
"""Matches the name of any file, and no listing or login."""
MANY = 10_000
IMPORT = """
import sys
from gogobe_dagster import pipeline
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.import_env import yesterday
try:
    pipeline.discover(find_feed("keshet"), [yesterday()], Resources(Settings.read()))
except PortalError as error:
    print(error.code, error.reason)
"""


class MovableClock:
    """The time of the importing machine."""

    def __init__(self) -> None:
        self.now = clock.now()

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class Importer:
    """A feed whose import is repeated while the portal is ill and later well."""

    def __init__(self, env: ImportEnv, feed: Feed = KESHET) -> None:
        self.env, self.feed, self.clock = env, feed, MovableClock()
        self.resources = Resources(env.settings, clock=self.clock)

    def run(self) -> Downloads | PortalError:
        """List, download and parse; return what came of it."""
        try:
            pipeline.discover(self.feed, [yesterday()], self.resources)
        except PortalError as error:
            return error
        done = pipeline.download(self.feed, [yesterday()], self.resources)
        for batch in pipeline.plan(self.feed, [yesterday()], self.resources):
            pipeline.parse(batch, self.feed, self.resources)
        return done

    def fail(self, fault: str, names: str = ANY_FILE, *, seconds: float = 30) -> None:
        faults = self.env.replica.faults
        faults.switch_on(fault, feed=self.feed.key, names=names, times=MANY, seconds=seconds)

    def refused(self) -> int:
        """Return how many requests the fault has spoiled so far."""
        return MANY - (self.env.replica.faults.active()[0].times or 0)

    def states(self) -> dict[str, str]:
        return self.env.states(self.feed.key)

    def attempts(self) -> int:
        ((attempts,),) = self.env.query("select sum(attempts) from file")
        return int(attempts)

    def one_name(self) -> str:
        return min(file.name for file in self.env.replica.publications(self.feed.key).all())


@pytest.fixture
def importer(import_env: ImportEnv) -> Iterator[Importer]:
    import_env.publish("keshet", stores=10, items=5)
    importer = Importer(import_env)
    with stamina.set_testing(True, attempts=3):
        yield importer
    importer.resources.close()


@pytest.mark.parametrize(
    "fault",
    [
        "portal_down",
        "rate_limited",
        "unavailable_until",
        "html_instead_of_file",
        "json_instead_of_file",
        "xml_instead_of_file",
        "text_instead_of_file",
        "connection_reset",
        "truncated_download",
        "missing_file",
        "bot_challenge",
    ],
)
def test_after_five_runs_against_an_ill_portal_every_file_is_imported(importer: Importer, fault: str) -> None:
    importer.fail(fault)

    for _ in range(5):
        assert not isinstance(importer.run(), PortalError)
        importer.clock.forward(minutes=20)

    files = len(importer.states())
    assert files > 20
    assert importer.refused() < 30, "of five runs, each with this number of files"
    assert importer.attempts() == 0
    importer.env.replica.faults.switch_off()
    importer.clock.forward(hours=2)
    importer.run()
    assert importer.states() == dict.fromkeys(importer.states(), "parsed")
    assert importer.env.query("select 1 from file_event where state = 'quarantined'") == []
    assert active_pause(importer.resources.engine, importer.resources.portal_account(KESHET),
                        now=importer.clock()) is None  # fmt: skip


def test_a_run_says_how_many_files_wait_and_until_when(importer: Importer) -> None:
    importer.fail("rate_limited", seconds=1800)

    done = importer.run()

    assert isinstance(done, Downloads)
    assert done.pause
    assert (done.fetched, done.failed, done.waiting) == (0, 0, len(importer.states()))
    until = f"{importer.clock() + timedelta(minutes=30):%H:%M}"
    assert done.pause.error.code is Code.RATE_LIMITED
    assert f"left alone until {until}" in done.pause.error.reason


def test_what_the_portal_asks_for_is_heeded_by_another_process(importer: Importer) -> None:
    importer.fail("rate_limited", seconds=1800)
    importer.run()
    before = importer.refused()

    done = importer.env.run("python", "-c", IMPORT)

    assert done.stdout.startswith("rate_limited left alone until")
    listed = importer.env.query("select count(*), min(first_seen_at) = max(last_seen_at) from file")
    assert listed == [(len(importer.states()), True)], "the other process did not even list"
    assert importer.refused() == before


def test_a_process_in_the_middle_of_a_list_heeds_the_refusal_of_another(importer: Importer) -> None:
    from gogobe_dagster.warehouse.ledger.portal_pause import record_refusal

    pipeline.discover(KESHET, [yesterday()], importer.resources)
    at, refusal = importer.resources.portal_account(KESHET), PortalError(Code.RATE_LIMITED, "429")
    record_refusal(importer.env.resources.engine, at, refusal, now=importer.clock())

    done = pipeline.download(KESHET, [yesterday()], importer.resources)

    assert (done.fetched, done.waiting) == (0, len(importer.states()))


def test_waits_grow_and_the_first_request_after_one_is_for_a_single_file(importer: Importer) -> None:
    importer.fail("portal_down")
    waits, requests = list[float](), list[int]()
    for _ in range(9):
        before = importer.refused()
        done = importer.run()
        assert isinstance(done, Downloads)
        assert done.pause
        waits.append((done.pause.until - importer.clock()).total_seconds() / 60)
        requests.append(importer.refused() - before)
        importer.clock.now = done.pause.until

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert requests[1:] == [1] * 8


def test_one_file_that_is_always_refused_does_not_keep_the_others(importer: Importer) -> None:
    name = importer.one_name()
    importer.fail("portal_down", name)

    for _ in range(4):
        importer.run()
        importer.clock.forward(hours=1)

    states = importer.states()
    assert states.pop(name) == "discovered portal_unavailable"
    assert set(states.values()) == {"parsed"}


def test_a_file_that_alone_stays_bad_for_days_is_quarantined_and_still_tried(importer: Importer) -> None:
    name = importer.one_name()
    importer.fail("json_instead_of_file", name)

    importer.run()
    assert importer.states()[name] == "discovered message_instead_of_file"
    requests = importer.refused()
    importer.run()
    assert importer.refused() == requests, "its next try is not due"
    for _ in range(10):
        importer.clock.forward(hours=6)
        importer.run()
    assert importer.states()[name] == "quarantined message_instead_of_file"
    assert importer.refused() < 40, "of eleven runs, each with up to three requests"

    importer.env.replica.faults.switch_off()
    importer.clock.forward(hours=10)
    importer.run()
    assert importer.states()[name] == "parsed"


def test_a_refused_login_concerns_one_account_and_passes(importer: Importer) -> None:
    importer.fail("wrong_password", names="*")
    importer.env.publish("rami_levy", stores=1, items=5)
    other = Importer(importer.env, RAMI_LEVY)

    refused = importer.run()
    again = importer.run()

    assert isinstance(refused, PortalError)
    assert isinstance(again, PortalError)
    assert (refused.code, again.code, importer.refused()) == (Code.AUTH_FAILED, Code.AUTH_FAILED, 1)
    assert "left alone until" in again.reason
    assert isinstance(other.run(), Downloads)
    other.resources.close()
    importer.env.replica.faults.switch_off()
    importer.clock.forward(minutes=2)
    importer.run()
    assert set(importer.states().values()) == {"parsed"}


def quarantined(importer: Importer, fault: str = "missing_file") -> str:
    """Let one file be quarantined, and return its name."""
    name = importer.one_name()
    importer.fail(fault, name)
    importer.run()
    assert importer.states().pop(name) == "quarantined not_found"
    return name


def test_a_quarantine_that_time_can_cure_ends_when_its_time_has_come(importer: Importer) -> None:
    name = quarantined(importer)
    importer.env.replica.faults.switch_off()

    importer.clock.forward(minutes=59)
    importer.run()
    assert importer.states()[name] == "quarantined not_found"
    importer.clock.forward(minutes=2)
    importer.run()
    assert importer.states()[name] == "parsed"


def test_each_wait_in_quarantine_is_longer_and_the_last_attempt_is_final(importer: Importer) -> None:
    name, hours = quarantined(importer), list[float]()
    query = "select retry_at, attempts from file where name = %s"
    while (retry_at := importer.env.query(query, [name])[0][0]) is not None:
        hours.append((retry_at - importer.clock()) / timedelta(hours=1))
        importer.clock.now = retry_at
        # the name in the listing is some days old by now
        pipeline.discover(KESHET, [yesterday()], importer.resources)
        pipeline.download(KESHET, [yesterday()], importer.resources)

    assert hours == [1, 3, 9, 27, 48]
    assert importer.env.query(query, [name])[0][1] == importer.env.settings.max_attempts == 6


def test_a_file_that_the_portal_no_longer_lists_is_not_tried_again(importer: Importer) -> None:
    name = quarantined(importer)
    importer.env.replica.publications("keshet").remove(name)
    before = importer.refused()

    for _ in range(5):
        importer.clock.forward(days=1)
        importer.run()

    assert importer.states()[name] == "quarantined not_found"
    assert importer.refused() == before


@pytest.mark.parametrize("spoil", [lambda _: b"\x1f\x8b nothing to unpack", lambda _: b"<Nothing/>"])
def test_content_that_cannot_be_read_is_fetched_again_in_case_the_portal_mends_it(
    importer: Importer, spoil: Callable[[bytes], bytes]
) -> None:
    from dataclasses import replace

    publications = importer.env.replica.publications("keshet")
    good = next(file for file in publications.all() if file.name.startswith("PriceFull"))
    bad = spoil(good.read())
    size = len(good.read())
    publications.put(replace(good, content=bad + b" " * (size - len(bad))))
    importer.run()
    assert importer.states()[good.name].startswith("quarantined ")

    publications.put(good)
    importer.clock.forward(minutes=61)
    importer.run()

    assert importer.states()[good.name] == "parsed"
