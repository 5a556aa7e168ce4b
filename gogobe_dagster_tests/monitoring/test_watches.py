"""The watch list: one alert for each change, none for what began, and none while a file may undo it."""

from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import AlertNotSent
from gogobe_dagster.monitoring.alerts import Alert, send
from gogobe_dagster.monitoring.watches import add_watch, alert_watched, remove_watch, watches
from gogobe_dagster_tests.alert_receiver import alert_receiver
from gogobe_dagster_tests.warehouse.making import NOON
from gogobe_dagster_tests.warehouse.warehouse_harness import BREAD, MILK, Market, PriceFile, StoreList

JERUSALEM, TEL_AVIV = 3000, 5000


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    """Milk at 7 in two stores of Jerusalem and one of Tel Aviv."""
    market = Market.at(engine, tmp_path)
    names = {(1, 1): "תלפיות", (1, 2): "מלחה", (1, 3): "הצפון"}
    cities = {(1, 1): {"city": "ירושלים"}, (1, 2): {"city": "3000"}, (1, 3): {"city": "5000"}}
    market.load_lists(market.publish(StoreList(1, names, addresses=cities)))
    market.open(*[PriceFile(6, {MILK: "7"}, is_full=True, store=store) for store in (1, 2, 3)])
    return market


def watched(market: Market, locality: int | None = JERUSALEM, gtin: str = MILK) -> None:
    assert add_watch(market.engine, gtin, locality, now=NOON)


def alert(market: Market) -> Alert | None:
    return alert_watched(market.engine, "")


def test_a_change_is_alerted_once_with_the_stores_that_made_it(market: Market) -> None:
    watched(market)
    assert alert(market) is None

    market.open(*[PriceFile(8, {MILK: "6.50"}, store=store) for store in (1, 2, 3)])

    sent = alert(market)
    assert sent
    assert (sent.title, sent.is_good) == ("gogobe: 1 watched price changed", True)
    assert sent.body == f"{MILK} ({MILK}): 7 → 6.5 at רמי לוי: תלפיות, מלחה"
    assert alert(market) is None


def test_each_step_is_alerted_and_only_of_watched_places_and_products(market: Market) -> None:
    watched(market, TEL_AVIV)
    watched(market, None, BREAD)
    market.open(PriceFile(8, {MILK: "9", BREAD: "5"}, store=1))
    assert alert(market) is None  # Jerusalem; and bread is new

    market.open(PriceFile(8, {MILK: "9"}, store=3))
    first = alert(market)
    market.open(PriceFile(9, {MILK: "7"}, store=3), PriceFile(9, {BREAD: "6"}, store=1))
    second = alert(market)

    assert first
    assert second
    assert first.body.endswith("7 → 9 at רמי לוי: הצפון")
    assert [line.split(": ")[1] for line in second.body.splitlines()] == [
        "9 → 7 at רמי לוי",
        "5 → 6 at רמי לוי",
    ]
    assert not second.is_good
    assert second.title == "gogobe: 2 watched prices changed"


def test_a_change_that_a_later_file_of_the_same_timestamp_undoes_is_none(market: Market) -> None:
    watched(market)
    change, undone = market.publish(
        PriceFile(8, {MILK: "9"}, store=1), PriceFile(8, {MILK: "7"}, store=1, variant="-b")
    )
    market.load([change])
    assert market.prices()[MILK] == Decimal(9)
    assert alert(market) is None

    market.load([undone])
    assert market.prices()[MILK] == Decimal(7)
    assert alert(market) is None


def test_a_change_waits_only_for_files_of_its_own_timestamp(market: Market) -> None:
    watched(market)
    change, *_ = market.publish(PriceFile(8, {MILK: "9"}, store=1), PriceFile(9, {MILK: "7"}, store=1))
    market.load([change])

    assert alert(market) is not None


def test_what_leaves_and_comes_back_is_compared_with_its_last_price(market: Market) -> None:
    watched(market)
    market.open(PriceFile(8, {BREAD: "5"}, is_full=True, store=1))
    assert alert(market) is None
    market.open(PriceFile(9, {MILK: "7"}, store=1))
    assert alert(market) is None
    market.open(PriceFile(10, {MILK: "0"}, store=1), PriceFile(11, {MILK: "8"}, store=1))

    sent = alert(market)
    assert sent
    assert "7 → 8" in sent.body


def test_an_alert_that_nobody_takes_is_sent_again(market: Market) -> None:
    watched(market)
    market.open(PriceFile(8, {MILK: "9"}, store=1))
    with alert_receiver() as inbox:
        inbox.refuses = True
        with pytest.raises(AlertNotSent):
            alert_watched(market.engine, inbox.url)
        inbox.refuses = False
        for _ in range(2):
            alert_watched(market.engine, inbox.url)

        assert inbox.titles == ["gogobe: 1 watched price changed"]


def test_a_change_that_is_loaded_while_an_alert_is_made_is_in_the_next_one(market: Market) -> None:
    watched(market)
    changes = market.publish(PriceFile(8, {MILK: "9"}, store=1))

    def load(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "known.price" in statement and changes:
            market.load([changes.pop()])

    sa.event.listen(market.engine, "after_cursor_execute", load)
    assert alert(market) is None
    assert changes == []

    sent = alert(market)
    assert sent
    assert "7 → 9" in sent.body


def test_names_are_no_html_where_alerts_are() -> None:
    with alert_receiver() as inbox:
        send(Alert(title="prices", body="<b>חלב</b> & לחם"), f"{inbox.url}?format=html")

    assert inbox.alerts[0]["message"] == "&lt;b&gt;חלב&lt;/b&gt;&nbsp;&amp;&nbsp;לחם"


def test_the_list_shows_what_it_costs_now_and_forgets_what_is_removed(market: Market) -> None:
    watched(market)
    watched(market, None, BREAD)
    assert add_watch(market.engine, MILK, JERUSALEM, now=NOON) is None
    assert add_watch(market.engine, BREAD, None, now=NOON) is None

    listed = [(row.gtin, row.locality, row.lowest_price, row.stores) for row in watches(market.engine)]
    assert listed == [(MILK, "ירושלים", Decimal(7), 2), (BREAD, None, None, 0)]

    (number, _) = (row.watch_key for row in watches(market.engine))
    assert remove_watch(market.engine, number)
    assert not remove_watch(market.engine, number)
    market.open(PriceFile(8, {MILK: "9"}, store=1))
    assert alert(market) is None
