"""Web first, FTP as the fall-back: never when it cannot help, never in silence."""

import logging
from typing import Any

import pytest

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.portals.conftest import QUICK, OpenPortal, publication
from gogobe_dagster_tests.portals.test_faults import fetched, publish

ONLY_THE_WEB = ["bot_challenge", "bot_wall", "polite_challenge", "html_listing", "csrf_token_wrong",
                "json_error_200", "listing_never_complete"]  # fmt: skip
BOTH_DOORS = [("portal_down", Code.PORTAL_UNAVAILABLE), ("connection_reset", Code.CONNECTION_LOST)]


def test_while_the_web_answers_nobody_asks_ftp(replica: Replica, open_feed: OpenPortal) -> None:
    publish(replica, "rami_levy")

    files = open_feed("rami_levy", transport="auto").list_files()

    assert all(file.link.startswith("/file/d/") for file in files)


@pytest.mark.parametrize("fault", ONLY_THE_WEB)
def test_what_fails_only_on_the_web_is_listed_and_fetched_over_ftp_and_said(
    replica: Replica, open_feed: OpenPortal, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    names, _ = publish(replica, "rami_levy")
    replica.faults.switch_on(fault, feed="rami_levy")

    with caplog.at_level(logging.WARNING):
        files = open_feed("rami_levy", transport="auto").list_files()

    assert sorted(file.name for file in files) == names
    assert all(file.link.startswith("ftp:") for file in files)
    assert "rami_levy: listing over the web failed" in caplog.text
    assert f"rami_levy: {len(names)} files listed over FTP instead" in caplog.text
    another = open_feed("rami_levy", transport="auto")  # as the download does: another connector, later
    assert fetched(another, files[0]) == publication(files[0].name).read()


@pytest.mark.parametrize(("fault", "code"), BOTH_DOORS)
def test_when_both_doors_fail_the_code_is_the_webs_and_the_reason_names_both(
    replica: Replica, open_feed: OpenPortal, fault: str, code: Code
) -> None:
    publish(replica, "rami_levy")
    replica.faults.switch_on(fault, feed="rami_levy")

    with pytest.raises(PortalError, match=f"; over FTP: {code}") as caught:
        open_feed("rami_levy", transport="auto").list_files()

    assert caught.value.code is code


def test_a_wrong_password_is_not_tried_at_the_other_door(replica: Replica, open_feed: OpenPortal) -> None:
    """The fault lasts for one login: FTP would be let in."""
    publish(replica, "rami_levy")
    replica.faults.switch_on("wrong_password", feed="rami_levy", times=1)

    with pytest.raises(PortalError) as caught:
        open_feed("rami_levy", transport="auto").list_files()

    assert caught.value.code is Code.AUTH_FAILED


def test_an_empty_folder_over_ftp_is_no_answer_to_a_web_that_fails(
    replica: Replica, open_feed: OpenPortal
) -> None:
    replica.faults.switch_on("bot_challenge", feed="rami_levy")

    with pytest.raises(PortalError, match="over FTP: no file") as caught:
        open_feed("rami_levy", transport="auto").list_files()

    assert caught.value.code is Code.BOT_CHALLENGE


def test_the_door_is_chosen_by_a_setting(replica: Replica) -> None:
    publish(replica, "rami_levy")
    replica.faults.switch_on("bot_challenge", feed="rami_levy")
    outcomes: dict[str, Any] = {}

    for transport in ("auto", "web", "ftp"):
        settings = Settings.model_validate(
            {"replica_url": replica.url, "feed": {"rami_levy": {"transport": transport}}}
        )
        portal = open_portal(find_feed("rami_levy"), settings, policy=QUICK)
        try:
            outcomes[transport] = len(portal.list_files())
        except PortalError as error:
            outcomes[transport] = error.code
        portal.close()

    assert outcomes == {"auto": 93, "web": Code.BOT_CHALLENGE, "ftp": 93}
