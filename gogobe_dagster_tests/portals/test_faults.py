"""Every fault of docs/portals.md, "Faults and their codes", at every family: its code, or none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gogobe_dagster.errors import Code, CodedError, DownloadError, PortalError, Trait
from gogobe_dagster.portals.portal import Portal, RemoteFile
from gogobe_dagster.replica.faults import FAULTS
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import QUICK, OpenPortal, names_of_a_day, publication

pytestmark = pytest.mark.slow

CERBERUS, SHUFERSAL, BINA, LAIB = ("rami_levy",), ("shufersal",), ("king_store",), ("victory",)
WOLT, MISHNAT_YOSEF = ("wolt_market",), ("mishnat_yosef_worker",)
PUBLISH_PRICE, SUPER_PHARM = ("carrefour",), ("super_pharm",)
HAZI_HINAM = ("hazi_hinam",)
TABLES = (*HAZI_HINAM, "city_market_shops")
NETIV = ("netiv_hahesed",)
MAY_BE_EMPTY = (*CERBERUS, *SHUFERSAL, *BINA, *WOLT, *MISHNAT_YOSEF, *PUBLISH_PRICE, *TABLES, *NETIV)
OPEN_TO_THE_WORLD = (*MAY_BE_EMPTY, *SUPER_PHARM)
EVERY = (*OPEN_TO_THE_WORLD, *LAIB)
TARGET = 12
"""Which of the day's files a fault of one file spoils."""
IMPATIENT = replace(QUICK, listing_timeout=0.6)
IMPATIENT_FOR_FILES = replace(QUICK, download_timeout=1)
"""Only where the portal is slow: elsewhere a busy machine would look like one."""

# fault, feeds, how it is switched on
LISTED_ALL_THE_SAME = [
    ("slow_page", EVERY, {"seconds": 0.3, "times": 2}),
    ("timeout_once", EVERY, {"seconds": 1.0}),
    ("connection_reset", EVERY, {"times": 2}),
    ("portal_down", EVERY, {"times": 2}),
    ("row_inserted_while_paging", SHUFERSAL + SUPER_PHARM + TABLES, {}),
    ("csrf_token_wrong", CERBERUS, {"times": 1}),
    ("json_error_200", CERBERUS, {"times": 1}),
    ("listing_truncated", CERBERUS, {}),
    ("cap_1000", BINA, {}),
    ("date_ignored", PUBLISH_PRICE, {}),
    ("day_ignored", TABLES + NETIV, {}),
    ("empty_listing", LAIB, {"times": 1}),
    ("file_type_case", LAIB, {}),
    ("listed_twice", LAIB, {}),
    ("oldest_first", WOLT, {}),
]
# fault, feeds, code of the listing
NOT_LISTED = [
    ("portal_down", EVERY, Code.PORTAL_UNAVAILABLE),
    ("unavailable_until", EVERY, Code.PORTAL_UNAVAILABLE),
    ("rate_limited", EVERY, Code.RATE_LIMITED),
    ("connection_reset", OPEN_TO_THE_WORLD, Code.CONNECTION_LOST),
    ("connection_reset", LAIB, Code.GEO_BLOCKED),
    ("slow_page", EVERY, Code.CONNECTION_LOST),
    ("bot_challenge", EVERY, Code.BOT_CHALLENGE),
    ("bot_wall", EVERY, Code.BOT_CHALLENGE),
    ("polite_challenge", EVERY, Code.BOT_CHALLENGE),
    ("blocked_page", HAZI_HINAM + NETIV, Code.BOT_CHALLENGE),
    ("empty_page", TABLES, Code.LISTING_TRUNCATED),
    ("empty_listing", SUPER_PHARM, Code.BOT_CHALLENGE),
    ("html_listing", EVERY, Code.LISTING_SCHEMA_CHANGED),
    ("csrf_token_wrong", CERBERUS, Code.CSRF_REJECTED),
    ("json_error_200", CERBERUS, Code.CSRF_REJECTED),
    ("json_error_200", (*BINA, *LAIB, *MISHNAT_YOSEF), Code.LISTING_SCHEMA_CHANGED),
    ("listing_never_complete", CERBERUS, Code.LISTING_TRUNCATED),
    ("script_renamed", PUBLISH_PRICE, Code.LISTING_SCHEMA_CHANGED),
    ("day_ignored", PUBLISH_PRICE, Code.LISTING_SCHEMA_CHANGED),
    ("missing_day", WOLT, Code.NOT_FOUND),
    ("empty_listing", LAIB, Code.LISTING_EMPTY_UNEXPECTED),
    ("wrong_password", CERBERUS, Code.AUTH_FAILED),
]
# fault, feeds, how it is switched on
FETCHED_ALL_THE_SAME = [
    ("slow_page", EVERY, {"seconds": 0.3}),
    ("expired_sas", SHUFERSAL, {"times": 1}),
    ("session_expires", CERBERUS + SUPER_PHARM, {}),
    ("two_step_download", SUPER_PHARM, {}),
    # the file lies so on the portal: whether it can be read is not the connector's business
    ("zip_in_gz", EVERY, {}),
    ("plain_in_gz", EVERY, {}),
    ("truncated_gzip", EVERY, {}),
    ("wrong_crc", EVERY, {}),
    ("republished_same_name", EVERY, {}),
]
# fault, feeds, code of the file
NOT_FETCHED = [
    ("zero_byte", EVERY, Code.ZERO_BYTE),
    ("html_instead_of_file", EVERY, Code.HTML_INSTEAD_OF_FILE),
    ("truncated_download", EVERY, Code.TRUNCATED_DOWNLOAD),
    ("missing_file", EVERY, Code.NOT_FOUND),
    ("connection_reset", EVERY, Code.CONNECTION_LOST),
    ("slow_page", EVERY, Code.CONNECTION_LOST),
    ("json_instead_of_file", EVERY, Code.MESSAGE_INSTEAD_OF_FILE),
    ("xml_instead_of_file", EVERY, Code.MESSAGE_INSTEAD_OF_FILE),
    ("text_instead_of_file", EVERY, Code.MESSAGE_INSTEAD_OF_FILE),
    ("portal_down", EVERY, Code.PORTAL_UNAVAILABLE),
    ("unavailable_until", EVERY, Code.PORTAL_UNAVAILABLE),
    ("rate_limited", EVERY, Code.RATE_LIMITED),
    ("bot_challenge", EVERY, Code.BOT_CHALLENGE),
    ("expired_sas", SHUFERSAL, Code.LINK_EXPIRED),
    ("bot_wall", EVERY, Code.BOT_CHALLENGE),
    ("polite_challenge", EVERY, Code.BOT_CHALLENGE),
    ("session_expires", CERBERUS + SUPER_PHARM, Code.SESSION_EXPIRED),
]
# fault, feeds, how it is switched on, how many of the day's 93 names are listed
LISTED_AS_SHOWN = [
    ("empty_listing", MAY_BE_EMPTY, {}, 0),
    ("folder_wiped", EVERY, {}, 2),
    ("empty_kind", EVERY, {"names": "PriceFull*"}, 93 - 47),
    ("foreign_chain", EVERY, {}, 93 + 1),
    ("only_deltas", NETIV, {}, 93 - 47 - 20 - 1),
]
ONLY_OVER_FTP = {"ftps_required", "ftp_without_mlsd", "ftp_hangs_up"}
"""They have their table in `test_cerberus_ftp`."""
UNTOUCHED = {"slow_page", "expired_sas", "session_expires", "two_step_download"}
Case = tuple[Any, ...]


def each(rows: Sequence[Case]) -> pytest.MarkDecorator:
    """One test a row and feed."""
    cases = [(row[0], feed, *row[2:]) for row in rows for feed in row[1]]
    return pytest.mark.parametrize("case", cases, ids=lambda case: f"{case[0]}-{case[1]}")


def publish(replica: Replica, feed: str) -> tuple[list[str], str]:
    """Publish a day; return its names, and the name of the file to corrupt."""
    names = names_of_a_day(feed)
    replica.publications(feed).put(*(publication(name) for name in names))
    return sorted(names), names[TARGET]


def fetched(portal: Portal, file: RemoteFile) -> bytes:
    return b"".join(portal.fetch(file))


def test_every_fault_that_the_replica_knows_is_expected_here() -> None:
    tables = (LISTED_ALL_THE_SAME, NOT_LISTED, FETCHED_ALL_THE_SAME, NOT_FETCHED, LISTED_AS_SHOWN)

    over_the_web = {row[0] for table in tables for row in table}
    assert over_the_web | ONLY_OVER_FTP == set(FAULTS)


@each(LISTED_ALL_THE_SAME)
def test_a_failure_that_passes_leaves_the_listing_whole(
    replica: Replica, open_feed: OpenPortal, case: Case
) -> None:
    fault, feed, options = case
    names, _ = publish(replica, feed)
    portal = open_feed(feed)
    replica.faults.switch_on(fault, feed=feed, **options)

    files = portal.list_files()

    assert sorted(file.name for file in files) == names


@each(NOT_LISTED)
def test_a_listing_that_fails_has_the_code_of_its_cause(
    replica: Replica, open_feed: OpenPortal, case: Case
) -> None:
    fault, feed, code = case
    publish(replica, feed)
    portal = open_feed(feed, IMPATIENT if fault == "slow_page" else QUICK)
    replica.faults.switch_on(fault, feed=feed)

    with pytest.raises(PortalError) as caught:
        portal.list_files()

    assert caught.value.code is code


@each(FETCHED_ALL_THE_SAME)
def test_a_file_comes_whole_in_spite_of(replica: Replica, open_feed: OpenPortal, case: Case) -> None:
    fault, feed, options = case
    _, target = publish(replica, feed)
    replica.faults.switch_on(fault, feed=feed, names=target, **options)
    portal = open_feed(feed)
    file = next(file for file in portal.list_files() if file.name == target)

    content = fetched(portal, file)

    original = publication(target).read()
    assert (content == original) == (fault in UNTOUCHED)
    assert file.size is None or abs(file.size - len(content)) <= file.size_tolerance


@each(NOT_FETCHED)
def test_a_file_that_fails_has_the_code_of_its_cause_and_the_others_come(
    replica: Replica, open_feed: OpenPortal, case: Case
) -> None:
    fault, feed, code = case
    _, target = publish(replica, feed)
    portal = open_feed(feed, IMPATIENT_FOR_FILES if fault == "slow_page" else QUICK)
    replica.faults.switch_on(fault, feed=feed, names=target, times=9)
    files = {file.name: file for file in portal.list_files()}

    with pytest.raises(CodedError) as caught:
        fetched(portal, files.pop(target))

    assert caught.value.code is code
    assert isinstance(caught.value, PortalError if Trait.WHOLE_PORTAL in code.traits else DownloadError)
    assert all(fetched(portal, file) == publication(name).read() for name, file in list(files.items())[:3])


@each(LISTED_AS_SHOWN)
def test_the_listing_says_what_the_portal_shows_however_odd(
    replica: Replica, open_feed: OpenPortal, case: Case
) -> None:
    fault, feed, options, expected = case
    publish(replica, feed)
    replica.faults.switch_on(fault, feed=feed, **options)

    files = open_feed(feed).list_files()

    assert len({file.name for file in files}) == len(files) == expected
