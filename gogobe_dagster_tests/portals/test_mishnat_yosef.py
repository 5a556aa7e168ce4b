"""Mishnat Yosef's own list: direct links, read strictly."""

import json
from typing import Any

import pytest

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.mishnat_yosef import MishnatYosef
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster_tests.portals.conftest import options
from gogobe_dagster_tests.portals.servers import Script, ScriptedServer, says, scripted

MILK = b"\x1f\x8bmilk"
NAME = "PriceFull5144744100002-001-202608110300.gz"


def row(url: object) -> dict[str, Any]:
    """A row as docs/portals.md, "Mishnat Yosef", describes it."""
    return {"name": NAME, "type": "pricefull", "date": "2026-08-11", "url": url}


def shows(*rows: Any) -> Script:
    return says(json.dumps(rows).encode())


def connector(server: ScriptedServer) -> MishnatYosef:
    return MishnatYosef(options("mishnat_yosef_worker", server.url, max_file_bytes=1000))


def test_a_file_is_fetched_from_the_host_that_its_row_names() -> None:
    with scripted(says(MILK)) as elsewhere, scripted(shows()) as server:
        link = f"{elsewhere.url}/bucket/{NAME}?v=1"
        server.answer(0, shows(row(link), row(link)))
        portal = connector(server)

        [file] = portal.list_files()

        assert file == RemoteFile(name=NAME, link=link)
        assert b"".join(portal.fetch(file)) == MILK
    assert [request.split()[1] for request in server.requests] == ["/"]
    assert [request.split()[1] for request in elsewhere.requests] == [f"/bucket/{NAME}?v=1"]


@pytest.mark.parametrize(
    "answer",
    [
        says(b"<html><body>Worker threw exception</body></html>"),
        says(b'{"error": "internal error"}'),
        says(b""),
        shows(NAME),
        shows({"name": NAME}),
        shows(row(None)),
        shows(row("/bucket/x.gz")),
        shows(row("ftp://127.0.0.1/x.gz")),
        shows(row("https://127.0.0.1/x.gz") | {"name": ""}),
    ],
)
def test_a_list_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script) -> None:
    with scripted(answer) as server, pytest.raises(PortalError) as caught:
        connector(server).list_files()

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED
