"""Cerberus over FTP: the same folders and codes as over the web, plain or with TLS."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gogobe_dagster.errors import Code, CodedError, DownloadError, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.portals.conftest import QUICK, OpenPortal, names_of_a_day, publication
from gogobe_dagster_tests.portals.test_faults import IMPATIENT, IMPATIENT_FOR_FILES, fetched, publish

# Super Yuda has a folder and a password of its own; Dor Alon lets nobody in without TLS.
every_account = pytest.mark.parametrize("feed", ["rami_levy", "super_yuda", "dor_alon"])
DOTS = b"<" + b"x" * 299_999


@every_account
def test_both_doors_show_the_same_files_with_the_same_sizes_and_times(
    replica: Replica, open_feed: OpenPortal, feed: str
) -> None:
    publish(replica, feed)

    over_web, over_ftp = (open_feed(feed, transport=transport).list_files() for transport in ("web", "ftp"))

    assert [replace(file, link="") for file in sorted(over_ftp, key=_name)] == [
        replace(file, link="") for file in sorted(over_web, key=_name)
    ]


@every_account
def test_several_threads_fetch_byte_for_byte_over_few_connections(
    replica: Replica, open_feed: OpenPortal, feed: str
) -> None:
    names, _ = publish(replica, feed)
    large = publication(names[7], b"<" + bytes(range(256)) * 8_000)
    replica.publications(feed).put(large)
    portal = open_feed(feed, transport="ftp")

    files = portal.list_files()
    with ThreadPoolExecutor(max_workers=8) as pool:
        contents = list(pool.map(lambda file: fetched(portal, file), files))

    published = {publication.name: publication.read() for publication in replica.publications(feed).all()}
    assert {file.name: content for file, content in zip(files, contents, strict=True)} == published
    assert portal.parallel_downloads <= 5


def test_a_file_comes_in_chunks(replica: Replica, open_feed: OpenPortal) -> None:
    replica.publications("rami_levy").put(publication(names_of_a_day("rami_levy")[5], bytes(2_000_000)))
    portal = open_feed("rami_levy", transport="ftp")
    [file] = portal.list_files()

    assert max(map(len, portal.fetch(file))) <= 256 * 1024


def test_what_one_door_listed_the_other_can_fetch(replica: Replica, open_feed: OpenPortal) -> None:
    """A feed that is switched to one transport still has links of the other in its ledger."""
    publish(replica, "super_yuda")
    connectors = {transport: open_feed("super_yuda", transport=transport) for transport in ("web", "ftp")}

    for listing, fetching in (("web", "ftp"), ("ftp", "web")):
        file = connectors[listing].list_files()[3]
        assert fetched(connectors[fetching], file) == publication(file.name).read()


def test_strange_names_are_listed_and_fetched_as_they_are(replica: Replica, open_feed: OpenPortal) -> None:
    known = publication(names_of_a_day("rami_levy")[2])
    strange = ["README.txt", "Price (1).gz", "50%25&a=b+c.gz", " ; type=dir; x.gz", "מחירים.gz"]
    replica.publications("rami_levy").put(*(replace(known, name=name) for name in strange))
    portal = open_feed("rami_levy", transport="ftp")

    files = portal.list_files()

    assert sorted(file.name for file in files) == sorted(strange)
    assert all(fetched(portal, file) == known.read() for file in files)


def test_a_past_day_is_refused(open_feed: OpenPortal) -> None:
    with pytest.raises(PortalError) as caught:
        open_feed("rami_levy", transport="ftp").list_files(date(2026, 11, 22))

    assert caught.value.code is Code.PAST_DAY_NOT_OFFERED


def test_a_server_that_hung_up_on_an_idle_connection_is_called_again(
    replica: Replica, open_feed: OpenPortal
) -> None:
    publish(replica, "rami_levy")
    portal = open_feed("rami_levy", transport="ftp")
    before = portal.list_files()
    replica.faults.switch_on("portal_down", feed="rami_levy", times=1)
    with pytest.raises(CodedError):  # 421, and the server closes the line
        fetched(portal, before[0])

    assert portal.list_files() == before


# fault, how it is switched on
LISTED_ALL_THE_SAME = [
    ("slow_page", {"seconds": 0.3, "times": 2}),
    ("timeout_once", {"seconds": 1.0}),
    ("connection_reset", {"times": 2}),
    ("portal_down", {"times": 2}),
    ("ftps_required", {}),
    ("ftp_without_mlsd", {}),
    ("bot_challenge", {}),
    ("csrf_token_wrong", {}),
    ("html_listing", {}),
]
# fault, feed, code of the listing
NOT_LISTED = [
    ("portal_down", "rami_levy", Code.PORTAL_UNAVAILABLE),
    ("connection_reset", "rami_levy", Code.CONNECTION_LOST),
    ("connection_reset", "dor_alon", Code.CONNECTION_LOST),
    ("slow_page", "rami_levy", Code.CONNECTION_LOST),
    ("wrong_password", "rami_levy", Code.AUTH_FAILED),
    ("wrong_password", "dor_alon", Code.AUTH_FAILED),
]
# fault, feed, code of the file
NOT_FETCHED = [
    ("zero_byte", "rami_levy", Code.ZERO_BYTE),
    ("truncated_download", "rami_levy", Code.TRUNCATED_DOWNLOAD),
    ("truncated_download", "dor_alon", Code.TRUNCATED_DOWNLOAD),
    ("ftp_hangs_up", "rami_levy", Code.TRUNCATED_DOWNLOAD),
    ("ftp_hangs_up", "dor_alon", Code.TRUNCATED_DOWNLOAD),
    ("missing_file", "rami_levy", Code.NOT_FOUND),
    ("missing_file", "super_yuda", Code.NOT_FOUND),
    ("connection_reset", "rami_levy", Code.CONNECTION_LOST),
    ("slow_page", "rami_levy", Code.CONNECTION_LOST),
    ("portal_down", "rami_levy", Code.PORTAL_UNAVAILABLE),
]
# fault, how it is switched on, how many of the 93 names are listed
LISTED_AS_SHOWN = [
    ("empty_listing", {}, 0),
    ("folder_wiped", {}, 2),
    ("empty_kind", {"names": "PriceFull*"}, 93 - 47),
    ("foreign_chain", {}, 93 + 1),
]


@pytest.mark.parametrize(("fault", "options"), LISTED_ALL_THE_SAME)
def test_a_failure_that_passes_or_is_the_webs_leaves_the_listing_whole(
    replica: Replica, open_feed: OpenPortal, fault: str, options: dict[str, Any]
) -> None:
    names, _ = publish(replica, "rami_levy")
    portal = open_feed("rami_levy", transport="ftp")
    replica.faults.switch_on(fault, feed="rami_levy", **options)

    assert sorted(file.name for file in portal.list_files()) == names


@pytest.mark.parametrize(("fault", "feed", "code"), NOT_LISTED)
def test_a_listing_that_fails_has_the_code_that_it_has_over_the_web(
    replica: Replica, open_feed: OpenPortal, fault: str, feed: str, code: Code
) -> None:
    publish(replica, feed)
    portal = open_feed(feed, IMPATIENT if fault == "slow_page" else QUICK, transport="ftp")
    replica.faults.switch_on(fault, feed=feed)

    with pytest.raises(PortalError) as caught:
        portal.list_files()

    assert caught.value.code is code


@pytest.mark.parametrize(("fault", "feed", "code"), NOT_FETCHED)
def test_a_file_that_fails_has_the_code_of_its_cause_and_the_others_come(
    replica: Replica, open_feed: OpenPortal, fault: str, feed: str, code: Code
) -> None:
    _, target = publish(replica, feed)
    replica.publications(feed).put(publication(target, DOTS))
    portal = open_feed(feed, IMPATIENT_FOR_FILES if fault == "slow_page" else QUICK, transport="ftp")
    replica.faults.switch_on(fault, feed=feed, names=target, times=9)
    files = {file.name: file for file in portal.list_files()}

    with pytest.raises((DownloadError, PortalError)) as caught:
        fetched(portal, files.pop(target))

    assert caught.value.code is code
    assert all(fetched(portal, file) == publication(name).read() for name, file in list(files.items())[:3])


@pytest.mark.parametrize(("fault", "options", "expected"), LISTED_AS_SHOWN)
def test_the_listing_says_what_the_folder_shows(
    replica: Replica, open_feed: OpenPortal, fault: str, options: dict[str, Any], expected: int
) -> None:
    publish(replica, "rami_levy")
    replica.faults.switch_on(fault, feed="rami_levy", **options)

    assert len(open_feed("rami_levy", transport="ftp").list_files()) == expected


def test_a_refused_user_is_not_tried_again_for_every_file(replica: Replica, open_feed: OpenPortal) -> None:
    """The fault lasts for one login: a second one would be let in."""
    names, _ = publish(replica, "rami_levy")
    replica.faults.switch_on("wrong_password", feed="rami_levy", times=1)
    portal = open_feed("rami_levy", transport="ftp")

    def attempt(name: str) -> Code:
        with pytest.raises(PortalError, match="'RamiLevi'") as caught:
            fetched(portal, RemoteFile(name=name, link=""))
        return caught.value.code

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert set(pool.map(attempt, names[:20])) == {Code.AUTH_FAILED}


def test_a_file_shorter_than_listed_is_cut_off_though_the_server_calls_it_whole(
    replica: Replica, open_feed: OpenPortal
) -> None:
    _, target = publish(replica, "rami_levy")
    portal = open_feed("rami_levy", transport="ftp")
    file = next(file for file in portal.list_files() if file.name == target)
    assert file.size

    with pytest.raises(DownloadError) as caught:
        fetched(portal, replace(file, size=file.size + 1))

    assert caught.value.code is Code.TRUNCATED_DOWNLOAD


def test_a_file_over_the_limit_is_refused(replica: Replica) -> None:
    replica.publications("rami_levy").put(publication(names_of_a_day("rami_levy")[2], bytes(1024 * 1024 + 1)))
    small = Settings.model_validate(
        {"replica_url": replica.url, "max_download_mb": 1, "feed": {"rami_levy": {"transport": "ftp"}}}
    )
    portal = open_portal(find_feed("rami_levy"), small, policy=QUICK)
    [file] = portal.list_files()

    with pytest.raises(DownloadError) as caught:
        fetched(portal, file)

    assert caught.value.code is Code.TOO_LARGE
    portal.close()
    portal.close()


def test_a_certificate_of_an_unknown_authority_is_no_safe_connection(replica: Replica) -> None:
    """The address alone, without the replica's word whom to trust there."""
    publish(replica, "dor_alon")
    feeds = {"dor_alon": {"transport": "ftp", "ftp_url": replica.ftp_url}}
    portal = open_portal(find_feed("dor_alon"), Settings.model_validate({"feed": feeds}), policy=QUICK)

    with pytest.raises(PortalError) as caught:
        portal.list_files()

    assert caught.value.code is Code.TLS_ERROR


def _name(file: RemoteFile) -> str:
    return file.name
