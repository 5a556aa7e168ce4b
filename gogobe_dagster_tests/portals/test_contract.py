"""What every family promises: it lists what is published, and gives the bytes, or a code for why not."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, DownloadError, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.portals.portal import Portal, RemoteFile
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.families import FEED_OF_EACH_FAMILY
from gogobe_dagster_tests.portals.conftest import QUICK, MovedClock, OpenPortal, names_of_a_day, publication

pytestmark = pytest.mark.slow

# Super Yuda has a folder and a password of its own; Mishnat Yosef another query id than chain id.
every_family = pytest.mark.parametrize("feed", [*FEED_OF_EACH_FAMILY, "super_yuda", "mishnat_yosef_bina"])
SAYS_NO_TIME = {"wolt_market", "mishnat_yosef_worker", "netiv_hahesed"}
GZIP_START = b"\x1f\x8b"
LINKS_ELSEWHERE = {"shufersal", "mishnat_yosef_worker", "hazi_hinam"}
SURELY_PUBLISHES = {"victory": Code.LISTING_EMPTY_UNEXPECTED, "super_pharm": Code.BOT_CHALLENGE}
"""Where nothing at all is an error already for the connector: it passes, or it is the bot wall."""


def fetched(portal: Portal, file: RemoteFile) -> bytes:
    return b"".join(portal.fetch(file))


def put(replica: Replica, feed: str, *names: str) -> None:
    replica.publications(feed).put(*(publication(name) for name in names))


@every_family
def test_what_is_published_is_listed_once_and_fetched_byte_for_byte_by_several_threads(
    replica: Replica, open_feed: OpenPortal, feed: str
) -> None:
    names = names_of_a_day(feed)
    put(replica, feed, *names)
    portal = open_feed(feed)

    files = portal.list_files()
    with ThreadPoolExecutor(max_workers=8) as pool:
        contents = list(pool.map(lambda file: fetched(portal, file), files))

    assert sorted(file.name for file in files) == sorted(names)
    published = {publication.name: publication.read() for publication in replica.publications(feed).all()}
    assert {file.name: content for file, content in zip(files, contents, strict=True)} == published


@every_family
def test_a_file_of_many_chunks_is_whole(replica: Replica, open_feed: OpenPortal, feed: str) -> None:
    name = names_of_a_day(feed)[5]
    content = GZIP_START + bytes(range(256)) * 12_000
    replica.publications(feed).put(publication(name, content))
    portal = open_feed(feed)

    [file] = portal.list_files()

    assert fetched(portal, file) == content


@every_family
def test_a_portal_that_shows_nothing_gives_an_empty_list_or_an_error_of_its_own(
    open_feed: OpenPortal, feed: str
) -> None:
    portal = open_feed(feed)

    if feed not in SURELY_PUBLISHES:
        assert portal.list_files() == []
        return
    with pytest.raises(PortalError) as caught:
        portal.list_files()
    assert caught.value.code is SURELY_PUBLISHES[feed]


@every_family
def test_a_file_is_fetched_by_another_connector_than_the_one_that_listed_it(
    replica: Replica, open_feed: OpenPortal, feed: str
) -> None:
    put(replica, feed, *names_of_a_day(feed)[:3])
    [file, *_] = open_feed(feed).list_files()

    assert fetched(open_feed(feed), file) == replica.publications(feed).get(file.name).read()  # type: ignore[union-attr]


@every_family
def test_sizes_and_times_of_the_listing_are_true(
    replica: Replica, open_feed: OpenPortal, clock: MovedClock, feed: str
) -> None:
    clock.now = datetime(2026, 10, 25, 12, tzinfo=ISRAEL)  # the day that daylight saving ends
    chain = find_feed(feed).chain_id
    sizes = {1: 1, 2: 511, 3: 1023, 4: 1024, 5: 300_001, 6: 5_000_007}
    for store, size in sizes.items():
        name = f"PriceFull{chain}-001-{store:03}-20261024-2359{store:02}.gz"
        replica.publications(feed).put(publication(name, bytes([31]) * size))

    files = open_feed(feed).list_files()

    assert len(files) == len(sizes)
    for file in files:
        truth = replica.publications(feed).get(file.name)
        assert truth
        assert file.size is None or abs(file.size - truth.size) <= file.size_tolerance
        assert (file.modified_at is None) == (feed in SAYS_NO_TIME)
        assert file.modified_at is None or abs(file.modified_at - truth.published_at) < timedelta(minutes=1)


@every_family
def test_what_appears_and_disappears_is_seen_by_the_next_listing(
    replica: Replica, open_feed: OpenPortal, feed: str
) -> None:
    old, new = names_of_a_day(feed)[2:4]
    put(replica, feed, old)
    portal = open_feed(feed)
    before = [file.name for file in portal.list_files()]

    put(replica, feed, new)
    replica.publications(feed).remove(old)

    assert (before, [file.name for file in portal.list_files()]) == ([old], [new])


@every_family
def test_strange_names_are_listed_and_fetched_as_they_are(
    replica: Replica, open_feed: OpenPortal, feed: str
) -> None:
    """What they mean is not the connector's business: a name that is not listed cannot be quarantined."""
    known = publication(names_of_a_day(feed)[2])
    strange = ["README.txt", "Price (1).gz", "50%25&a=b+c.gz", "Promo0000000000000-0-1.GZ"]
    for name in strange:
        replica.publications(feed).put(replace(known, name=name))
    portal = open_feed(feed)

    files = portal.list_files()

    assert sorted(file.name for file in files) == sorted(strange)
    assert all(fetched(portal, file) == known.read() for file in files)


@every_family
def test_past_days_are_answered_or_refused_but_never_ignored(
    replica: Replica, open_feed: OpenPortal, feed: str
) -> None:
    chain = find_feed(feed).chain_id
    put(replica, feed, f"Price{chain}-001-202611221000.gz", f"Price{chain}-001-202611231000.gz")
    portal = open_feed(feed)

    if portal.offers_past_days:
        files = portal.list_files(date(2026, 11, 22))
        assert [file.name for file in files] == [f"Price{chain}-001-202611221000.gz"]
        return
    with pytest.raises(PortalError) as caught:
        portal.list_files(date(2026, 11, 22))
    assert caught.value.code is Code.PAST_DAY_NOT_OFFERED


@every_family
def test_a_portal_where_nobody_listens_is_an_error_and_no_empty_list(feed: str) -> None:
    portal = open_portal(find_feed(feed), Settings(replica_url="http://127.0.0.1:1"), policy=QUICK)
    file = RemoteFile(
        name="Price.gz", link="http://127.0.0.1:1/Price.gz" if feed in LINKS_ELSEWHERE else "/Price.gz"
    )

    with pytest.raises(PortalError) as listing:
        portal.list_files()
    with pytest.raises(PortalError) as download:
        fetched(portal, file)

    assert listing.value.code is download.value.code is Code.NO_CONNECTION


@every_family
def test_a_file_over_the_limit_is_refused(replica: Replica, clock: MovedClock, feed: str) -> None:
    name = names_of_a_day(feed)[2]
    replica.publications(feed).put(publication(name, bytes(1024 * 1024 + 1)))
    small = Settings(replica_url=replica.url, max_download_mb=1)
    portal = open_portal(find_feed(feed), small, policy=QUICK, clock=clock)
    [file] = portal.list_files()

    with pytest.raises(DownloadError) as caught:
        fetched(portal, file)

    assert caught.value.code is Code.TOO_LARGE
    portal.close()


@every_family
def test_a_connector_may_be_closed_twice_and_unused(open_feed: OpenPortal, feed: str) -> None:
    portal = open_feed(feed)

    portal.close()
    portal.close()

    assert 1 <= portal.parallel_downloads <= 5
