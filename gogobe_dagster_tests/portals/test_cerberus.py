"""Cerberus: logins, tokens, and a count of files that must be reached."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gogobe_dagster.errors import Code, DownloadError, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.portals.cerberus import TOKEN, Cerberus
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.response_detection import is_login_form
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import (
    MovedClock,
    OpenPortal,
    names_of_a_day,
    options,
    publication,
)
from gogobe_dagster_tests.portals.servers import Script, ScriptedServer, says, scripted

RAMI_LEVY = find_feed("rami_levy")
PAGE = says(b'<!DOCTYPE html><html><head><meta name="csrftoken" content="T1"/></head><body></body></html>')
SIGNING_IN = (PAGE, PAGE, PAGE)  # the login page, where it leads, the file page


def row(store: int, **other: object) -> dict[str, Any]:
    name = f"Price7290058140886-{store:03}-202611231000.gz"
    return {"fname": name, "type": "file", "size": 206, "ftime": "11/23/2026 10:03", **other}


def shows(*rows: Any, total: int) -> Script:
    return says(json.dumps({"sEcho": 1, "iTotalDisplayRecords": total, "aaData": list(rows)}).encode())


def connector(server: ScriptedServer) -> Cerberus:
    return Cerberus(options(RAMI_LEVY, server.url))


def listed(server: ScriptedServer) -> list[RemoteFile]:
    with closing(connector(server)) as portal:
        return portal.list_files()


@pytest.mark.corpus
def test_the_real_login_page_is_a_login_form_with_a_token(corpus: Path) -> None:
    page = (corpus / "portals" / "publishedprices_login_page.html").read_bytes()

    assert is_login_form(page)
    assert TOKEN.search(page)


@pytest.mark.corpus
@pytest.mark.parametrize(
    "name",
    [
        "publishedprices_login_failed_page.html",  # in truth the file page of `yohananof`, logged in
        "publishedprices_Keshet_filelist_before_ajax.html",
        "publishedprices_RamiLevi_filelist.html",
    ],
)
def test_the_real_file_page_is_no_login_form_though_it_asks_for_a_password_of_shares(
    corpus: Path, name: str
) -> None:
    page = (corpus / "portals" / name).read_bytes()

    assert b'type="password"' in page
    assert not is_login_form(page)
    assert TOKEN.search(page)


def test_a_refused_user_is_not_tried_again_for_every_file(replica: Replica, open_feed: OpenPortal) -> None:
    """The fault lasts for one login: a second one would be let in."""
    replica.publications("rami_levy").put(publication(names_of_a_day("rami_levy")[2]))
    replica.faults.switch_on("wrong_password", feed="rami_levy", times=1)
    portal = open_feed("rami_levy")

    for _ in range(2):
        with pytest.raises(PortalError, match="'RamiLevi'") as caught:
            portal.list_files()
        assert caught.value.code is Code.AUTH_FAILED
        assert not caught.value.retry


def test_a_user_name_counts_in_its_exact_case(replica: Replica) -> None:
    feed = replace(RAMI_LEVY, account="ramilevi")
    portal = Cerberus(options(feed, f"{replica.url}/cerberus", max_file_bytes=1000))

    with pytest.raises(PortalError) as caught:
        portal.list_files()

    assert caught.value.code is Code.AUTH_FAILED
    portal.close()


@pytest.fixture
def replica_by_clock(clock: MovedClock) -> Iterator[Replica]:
    names = names_of_a_day("rami_levy")
    publications_by_feed = {"rami_levy": Publications(publication(name) for name in names)}
    with Replica(publications_by_feed, clock=clock) as replica:
        yield replica


def test_a_session_that_died_overnight_is_renewed_for_a_listing_and_for_many_threads(
    clock: MovedClock, replica_by_clock: Replica
) -> None:
    portal = Cerberus(options(RAMI_LEVY, f"{replica_by_clock.url}/cerberus", max_file_bytes=1000))
    files = portal.list_files()

    clock.now += timedelta(hours=1)
    again = portal.list_files()
    clock.now += timedelta(hours=1)
    with ThreadPoolExecutor(max_workers=8) as pool:
        contents = list(pool.map(lambda file: b"".join(portal.fetch(file)), files))

    assert again == files
    assert contents == [publication(file.name).read() for file in files]
    portal.close()


def test_a_list_that_grows_while_it_is_paged_is_read_from_the_start() -> None:
    changed = (shows(row(1), row(2), total=3), shows(row(4), total=4))
    settled = (shows(row(1), row(2), total=4), shows(row(3), row(4), total=4))
    with scripted(*SIGNING_IN, *changed, *settled) as server:
        files = listed(server)

    assert [file.name for file in files] == [row(store)["fname"] for store in (1, 2, 3, 4)]


def test_a_row_twice_and_a_row_missing_is_not_a_whole_list() -> None:
    twice = shows(row(1), row(1), total=2)
    with scripted(*SIGNING_IN, twice) as server, pytest.raises(PortalError) as caught:
        listed(server)

    assert caught.value.code is Code.LISTING_TRUNCATED


def test_folders_count_and_are_no_files() -> None:
    folder = {"fname": "Yuda", "type": "folder", "size": 0, "ftime": ""}
    with scripted(*SIGNING_IN, shows(folder, row(1), total=2)) as server:
        assert [file.link for file in listed(server)] == ["/file/d/Price7290058140886-001-202611231000.gz"]

    question = server.requests[-1]
    assert question.startswith("POST /file/json/dir")
    assert "X-Requested-With: XMLHttpRequest" in question


@pytest.mark.parametrize(
    "answer",
    [
        shows(row(1, fname=""), total=1),
        shows(row(1, size="206 B"), total=1),
        shows(row(1, size=None), total=1),
        shows(row(1, ftime="2026-11-23 10:03"), total=1),
        shows("Price.gz", total=1),
        says(b'{"aaData": []}'),
        says(b'{"iTotalDisplayRecords": 0}'),
        says(b"[]"),
        says(b"not json"),
        says(b'{"aaData": "\xff"}'),
    ],
)
def test_a_list_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script) -> None:
    with scripted(*SIGNING_IN, answer) as server, pytest.raises(PortalError) as caught:
        listed(server)

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


def test_a_login_page_without_a_token_means_that_the_portal_changed() -> None:
    with scripted(says(b"<html><body>Welcome</body></html>")) as server, pytest.raises(PortalError) as caught:
        listed(server)

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


FORM = says(
    b'<html><head><meta name="csrftoken" content="T"/></head><form action="/login/user"></form></html>'
)


def test_a_login_form_in_the_place_of_a_page_list_or_file_means_a_new_login_once() -> None:
    file = RemoteFile(name="Price.gz", link="/file/d/Price.gz", size=4)
    signing_in = (FORM, PAGE)
    listing = (FORM, *signing_in, PAGE, shows(total=0))
    downloads = (FORM, *signing_in, says(b"<ml>"), FORM, *signing_in, FORM)
    with scripted(*signing_in, *listing, *downloads) as server:
        portal = connector(server)

        assert portal.list_files() == []
        assert b"".join(portal.fetch(file)) == b"<ml>"
        with pytest.raises(DownloadError) as caught:
            b"".join(portal.fetch(file))
        portal.close()

    assert caught.value.code is Code.SESSION_EXPIRED
    assert sum(request.startswith("POST /login/user") for request in server.requests) == 4
