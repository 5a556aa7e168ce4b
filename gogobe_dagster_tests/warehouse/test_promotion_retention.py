"""Promotions go when the last store has no period of them any more, and nobody is about to refer to them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.load.promotion_load import PromotionLoad
from gogobe_dagster.warehouse.maintenance.retention import Removed
from gogobe_dagster_tests.warehouse.making import NOON
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.retention_setup import RetentionSetup, open_setup
from gogobe_dagster_tests.warehouse.warehouse_harness import BREAD, EGGS, MILK

OFFERED = """
select count(distinct p), count(distinct o), count(i.product_key)
from promotion p full join promotion_offer o using (promotion_key)
full join promotion_item i using (promotion_key)
"""


@pytest.fixture
def it(engine: sa.Engine, tmp_path: Path) -> RetentionSetup:
    return open_setup(engine, tmp_path)


def dropped(it: RetentionSetup) -> PromotionFile:
    """A store drops one of two promotions; return a file in which it has it again."""
    milk, bread = Offer("11", [MILK]), Offer("12", [BREAD, EGGS])
    it.market.offer(PromotionFile(6, [milk, bread], is_full=True))
    it.market.offer(PromotionFile(24, [milk], is_full=True))
    return PromotionFile(24 * 90, [bread])


def test_what_a_promotion_offers_goes_with_its_last_period_and_comes_back_with_a_file(
    it: RetentionSetup,
) -> None:
    again = dropped(it)
    assert it.retain(history=200)["promotions"] == Removed()
    assert it.market.ask(OFFERED) == [(2, 2, 3)]

    shown = it.retain(history=10, dry_run=True)
    assert it.market.ask(OFFERED) == [(2, 2, 3)]
    assert it.retain(history=10)["promotions"] == shown["promotions"] == Removed(count=1)
    assert it.market.ask(OFFERED) == [(1, 1, 1)]
    assert it.retain(history=10)["promotions"] == Removed()

    it.market.offer(again)
    assert it.market.ask(OFFERED) == [(2, 2, 3)]
    assert it.market.promotion_periods("12") == [(again.hash_of("12"), 24 * 90, None)]


def test_a_promotion_that_a_load_is_about_to_refer_to_stays(it: RetentionSetup) -> None:
    again = dropped(it)
    (file,) = it.market.publish(again)
    with it.market.engine.connect() as connection:
        load = PromotionLoad(it.market.lake, now=NOON, rows_at_once=1000)
        load.load(connection, [file.id], wait=False)
        assert it.retain(history=10)["promotions"] == Removed()
        connection.commit()
    assert it.market.ask(OFFERED) == [(2, 2, 3)]


def test_a_promotion_that_is_going_is_made_again_by_the_load_that_needs_it(it: RetentionSetup) -> None:
    again = dropped(it)
    with ThreadPoolExecutor(1) as pool, it.market.engine.begin() as retention:
        for table in ("promotion_item", "promotion_offer", "promotion"):
            theirs = "(select promotion_key from promotion where promotion_id = '12')"
            retention.execute(sa.text(f"delete from {table} where promotion_key in {theirs}"))
        load = pool.submit(it.market.offer, again)
        with pytest.raises(TimeoutError):
            load.result(timeout=0.3)
        retention.commit()
        assert load.result().new_promotions == 1
    assert it.market.ask(OFFERED) == [(2, 2, 3)]


def test_a_period_of_a_promotion_goes_when_it_has_ended_and_an_open_one_never(it: RetentionSetup) -> None:
    milk, bread, eggs = Offer("11", [MILK]), Offer("12", [BREAD]), Offer("13", [EGGS])
    for store in (1, 2):
        it.market.offer(PromotionFile(6, [milk, bread, eggs], is_full=True, store=store))
        it.market.offer(PromotionFile(24 * store, [milk, eggs], is_full=True, store=store))
    it.market.offer(PromotionFile(24 * 60, [milk], is_full=True))
    now = NOON + timedelta(days=62)

    shown = it.retain(history=10, now=now, dry_run=True)
    assert it.market.ask("select * from retention_watermark") == []
    done = it.retain(history=10, now=now)

    assert done["promotion_periods"] == shown["promotion_periods"] == Removed(count=2)
    assert [it.market.promotion_periods(number) for number in ("12",)] == [[]]
    assert [(start, end) for _, start, end in it.market.promotion_periods("13")] == [(6, 24 * 60)]
    assert [(start, end) for _, start, end in it.market.promotion_periods("11", store=2)] == [(6, None)]
    assert it.market.ask("select kind, removed_until from retention_watermark") == [
        ("history", NOON.replace(hour=0) + timedelta(days=2))
    ]
    assert it.market.offer(PromotionFile(48, [bread], variant="-late")).files == 0
    assert it.retain(history=10, now=now)["promotion_periods"] == Removed()
