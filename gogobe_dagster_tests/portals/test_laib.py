"""Laib: one list a chain, empty at times, and closed to callers outside Israel."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.laib import Laib
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.request_policy import RequestPolicy
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import (
    QUICK,
    MovedClock,
    OpenPortal,
    names_of_a_day,
    options,
    publication,
)
from gogobe_dagster_tests.portals.servers import Script, ScriptedServer, reset, says, scripted, stay_silent

# As described in docs/portals.md, Laib.
FULL: dict[str, Any] = {
    "fileName": "PriceFull7290696200003-001-001-20260811-051500.gz",
    "fileType": "pricefull",
    "fileSize": "562.84 KB",
    "fileDate": "2026-08-11 05:16:08",
    "branchNumber": 1,
    "lastModified": "",
}
STORES: dict[str, Any] = {
    "fileName": "Stores7290696200003-000-20260811050010-050010.gz",
    "fileType": "stores",
    "fileSize": "206 B",
    "fileDate": "2026-08-11 05:00:11",
    "branchNumber": 0,
    "lastModified": "",
}


def connector(server: ScriptedServer, policy: RequestPolicy = QUICK) -> Laib:
    return Laib(options("victory", server.url, policy=policy))


def shows(*rows: Any) -> Script:
    return says(json.dumps(rows).encode())


def test_rows_are_read_as_they_were_recorded() -> None:
    with scripted(shows(FULL, STORES, FULL)) as server:
        files = connector(server).list_files()

    assert files == [
        RemoteFile(
            name="PriceFull7290696200003-001-001-20260811-051500.gz",
            link="/webapi/7290696200003/PriceFull7290696200003-001-001-20260811-051500.gz",
            size=576348,
            size_tolerance=27724,  # 1 KB of rounding, and the doubt whether a KB has 1,000 or 1,024 bytes
            modified_at=datetime(2026, 8, 11, 5, 16, 8, tzinfo=ISRAEL),
            label="1",
        ),
        RemoteFile(
            name="Stores7290696200003-000-20260811050010-050010.gz",
            link="/webapi/7290696200003/Stores7290696200003-000-20260811050010-050010.gz",
            size=206,
            modified_at=datetime(2026, 8, 11, 5, 0, 11, tzinfo=ISRAEL),
        ),
    ]
    assert [request.split()[1] for request in server.requests] == ["/webapi/api/getfiles?edi=7290696200003"]


def test_an_empty_list_is_asked_again_and_counts_when_it_is_filled() -> None:
    with scripted(shows(), shows(), shows(FULL)) as server:
        assert len(connector(server).list_files()) == 1


@pytest.mark.parametrize(
    "answer",
    [
        says(b"<html><body>Runtime Error</body></html>"),
        says(b'{"Message": "An error has occurred."}'),
        says(b"null"),
        says(b""),
        shows("PriceFull.gz"),
        shows(FULL | {"fileName": " "}),
        shows(FULL | {"fileName": 7}),
        shows(FULL | {"fileSize": 576348}),
        shows(FULL | {"fileSize": "562,84 KB"}),
        shows(FULL | {"fileDate": "11/08/2026 05:16"}),
        shows({"file_name": FULL["fileName"], "size": "1 KB"}),
    ],
)
def test_a_list_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script) -> None:
    with scripted(answer) as server, pytest.raises(PortalError) as caught:
        connector(server).list_files()

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


@pytest.mark.parametrize(
    ("scripts", "code"),
    [
        ((reset,), Code.GEO_BLOCKED),
        ((stay_silent,), Code.CONNECTION_LOST),
        ((reset, reset, says(b"", status="503 Service Unavailable")), Code.PORTAL_UNAVAILABLE),
        ((shows(),), Code.LISTING_EMPTY_UNEXPECTED),
        ((says(b"<html><title>Just a moment...</title></html>", status="403 No"),), Code.BOT_CHALLENGE),
    ],
)
def test_a_closed_door_an_ill_portal_and_an_empty_one_are_told_apart(
    scripts: tuple[Script, ...], code: Code
) -> None:
    with scripted(*scripts) as server, pytest.raises(PortalError) as caught:
        connector(server, replace(QUICK, listing_timeout=0.2)).list_files()

    assert caught.value.code is code
    assert len(server.requests) == (1 if code is Code.BOT_CHALLENGE else 3)


def test_a_file_of_yesterday_is_listed_no_more_but_still_fetched(
    replica: Replica, open_feed: OpenPortal, clock: MovedClock
) -> None:
    name = names_of_a_day("victory")[2]
    replica.publications("victory").put(publication(name))
    portal = open_feed("victory")
    [file] = portal.list_files()

    clock.now += timedelta(hours=12, minutes=1)

    with pytest.raises(PortalError) as caught:
        portal.list_files()
    assert caught.value.code is Code.LISTING_EMPTY_UNEXPECTED
    assert b"".join(portal.fetch(file)) == publication(name).read()
