"""Daily statistics: by hand, in any order and by steps, only where something changed; what they are for."""

import random
import statistics
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.warehouse.statistics.update import Updated, update_statistics
from gogobe_dagster_tests.warehouse.making import CHAIN, NOON, TODAY
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    TOMATO,
    AnyFile,
    Market,
    PriceFile,
)

pytestmark = pytest.mark.slow

OTHER = "7290027600007"
DAY = timedelta(days=1)
DAILY = """
select day, gtin, lowest_price, median_price, highest_price, stores, promoted_share from product_daily
order by day, gtin
"""


@pytest.fixture
def market(engine: Any, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def update(market: Market, *, days: int = 0) -> Updated:
    """Find the statistics as of noon, some days after the first files."""
    return update_statistics(market.engine, now=NOON + days * DAY)


def full(hours: float, store: int, **prices: str) -> PriceFile:
    codes = {"milk": MILK, "bread": BREAD, "eggs": EGGS}
    return PriceFile(hours, {codes[name]: price for name, price in prices.items()}, is_full=True, store=store)


def daily(market: Market, gtin: str = MILK) -> list[tuple[Any, ...]]:
    return [
        (row[0], *map(str, map(Decimal.normalize, row[2:5])), row[5])
        for row in market.ask(DAILY)
        if row[1] == gtin
    ]


def test_a_day_has_the_prices_that_hold_at_its_end(market: Market) -> None:
    market.open(full(6, 1, milk="7"), full(6, 2, milk="5"), full(6, 3, milk="9"))
    market.open(full(22, 1, milk="8"), full(30, 2, milk="5.5"), full(55, 3, bread="9"))
    market.open(PriceFile(23, {MILK: "0"}, store=4))

    update(market, days=3)

    assert daily(market) == [
        (TODAY, "5", "8", "9", 3),
        (TODAY + DAY, "5.5", "8", "9", 3),
        (TODAY + 2 * DAY, "5.5", "5.5", "8", 2),
        (TODAY + 3 * DAY, "5.5", "5.5", "8", 2),
    ]


def test_days_with_the_same_numbers_share_a_row_and_a_product_that_left_has_none(market: Market) -> None:
    market.open(full(6, 1, milk="7", bread="10"), full(54, 1, bread="10"))
    update(market, days=5)

    rows = market.ask(
        "select gtin, first_day, last_day from product_statistics join product using (product_key)"
    )
    assert sorted(rows) == [(MILK, TODAY, TODAY + DAY), (BREAD, TODAY, None)]


def test_a_promotion_counts_on_its_days_if_everybody_gets_it(market: Market) -> None:
    """It ends at 23:59 of the second day; the coupon's and the club's bread count never."""
    market.open(*[full(6, store, milk="7", bread="10") for store in (1, 2, 3)])
    ends = datetime(2026, 11, 24, 23, 59, tzinfo=ISRAEL)
    dates = {"starts_at": NOON, "ends_at": ends, "is_active": True}
    offers = [
        Offer("11", [MILK], other=dates),
        Offer("12", [BREAD], other={"is_coupon": True}),
        Offer("13", [BREAD], other={"club_ids": "2"}),
        Offer("14", [EGGS], gifts=[BREAD]),
    ]
    market.offer(*[PromotionFile(7, offers, is_full=True, store=store) for store in (1, 2)])
    update(market, days=2)

    shares = [(row[0], row[1], str(row[6])) for row in market.ask(DAILY)]
    assert shares == [
        (TODAY, MILK, "0.6667"),
        (TODAY, BREAD, "0.0000"),
        (TODAY + DAY, MILK, "0.6667"),
        (TODAY + DAY, BREAD, "0.0000"),
        (TODAY + 2 * DAY, MILK, "0.0000"),
        (TODAY + 2 * DAY, BREAD, "0.0000"),
    ]


def test_what_a_chain_changed_on_a_day(market: Market) -> None:
    market.open(*[full(6, store, milk="7", bread="10") for store in (1, 2, 3)])
    market.open(full(30, 1, milk="7.7", bread="9"), full(30, 2, milk="7.7", bread="10"))
    market.open(full(54, 1, milk="7.7", bread="9"))
    update(market, days=2)

    changes = "select day, gtin, old_median, new_median, percent, stores from chain_price_changes"
    assert market.ask(changes) == [(TODAY + DAY, MILK, 7, Decimal("7.7"), Decimal("10.0"), 3)]


def some_days(seed: int) -> list[AnyFile]:
    """Full files and deltas of five days from three stores of each of two chains, and some promotions."""
    draw = random.Random(seed)
    codes = [MILK, BREAD, EGGS, TOMATO]
    files: list[AnyFile] = []
    for store in range(1, 7):
        chain = CHAIN if store <= 3 else OTHER
        for hour in sorted(draw.sample(range(120), 7)):
            prices = {code: str(draw.randint(0, 3)) for code in draw.sample(codes, draw.randint(1, 4))}
            is_full = draw.random() < 0.5
            files.append(PriceFile(hour, prices, is_full=is_full, store=store, chain=chain))
        offers = [Offer(f"{draw.randint(1, 3)}", draw.sample(codes, 2))]
        hour = draw.randint(0, 100)
        files.append(PromotionFile(hour, offers, is_full=True, store=store, chain=chain))
    return files


def found(market: Market) -> list[tuple[Any, ...]]:
    """Statistics by natural keys."""
    return sorted(
        market.ask("""
            select s.chain_id, coalesce(p.gtin, p.code), first_day, last_day, lowest_price, median_price,
                highest_price, s.stores, promoted_stores
            from product_statistics s join product p using (product_key)
        """),
        key=str,
    )


def days_of(market: Market) -> dict[tuple[date, str, str], tuple[Any, ...]]:
    """What the numbers have to be, from the periods and Python's own median."""
    periods = market.ask("""
        select s.chain_id, coalesce(p.gtin, p.code), s.store_key, h.price, h.valid_from, h.valid_to
        from price_history h join store s using (store_key) join product p using (product_key)
        where h.price > 0
    """)
    sold = defaultdict(list)
    for number in range(6):
        end = NOON.replace(hour=0) + (number + 1) * DAY
        for chain, code, _, price, since, until in periods:
            if since < end and (until is None or until >= end):
                sold[TODAY + number * DAY, chain, code].append(price)
    return {
        key: (min(prices), statistics.median_low(prices), max(prices), len(prices))
        for key, prices in sold.items()
    }


@pytest.mark.parametrize("seed", range(3))
def test_any_order_and_any_steps_end_in_the_same_statistics(market: Market, seed: int) -> None:
    draw, files = random.Random(seed), some_days(seed)
    market.load_all(market.publish(*files))
    update(market, days=5)
    expected = found(market)
    viewed = market.ask("""
        select day, chain_id, coalesce(gtin, code), lowest_price, median_price, highest_price, stores
        from product_daily
    """)
    assert {row[:3]: row[3:] for row in viewed} == days_of(market)
    market.forget()

    ledger = market.publish(*files)
    draw.shuffle(ledger)
    for start in range(0, len(ledger), 11):
        market.load_all(ledger[start : start + 11])
        update(market, days=draw.randint(1, 4))
    update(market, days=5)

    assert found(market) == expected
    assert any(row[8] for row in expected)


WRITTEN = """
select first_day, gtin, product_statistics.xmin::text from product_statistics join product using (product_key)
where last_day < '2026-11-25' order by 1, 2
"""


def test_only_days_since_the_loaded_files_are_found_again(market: Market) -> None:
    market.open(full(6, 1, milk="7", bread="10"), full(30, 1, milk="8", bread="10"))
    assert update(market, days=3) == Updated(chains=1, days=4)
    assert update(market, days=4) == Updated(chains=1, days=2)
    before = market.ask(WRITTEN)

    market.open(full(78, 1, milk="9", bread="10"))
    assert update(market, days=4) == Updated(chains=1, days=2)
    assert market.ask(WRITTEN) == before
    assert daily(market)[-2:] == [(TODAY + 3 * DAY, "9", "9", "9", 1), (TODAY + 4 * DAY, "9", "9", "9", 1)]
    assert market.ask("select * from statistics_due") == []


def test_before_what_retention_removed_days_stay_as_they_are(market: Market) -> None:
    market.open(full(6, 1, milk="7"), full(30, 1, milk="8"), full(78, 1, milk="9"))
    update(market, days=5)
    before = daily(market)
    with market.engine.begin() as connection:
        connection.exec_driver_sql("delete from price_past where valid_to < '2026-11-25'")
        connection.exec_driver_sql(
            "insert into retention_watermark values ('history', '2026-11-24 06:00+02')"
        )
        connection.exec_driver_sql(
            f"insert into statistics_due (chain_id, since_day) values ('{CHAIN}', '2026-11-01')"
        )

    update(market, days=5)

    assert daily(market) == before


def sold_by_chains(market: Market) -> None:
    """Milk and bread at 10 in one chain and at 20 in the other; only the first one has eggs."""
    market.open(full(6, 1, milk="10", bread="10", eggs="14"), PriceFile(6, {TOMATO: "3"}, store=1))
    market.open(PriceFile(6, {MILK: "20", BREAD: "20"}, is_full=True, store=2, chain=OTHER))
    market.open(PriceFile(6, {TOMATO: "3"}, store=3, chain=OTHER))


def test_what_one_chain_sells_and_another_does_not(market: Market) -> None:
    sold_by_chains(market)
    update(market)

    only = "select chain_id, other_chain_id, gtin, lowest_price, stores from chain_only_products"
    assert market.ask(only) == [(CHAIN, OTHER, EGGS, 14, 1)]


def test_the_index_is_the_geometric_mean_of_relatives_to_the_country(market: Market) -> None:
    """From Sunday the 29th on, the first chain takes 12.10 for milk: 10.525 in the mean of eight days.

    So the bases are √(10.525 × 20) for milk, √(10 × 20) for bread, and 14 for the eggs of one of two chains.
    """
    sold_by_chains(market)
    market.open(PriceFile(6 * 24 + 6, {MILK: "12.10"}, store=1))
    update(market, days=7)

    index = "select period, starts_on, chain_id, price_index, products, base_month, basket_products"
    rows = {row[:3]: (row[3], row[4]) for row in market.ask(f"{index} from chain_price_index")}
    month, second = date(2026, 11, 1), date(2026, 11, 29)
    assert rows["month", month, CHAIN] == (Decimal("80.05"), 3)
    assert rows["month", month, OTHER] == (Decimal("139.62"), 2)
    assert rows["week", date(2026, 11, 22), CHAIN] == (Decimal("78.70"), 3)
    assert rows["week", second, CHAIN] == (Decimal("83.86"), 3)
    assert {row[5:] for row in market.ask(f"{index} from chain_price_index")} == {(month, 3)}


def test_a_product_that_half_of_the_chains_do_not_sell_is_in_no_basket(market: Market) -> None:
    sold_by_chains(market)
    market.open(PriceFile(6, {MILK: "20"}, is_full=True, store=4, chain="7290696200003"))
    update(market)

    basket = "select gtin from index_product join product using (product_key) order by 1"
    assert market.ask(basket) == [(MILK,), (BREAD,)]


def test_a_special_after_a_raised_price_is_none(market: Market) -> None:
    """Milk went from 6 to 10 a week ago and costs 7 under the offer; bread has cost 10 all the time."""
    now = datetime.now(tz=ISRAEL)  # noqa: TID251 - the view asks about today
    hours = (now - NOON.replace(hour=0)) / timedelta(hours=1)
    market.open(
        full(hours - 60 * 24, 1, milk="6", bread="10"), full(hours - 7 * 24, 1, milk="10", bread="10")
    )
    piece = {"is_weighted": False, "is_active": True}
    offers = [
        Offer(promotion, [gtin], "7", min_quantity="1", description="", other=piece)
        for promotion, gtin in (("11", MILK), ("12", BREAD))
    ]
    market.offer(PromotionFile(hours - 1, offers, is_full=True))

    columns = (
        "regular_price, lowest_30_days, median_30_days, median_90_days, is_below_30_days, is_below_90_days"
    )
    assert market.ask(
        f"select gtin, {columns}, percent_off_shelf, days_known from real_discounts order by gtin"
    ) == [
        (MILK, 10, 6, 6, 6, False, False, 30, 60),
        (BREAD, 10, 10, 10, 10, True, True, 30, 60),
    ]


DISCOUNTS = """
select gtin, stores, effective_unit_price, regular_price, lowest_30_days, median_30_days, lowest_90_days,
    median_90_days, days_known, is_below_30_days, is_below_90_days, percent_off_median_30
from chain_discounts where chain_id = '{}' order by percent_off_median_30 desc, gtin
"""
PIECE = {"is_weighted": False, "is_active": True}


def special(promotion: str, gtin: str, price: str, **other: Any) -> Offer:
    """An offer of one piece for a price, to everybody."""
    return Offer(promotion, [gtin], price, min_quantity="1", description="", other=PIECE | other)


def hours_until_now() -> float:
    now = datetime.now(tz=ISRAEL)  # noqa: TID251 - the view asks about today
    return (now - NOON.replace(hour=0)) / timedelta(hours=1)


def discounts(market: Market, chain: str = CHAIN) -> list[tuple[Any, ...]]:
    """Update as of now and ask."""
    update_statistics(market.engine, now=datetime.now(tz=ISRAEL))  # noqa: TID251 - as the view asks
    return market.ask(DISCOUNTS.format(chain))


def test_the_best_offers_of_a_chain_are_below_what_it_has_usually_taken(market: Market) -> None:
    """Milk was 6, and 10 for a week; bread is 10, in one of three stores 9. Only eggs are below all."""
    hours = hours_until_now()
    for store, bread in ((1, "10"), (2, "10"), (3, "9")):
        market.open(full(hours - 60 * 24, store, milk="6", bread=bread, eggs="20"))
        market.open(full(hours - 7 * 24, store, milk="10", bread=bread, eggs="20"))
    offers = [special("11", MILK, "7"), special("12", BREAD, "9"), special("13", EGGS, "10")]
    market.offer(*[PromotionFile(hours - 1, offers, is_full=True, store=store) for store in (1, 2)])

    assert discounts(market) == [
        (EGGS, 2, 10, 20, 20, 20, 20, 20, 61, True, True, 50),
        (BREAD, 2, 9, 10, 9, 10, 9, 10, 61, False, False, 10),
        (MILK, 2, 7, 10, 6, 6, 6, 6, 61, False, False, Decimal("-16.7")),
    ]
    assert discounts(market, OTHER) == []


def test_an_offer_that_is_over_or_of_another_day_is_no_discount_of_today(market: Market) -> None:
    hours = hours_until_now()
    market.open(full(hours - 48, 1, milk="10", bread="10", eggs="10"))
    now = datetime.now(tz=ISRAEL)  # noqa: TID251 - the view asks about today
    tomorrow = str((now + DAY).isoweekday() % 7 + 1)
    offers = [
        special("11", MILK, "7", starts_at=now - 9 * DAY, ends_at=now - DAY),
        special("12", BREAD, "7", days=tomorrow),
        special("13", EGGS, "7"),
    ]
    market.offer(PromotionFile(hours - 1, offers, is_full=True))

    assert [row[0] for row in discounts(market)] == [EGGS]

    market.offer(PromotionFile(hours - 0.5, [special("14", MILK, "8")], is_full=True))
    assert [row[0] for row in discounts(market)] == [MILK]


def test_absurd_prices_are_no_end_of_the_statistics(market: Market) -> None:
    hours = hours_until_now()
    market.open(full(hours - 48, 1, milk="0.01"))
    market.offer(PromotionFile(hours - 1, [special("11", MILK, "9999999999")], is_full=True))

    assert [row[0] for row in discounts(market)] == [MILK]


def test_an_item_that_an_offer_names_to_buy_and_as_a_gift_is_one_discount(market: Market) -> None:
    """Rami Levy does, 109 times in a file of the corpus. Type 7 has no price where some items are gifts."""
    hours = hours_until_now()
    market.open(full(hours - 48, 1, milk="6", bread="6"))
    offers = [
        Offer("11", [MILK], "4", min_quantity="1", description="", gifts=[MILK], other=PIECE),
        Offer("12", [BREAD], None, description="1+1", gifts=[BREAD], other={**PIECE, "reward_type": 7}),
    ]
    market.offer(PromotionFile(hours - 1, offers, is_full=True))

    assert [row[:4] for row in discounts(market)] == [(MILK, 1, 4, 6)]
