"""Promotions from the replica's files to the tables, which say the same in whatever form a chain writes."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gogobe_dagster import importing
from gogobe_dagster.feeds import find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.generator.market import Market
from gogobe_dagster.replica.generator.promotions import Promotion
from gogobe_dagster.replica.generator.promotions_xml import MATRIX_SALES
from gogobe_dagster.replica.generator.publishing import offered
from gogobe_dagster.replica.generator.styles import style_of
from gogobe_dagster.replica.generator.timetable import slots
from gogobe_dagster.replica.generator.truth import published_promotions
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster_tests.importing.scenes import import_all
from gogobe_dagster_tests.stage import MIDNIGHT, YESTERDAY, Stage

FLAT, GROUPED, ROW_AN_ITEM = "keshet", "king_store", "het_cohen"
ORDERS = [("Promo", "Price", "Stores"), ("Price", "Promo", "Stores"), ("Stores", "Promo", "Price")]
CARRIED = """
select s.chain_id, s.sub_chain_id, s.store_id, ps.promotion_id, o.description, o.discounted_price,
    o.min_quantity, o.starts_at, o.ends_at, array_agg(cp.code order by cp.code collate "C")
from promotion_store ps join store s using (store_key) join promotion_offer o using (promotion_key)
join promotion_item i using (promotion_key, offer_number)
join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = i.product_key
where ps.valid_to is null and s.chain_id = any(%s)
group by s.store_key, ps.promotion_id, o.promotion_key, o.offer_number
"""


def a_row_an_item(market: Market) -> Iterator[Publication]:
    """The promotion files of a feed of Laib as it wrote them until 2026."""
    feed = find_feed(ROW_AN_ITEM)
    for branch in market.branches(feed):
        style = replace(style_of(feed, branch, YESTERDAY), promotions=MATRIX_SALES)
        for slot in slots(branch, YESTERDAY):
            offers = offered(market, branch, slot)
            if slot.kind.document is Document.PROMOTIONS and (offers or slot.kind.is_full):
                name = style.name(slot.kind, branch, slot.stamp)
                content = style.pack(style.promotions.write(branch, offers), name)
                yield Publication(
                    name=name,
                    content=content,
                    published_at=slot.published_at,
                    kind=slot.kind,
                    store_id=branch.store_id,
                    store_label=branch.name,
                )


def terms(one: Promotion) -> tuple[Any, ...]:
    codes = sorted(product.code for product in one.products)
    return one.description, Decimal(one.agorot) / 100, one.pieces, one.starts_at, one.ends_at, codes


def test_a_day_of_promotions_in_three_forms_is_what_the_stores_offer(on_stage: Stage) -> None:
    market = on_stage.publish(FLAT, GROUPED, ROW_AN_ITEM, stores=3, items=200)
    on_stage.replica.shelf(ROW_AN_ITEM).put(*a_row_an_item(market))

    for key in (FLAT, GROUPED, ROW_AN_ITEM):
        import_all(on_stage, key)

        truth = published_promotions(market, find_feed(key), now=MIDNIGHT, day=YESTERDAY)
        carried = on_stage.query(CARRIED, [list(find_feed(key).chain_ids)])
        assert {tuple(row[:4]): tuple(row[4:]) for row in carried} == {
            tuple(place): terms(one) for place, one in truth.items()
        }
        assert len(carried) == len(truth) > 10, key
        assert set(on_stage.states(key).values()) == {"loaded"}


def test_a_promotion_of_every_store_is_stored_once(on_stage: Stage) -> None:
    on_stage.publish(FLAT, stores=3)

    import_all(on_stage, FLAT)

    ((carried, contents),) = on_stage.query(
        "select count(*), count(distinct promotion_key) from promotion_store"
    )
    ((stored,),) = on_stage.query("select count(*) from promotion")
    assert carried > contents == stored > 0


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_promotions_that_leave_the_sub_chain_out_are_about_the_store_of_the_price_files(
    on_stage: Stage, order: tuple[str, ...]
) -> None:
    """Netiv HaHesed writes sub-chain 0 into every promotion file (PORTALS §4.9)."""
    on_stage.publish("netiv_hahesed")
    feed, days, equipment = find_feed("netiv_hahesed"), [YESTERDAY], on_stage.equipment
    importing.discover(feed, days, equipment)
    importing.download(feed, days, equipment)
    names = {file.id: file.name for file in equipment.ledger.of_days(feed.key, days)}
    assert all("-000-" in name for name in names.values() if name.startswith("Promo"))

    for start in order:
        for batch in importing.plan(feed, days, equipment):
            ids = tuple(one for one in batch.file_ids if names[one].startswith(start))
            importing.parse(replace(batch, file_ids=ids), feed, equipment)
        for document in importing.LOADERS:
            importing.load(document, feed, days, equipment)

    assert set(on_stage.states(feed.key).values()) == {"loaded"}
    priced = on_stage.query("select distinct store_key from price_current order by 1")
    assert on_stage.query("select distinct store_key from promotion_store order by 1") == priced
    assert on_stage.query("select count(*) from store where sub_chain_id = 0") == [(0,)]
    assert priced
