"""Bina: a list that stops at 1,000 rows, and two ways to a file."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.bina import Bina
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import OpenPortal, options, publication
from gogobe_dagster_tests.portals.servers import Script, ScriptedServer, says, scripted

CHAIN = "7290058159628"
MILK = b"\x1f\x8bmilk"


def connector(server: ScriptedServer, feed_key: str = "maayan_2000") -> Bina:
    return Bina(options(feed_key, server.url, max_file_bytes=1000))


def shows(*rows: Any) -> Script:
    return says(json.dumps(rows).encode())


def row(name: str, **other: object) -> dict[str, Any]:
    return {"FileNm": name, "Store": "1 סניף דוגמה", "DateFile": "05:00 11/08/2026", **other}


@pytest.mark.parametrize("hours", [999, 1000, 1001, 1300])
def test_every_file_is_listed_however_many_there_are(
    replica: Replica, open_feed: OpenPortal, hours: int
) -> None:
    names = {f"Price{CHAIN}-{at % 40 + 1:03}-20261123{at // 60:02}{at % 60:02}.gz" for at in range(hours)}
    publications = replica.publications("maayan_2000")
    publications.put(*(publication(name, MILK) for name in names))

    files = open_feed("maayan_2000").list_files()

    assert len(files) == len(names) == hours
    assert {file.name for file in files} == names


def test_a_name_that_says_no_store_does_not_stop_a_long_list(replica: Replica, open_feed: OpenPortal) -> None:
    strange = replace(publication(f"Price{CHAIN}-001-202611230000.gz", MILK), name="Price-odd.gz")
    names = [f"Price{CHAIN}-{at % 40 + 1:03}-20261123{at // 60:02}{at % 60:02}.gz" for at in range(999)]
    replica.publications("maayan_2000").put(strange, *(publication(name, MILK) for name in names))

    assert len(open_feed("maayan_2000").list_files()) == 1000


def test_one_store_with_a_full_list_is_truncated(replica: Replica, open_feed: OpenPortal) -> None:
    names = [f"Price{CHAIN}-007-20261123-{at // 60:02}{at % 60:02}00.gz" for at in range(1000)]
    replica.publications("maayan_2000").put(*(publication(name, MILK) for name in names))

    with pytest.raises(PortalError, match="store 7 alone") as caught:
        open_feed("maayan_2000").list_files()

    assert caught.value.code is Code.LISTING_TRUNCATED


def test_a_store_that_hides_what_the_whole_list_shows_is_an_error() -> None:
    rows = [row(f"Price{CHAIN}-001-202611230000-{at:03}.gz") for at in range(1000)]
    answers = (shows(), shows(*rows), shows({"Kod": 1, "Nm": "דוגמה"}), shows())
    with scripted(*answers) as server, pytest.raises(PortalError, match="1000 files are listed") as caught:
        connector(server).list_files()

    assert caught.value.code is Code.LISTING_TRUNCATED


def test_each_kind_is_asked_for_apart_and_with_the_id_that_the_portal_wants() -> None:
    with scripted(shows()) as server:
        assert connector(server, "mishnat_yosef_bina").list_files() == []

    assert len(server.requests) == 5
    for kind, request in enumerate(server.requests, 1):
        assert f"WFileType={kind}&" in request
        assert "_=5144744100001&" in request


@pytest.mark.parametrize(
    "answer",
    [
        says(b"<html><body>Runtime Error</body></html>"),
        says(b'{"Message": "An error has occurred."}'),
        says(b""),
        shows("Price.gz"),
        shows({"DateFile": "05:00 11/08/2026"}),
        shows(row("")),
        shows(row("Price.gz", DateFile="2026-08-11")),
        shows(row("Price.gz", DateFile=None)),
    ],
)
def test_a_list_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script) -> None:
    with scripted(answer) as server, pytest.raises(PortalError) as caught:
        connector(server).list_files()

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


@pytest.mark.parametrize("path", ["/Elsewhere/Price.gz", "/Elsewhere/"])
def test_a_file_that_lies_elsewhere_is_asked_for_there(path: str) -> None:
    missing = says(b"", status="404 Not Found")
    with scripted(missing, says(b""), says(MILK)) as server:
        server.answer(1, shows({"SPath": f"{server.url}{path}"}))
        file = RemoteFile(name="Price.gz", link="/Download/Price.gz")

        assert b"".join(connector(server).fetch(file)) == MILK

    assert [request.split()[1] for request in server.requests] == [
        "/Download/Price.gz",
        "/Download.aspx?FileNm=Price.gz",
        "/Elsewhere/Price.gz",
    ]
