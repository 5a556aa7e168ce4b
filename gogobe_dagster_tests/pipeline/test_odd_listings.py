"""A listing may have any names: each is a line of the ledger with a code, and the real files are imported."""

from datetime import timedelta

import pytest

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.identity import MAX_UNKNOWN_NAMES, classify_listing
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.warehouse.ledger.model import ListingResult
from gogobe_dagster_tests.import_env import midnight, yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import OpenScene, Scene

pytestmark = pytest.mark.slow

REAL = "PriceFull7290785400000-001-202611290436.gz"
ODD_NAMES = [
    "a" * 4_800,
    f"{REAL}?{'א' * 5_000}",
    "Price\ud83d7290785400000.gz",
    "Price\0.gz",
    "[/bold]\x1b[31m.gz",
    "'; drop table file; --",
]


def publish_named(scene: Scene, names: list[str]) -> None:
    scene.publications.put(
        *(
            Publication(name=name, content=b"odd", published_at=midnight(), kind=FileKind.PRICES, store_id=1)
            for name in names
        )
    )


def record(scene: Scene, names: list[str]) -> ListingResult:
    seen = [
        classify_listing(
            RemoteFile(name=name, link=f"/{number}"),
            scene.feed,
            now=midnight(),
            requested=[yesterday()],
            stale_after=timedelta(days=1),
        )
        for number, name in enumerate(names)
    ]
    return scene.resources.ledger.record(scene.feed.key, seen, now=midnight())


def test_odd_names_are_coded_lines_and_roll_nothing_back(scene: OpenScene) -> None:
    feed = scene("keshet")
    real = f"PriceFull7290785400000-001-{yesterday():%Y%m%d}0436.gz"

    first = record(feed, [*ODD_NAMES, real])
    again = record(feed, [*ODD_NAMES, real])

    assert (first.new, first.quarantined, again.known) == (
        len(ODD_NAMES) + 1,
        len(ODD_NAMES),
        len(ODD_NAMES) + 1,
    )
    states = feed.states()
    assert states.pop(real) == "discovered"
    assert set(states.values()) == {"quarantined name_unparsed"}
    assert max(map(len, states)) == 255
    ((longest,),) = feed.env.query("select max(length(reason)) from file")
    assert longest < 2_000


def test_two_long_names_with_the_same_start_are_two_files(scene: OpenScene) -> None:
    feed = scene("keshet")
    assert record(feed, ["a" * 4_800, "a" * 4_801]).new == 2


def test_a_portal_that_lists_junk_has_a_code_and_its_files_are_imported(scene: OpenScene) -> None:
    feed = scene("keshet")
    publish_named(feed, [f"junk-{number}" for number in range(MAX_UNKNOWN_NAMES + 50)])
    feed.publish()

    assert feed.poll() is None
    feed.take()

    states = feed.states()
    assert sum(state == "quarantined name_unparsed" for state in states.values()) == MAX_UNKNOWN_NAMES
    assert sum(state == "parsed" for state in states.values()) == len(states) - MAX_UNKNOWN_NAMES > 0
    ((code, reason),) = feed.env.query("select code, reason from listing")
    assert code == "listing_too_long"
    assert reason.startswith("50 of ")


def test_the_code_is_gone_with_the_junk(scene: OpenScene) -> None:
    feed = scene("keshet")
    junk = [f"junk-{number}" for number in range(MAX_UNKNOWN_NAMES + 1)]
    publish_named(feed, junk)
    feed.publish()
    feed.poll()
    feed.publications.remove(*junk)

    feed.poll()

    assert feed.env.query("select code from listing") == [(None,)]
