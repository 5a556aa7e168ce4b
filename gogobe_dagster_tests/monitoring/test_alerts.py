"""Alerts are sent once per problem; messages reach a real HTTP server."""

from datetime import datetime, timedelta

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import AlertNotSent
from gogobe_dagster.monitoring.alerts import Alert, AlertState, alert_changes, count_failures, send
from gogobe_dagster.warehouse.ledger.listing_status import LastListing
from gogobe_dagster_tests.alert_receiver import alert_receiver

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ISRAEL)


def failed(minutes: int) -> dict[str, LastListing]:
    at = NOON + timedelta(minutes=minutes)
    last = LastListing(feed="keshet", listed_at=None, failed_at=at, code="dns_dead", reason="no such host")
    return {"keshet": last}


def test_each_failed_poll_is_counted_once_and_a_listing_resets_the_count() -> None:
    watched = AlertState()
    counts = []
    for listings in (failed(0), failed(0), failed(5), failed(10)):
        failures, failed_at = count_failures(watched, listings)
        watched = AlertState.from_json(AlertState(failures=failures, failed_at=failed_at).to_json())
        counts.append(failures["keshet"])
    well = LastListing(feed="keshet", listed_at=NOON, failed_at=NOON, code=None, reason=None)

    assert counts == [1, 1, 2, 3]
    assert count_failures(watched, {"keshet": well}) == ({}, {})


def test_an_empty_listing_counts_only_when_it_is_unexpected() -> None:
    """Before 02:00 listings may be empty; later in the day the portal has failed."""

    def counted(hour: int, feed: str = "keshet") -> dict[str, int]:
        last = LastListing(
            feed=feed,
            listed_at=None,
            failed_at=NOON.replace(hour=hour),
            code="listing_empty_unexpected",
            reason="nothing",
        )
        return count_failures(AlertState(), {feed: last})[0]

    assert [counted(hour) for hour in (0, 1, 2, 12)] == [{}, {}, {"keshet": 1}, {"keshet": 1}]
    assert counted(1, "a feed of old") == {"a feed of old": 1}


def test_alerts_are_made_for_changes_only() -> None:
    (wrong,) = alert_changes({}, {"portal keshet": "Keshet: dns_dead"})
    (well,) = alert_changes({"portal keshet": "Keshet: dns_dead"}, {})

    assert (wrong.title, wrong.body, wrong.is_good) == ("gogobe: 1 new problem", "Keshet: dns_dead", False)
    assert (well.title, well.is_good) == ("gogobe: 1 problem solved", True)
    assert alert_changes({"a": "before"}, {"a": "in other words"}) == []


def test_an_alert_reaches_the_address_of_the_url() -> None:
    with alert_receiver() as inbox:
        send(Alert(title="gogobe: קשת", body="dns_dead"), inbox.url)
        send(Alert(title="well", body="again", is_good=True), inbox.url)

        assert [(sent["title"], sent["message"], sent["type"]) for sent in inbox.alerts] == [
            ("gogobe: קשת", "dns_dead", "failure"),
            ("well", "again", "success"),
        ]


def test_an_undelivered_alert_is_an_error_without_the_password() -> None:
    with alert_receiver() as inbox:
        inbox.refuses = True
        url = inbox.url.replace("json://", "json://user:secret@")

        with pytest.raises(AlertNotSent) as refused:
            send(Alert(title="t", body="b"), url)
        with pytest.raises(AlertNotSent, match="GOGOBE_ALERT_URL is not a URL"):
            send(Alert(title="t", body="b"), "nonsense")

    assert "secret" not in str(refused.value)


def test_without_a_url_nothing_is_sent() -> None:
    send(Alert(title="t", body="b"), "")
