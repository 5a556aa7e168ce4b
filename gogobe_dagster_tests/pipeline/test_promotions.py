"""Promotions from the replica's files to the tables: the same in each of the three layouts."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gogobe_dagster import pipeline
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.generator.ground_truth import published_promotions
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.promotions import Promotion
from gogobe_dagster.replica.generator.promotions_xml import MATRIX_SALES
from gogobe_dagster.replica.generator.publishing import offered
from gogobe_dagster.replica.generator.schedule import slots
from gogobe_dagster.replica.generator.styles import style_of
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import import_all

pytestmark = pytest.mark.slow

FLAT, GROUPED, ROW_AN_ITEM = "keshet", "king_store", "het_cohen"
ORDERS = [("Promo", "Price", "Stores"), ("Price", "Promo", "Stores"), ("Stores", "Promo", "Price")]
PERIODS = """
select s.chain_id, s.sub_chain_id, s.store_id, ps.promotion_id, o.description, o.regular_price_share,
    o.fixed_kilogram_price, ceil(o.min_total_quantity), o.starts_at, o.ends_at,
    array_agg(distinct cp.code collate "C" order by cp.code collate "C")
from promotion_store ps join store s using (store_key) join promotion_offer o using (promotion_key)
join promotion_item i using (promotion_key, offer_number)
join chain_product cp on cp.chain_id = s.chain_id and cp.product_key = i.product_key
where ps.valid_to is null and s.chain_id = any(%s)
group by s.store_key, ps.promotion_id, o.promotion_key, o.description, o.regular_price_share,
    o.fixed_kilogram_price, o.min_total_quantity, o.starts_at, o.ends_at
"""


def a_row_an_item(market: SyntheticMarket) -> Iterator[Publication]:
    """The promotion files of a feed of Laib as it wrote them until 2026."""
    feed = find_feed(ROW_AN_ITEM)
    for store in market.stores(feed):
        style = replace(style_of(feed, store, yesterday()), promotions=MATRIX_SALES)
        for slot in slots(store, yesterday()):
            offers = offered(market, store, slot)
            if slot.kind.document is Document.PROMOTIONS and (offers or slot.kind.is_full):
                name = style.name(slot.kind, store, slot.named_at)
                content = style.pack(style.promotions.write(store, offers), name)
                yield Publication(
                    name=name,
                    content=content,
                    published_at=slot.published_at,
                    kind=slot.kind,
                    store_id=store.store_id,
                    store_label=store.name,
                )


def terms(promotion: Promotion) -> tuple[Any, ...]:
    codes = sorted(product.code for product in promotion.products)
    share, amount = (
        Decimal(value.numerator) / value.denominator
        for value in (promotion.deal.share, promotion.deal.amount)
    )
    price = round(share, 8), round(amount, 4)
    return (
        promotion.description,
        *price,
        promotion.deal.quantity,
        promotion.starts_at,
        promotion.ends_at,
        codes,
    )


def test_a_day_of_promotions_in_three_forms_is_what_the_stores_offer(import_env: ImportEnv) -> None:
    market = import_env.publish(FLAT, GROUPED, ROW_AN_ITEM, stores=3, items=200)
    import_env.replica.publications(ROW_AN_ITEM).put(*a_row_an_item(market))

    for key in (FLAT, GROUPED, ROW_AN_ITEM):
        import_all(import_env, key)

        truth = published_promotions(market, find_feed(key), now=midnight(), day=yesterday())
        periods = import_env.query(PERIODS, [list(find_feed(key).chain_ids)])
        assert {tuple(row[:4]): tuple(row[4:]) for row in periods} == {
            tuple(key): terms(promotion) for key, promotion in truth.items()
        }
        assert len(periods) == len(truth) > 10, key
        assert set(import_env.states(key).values()) == {"loaded"}


def test_a_promotion_of_every_store_is_stored_once(import_env: ImportEnv) -> None:
    import_env.publish(FLAT, stores=3)

    import_all(import_env, FLAT)

    ((periods, contents),) = import_env.query(
        "select count(*), count(distinct promotion_key) from promotion_store"
    )
    ((stored,),) = import_env.query("select count(*) from promotion")
    assert periods > contents == stored > 0


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_promotions_without_sub_chain_belong_to_the_store_of_the_price_files(
    import_env: ImportEnv, order: tuple[str, ...]
) -> None:
    """Netiv HaHesed writes sub-chain 0 into every promotion file (docs/portals.md, Netiv HaHesed)."""
    import_env.publish("netiv_hahesed")
    feed, days, resources = find_feed("netiv_hahesed"), [yesterday()], import_env.resources
    pipeline.discover(feed, days, resources)
    pipeline.download(feed, days, resources)
    names = {file.id: file.name for file in resources.ledger.of_days(feed.key, days)}
    assert all("-000-" in name for name in names.values() if name.startswith("Promo"))

    for start in order:
        for batch in pipeline.plan(feed, days, resources):
            ids = tuple(id_ for id_ in batch.file_ids if names[id_].startswith(start))
            pipeline.parse(replace(batch, file_ids=ids), feed, resources)
        for document in pipeline.LOADERS:
            pipeline.load(document, feed, days, resources)

    assert set(import_env.states(feed.key).values()) == {"loaded"}
    priced = import_env.query("select distinct store_key from price_current order by 1")
    assert import_env.query("select distinct store_key from promotion_store order by 1") == priced
    assert import_env.query("select count(*) from store where sub_chain_id = 0") == [(0,)]
    assert priced
