"""What the ledger records for faults that happen between two polls of a portal (docs/portals.md)."""

from dataclasses import replace
from datetime import timedelta

from gogobe_dagster.replica.simulated_clock import SimulatedClock
from gogobe_dagster_tests.import_env import yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import OpenScene
from gogobe_dagster_tests.pipeline.test_fault_table import BINA, KESHET, SECOND_NAME


def test_a_wiped_folder_deletes_nothing(scene: OpenScene) -> None:
    here = scene(KESHET)
    here.publish()
    here.poll()
    here.take()
    before = here.states()

    here.env.replica.faults.switch_on("folder_wiped", feed=KESHET)

    assert here.poll() is None
    here.take()
    assert here.states() == before


def test_an_empty_kind_is_no_failure_and_deletes_nothing(scene: OpenScene) -> None:
    here = scene(BINA)
    here.publish()
    here.env.replica.faults.switch_on("empty_kind", feed=BINA, names="PriceFull*")

    code = here.poll()
    here.take()

    fulls = {name for name in here.states() if name.startswith("PriceFull")}
    assert (code, fulls) == (None, set())
    here.env.replica.faults.switch_off()
    here.poll()
    here.take()
    assert here.states() == {publication.name: "parsed" for publication in here.publications.all()}


def test_new_bytes_under_an_old_name_are_a_revision_that_is_imported_again(scene: OpenScene) -> None:
    here = scene(KESHET)
    here.publish()
    here.poll()
    here.take()
    name = here.full().name

    here.env.replica.faults.switch_on("republished_same_name", feed=KESHET, names=name)
    here.poll()
    here.take()

    rows = here.of(name, "revision", "state", "sha256")
    assert [row[:2] for row in rows] == [(1, "parsed"), (2, "parsed")]
    assert rows[0][2] != rows[1][2]
    events = here.env.query("select count(*) from file_event where code = 'republished_same_name'")
    assert events == [(1,)]


def test_the_same_files_over_the_other_transport_are_no_new_revisions(scene: OpenScene) -> None:
    web, ftp = scene(KESHET), scene(KESHET, "ftp")
    web.publish()
    web.poll()

    ftp.poll()

    assert web.env.query("select count(*), max(revision) from file") == [(len(web.states()), 1)]
    ftp.take()
    assert set(web.states().values()) == {"parsed"}


def test_the_same_bytes_under_another_name_are_kept_once(scene: OpenScene) -> None:
    here = scene(KESHET)
    here.publish()
    copy = SECOND_NAME(here, here.full())
    here.publications.put(copy)

    here.poll()
    here.take()

    hashes = {here.of(name, "sha256", "state")[0] for name in (copy.name, here.full().name)}
    assert len(hashes) == 1
    assert {state for _, state in hashes} == {"parsed"}


def test_after_midnight_yesterday_is_merged(scene: OpenScene) -> None:
    here = scene("carrefour")
    here.publish()
    assert isinstance(here.env.replica.clock, SimulatedClock)
    here.env.replica.clock.move(forward=timedelta(minutes=10))

    code = here.poll()
    here.take()

    assert code is None
    assert here.states() == {publication.name: "parsed" for publication in here.publications.all()}


def test_files_three_months_old_are_listed_and_not_imported(scene: OpenScene) -> None:
    here = scene("wolt_market")
    here.publish()
    old = yesterday() - timedelta(days=90)
    for publication in here.publications.all():
        here.publications.remove(publication.name)
        here.publications.put(
            replace(
                publication,
                name=publication.name.replace(f"{yesterday():%Y%m%d}", f"{old:%Y%m%d}"),
                published_at=publication.published_at - timedelta(days=90),
            )
        )

    code = here.poll(yesterday() + timedelta(days=1))
    here.take()

    assert code is None
    assert set(here.states().values()) == {"quarantined stale_file"}


def test_a_dead_host_is_named_and_the_other_feeds_go_on(scene: OpenScene) -> None:
    dead, alive = scene(KESHET, base_url="http://portal.invalid"), scene(BINA)
    alive.publish()

    codes = dead.poll(), alive.poll()
    alive.take()

    assert codes == ("dns_dead", None)
    assert dead.env.query("select code from listing where feed = %s", [KESHET]) == [("dns_dead",)]
    assert set(alive.states().values()) == {"parsed"}
