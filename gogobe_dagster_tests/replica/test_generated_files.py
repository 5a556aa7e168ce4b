"""What is made up is read whole: every feed's documents, by the reader that imports use."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import FEEDS, Feed, find_feed
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.files.names import FileName
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.parsing.promotions.pricing.legs import with_pricing
from gogobe_dagster.replica.generator.deals import Form
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.promotions import Promotion, promotions
from gogobe_dagster.replica.generator.promotions_xml import (
    BINA_PROMOTIONS_DIALECT,
    CLASSIC_PROMOTIONS,
    DECLARED_NEW_PROMOTIONS,
    LOWER_CASE_PROMOTIONS,
    MATRIX_SALES,
    NEW_PROMOTIONS,
    REPEATED_PROMOTIONS,
    WOLT_PROMOTIONS,
    PromotionDialect,
)
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.generator.styles import style_of
from gogobe_dagster.replica.publication import Publication, Publications

pytestmark = pytest.mark.slow

TODAY = date(2026, 8, 11)
EVENING = datetime(2026, 8, 11, 23, 30, tzinfo=ISRAEL)
MARKET = SyntheticMarket(stores=3, items=60)
DIALECTS = (
    CLASSIC_PROMOTIONS,
    LOWER_CASE_PROMOTIONS,
    REPEATED_PROMOTIONS,
    BINA_PROMOTIONS_DIALECT,
    NEW_PROMOTIONS,
    DECLARED_NEW_PROMOTIONS,
    WOLT_PROMOTIONS,
    MATRIX_SALES,
)
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.key)


def published(feed: Feed, document: Document) -> list[Publication]:
    publications = Publications()
    publish_day({feed.key: publications}, [feed], day=TODAY, market=MARKET, now=EVENING)
    return [file for file in publications.all() if file.kind and file.kind.document is document]


def read(file: Publication) -> ParsedFile:
    return checked(file.name, file.read())


def checked(name: str, content: bytes) -> ParsedFile:
    parsed = read_file(content, name=name, limit=1 << 24)
    assert (parsed.report.rejected, parsed.report.duplicates, parsed.report.unknown) == (0, 0, {}), name
    return parsed


@each_feed
def test_every_price_file_says_the_prices_of_its_store(feed: Feed) -> None:
    stores = {store.store_id: store for store in MARKET.stores(feed)}
    files = published(feed, Document.PRICES)

    assert {file.store_id for file in files if file.kind is FileKind.FULL_PRICES} == set(stores)
    for file in files:
        parsed, store = read(file), stores[file.store_id or 0]
        truth = {
            priced.product.code: priced.price
            for priced in MARKET.prices(store, FileName.parse(file.name).published_at)
        }
        parsed_prices = dict(zip(parsed.rows["code"], parsed.rows["price"], strict=True))
        assert parsed_prices.items() <= truth.items()
        assert file.kind is FileKind.PRICES or parsed_prices == truth
        header = (parsed.header.chain_id, parsed.header.sub_chain_id, parsed.header.store_id)
        assert header == (store.chain_id, store.sub_chain_id, store.store_id)


@each_feed
def test_the_stores_files_name_every_store(feed: Feed) -> None:
    listed = [
        (row["chain_id"], row["sub_chain_id"], row["store_id"], row["name"])
        for file in published(feed, Document.STORES)
        for row in read(file).rows.iter_rows(named=True)
    ]

    assert sorted(listed) == sorted(
        (store.chain_id, store.sub_chain_id, store.store_id, store.name) for store in MARKET.stores(feed)
    )


@each_feed
def test_every_full_promotion_file_says_the_offers_of_its_store(feed: Feed) -> None:
    stores = {store.store_id: store for store in MARKET.stores(feed)}
    files = [file for file in published(feed, Document.PROMOTIONS) if file.kind is FileKind.FULL_PROMOTIONS]

    for file in files:
        timestamp = FileName.parse(file.name).published_at
        truth = promotions(MARKET, stores[file.store_id or 0], timestamp)
        assert offers(read(file)) == [as_offer(promotion) for promotion in truth], file.name


@pytest.mark.parametrize(
    ("key", "day"),
    [("shufersal", date(2026, 6, 1)), ("shufersal", date(2025, 7, 8)), ("victory", date(2025, 6, 14))],
)
def test_promotions_of_former_years_are_written_as_they_were(key: str, day: date) -> None:
    feed = find_feed(key)
    timestamp = datetime.combine(day, time(20), ISRAEL)
    dialects = {}
    for store in MARKET.stores(feed):
        truth = promotions(MARKET, store, timestamp)
        dialect = style_of(feed, store, day).promotions
        dialects[dialect.is_repeated] = dialect
        assert offers(checked("PromoFull.xml", dialect.write(store, truth))) == list(map(as_offer, truth))

    assert set(dialects) == ({True} if key == "victory" else {True, False})


@pytest.mark.parametrize(
    "dialect", DIALECTS, ids=lambda dialect: f"{dialect.list_name} in {dialect.envelope.root}"
)
def test_every_dialect_of_promotions_gives_the_generators_own(dialect: PromotionDialect) -> None:
    (store, *_) = MARKET.stores(find_feed("shufersal"))
    truth = promotions(MARKET, store, EVENING)

    parsed = checked("PromoFull.xml", dialect.write(store, truth))

    assert (len(truth) > 5, parsed.report.reader) == (True, "fast")
    assert offers(parsed) == [as_offer(promotion) for promotion in truth]
    written = sum(len(promotion.products) for promotion in truth) if dialect.is_repeated else len(truth)
    assert parsed.report.promotions
    assert parsed.report.promotions.elements == written


@pytest.mark.parametrize(
    "dialect", DIALECTS, ids=lambda dialect: f"{dialect.list_name} in {dialect.envelope.root}"
)
def test_every_form_of_deal_is_read_from_every_dialect(dialect: PromotionDialect) -> None:
    market = SyntheticMarket(stores=3, items=2_000)
    (store, *_) = market.stores(find_feed("shufersal"))
    truth = promotions(market, store, EVENING)

    assert {promotion.deal.form for promotion in truth} == set(Form)
    assert offers(checked("PromoFull.xml", dialect.write(store, truth))) == list(map(as_offer, truth))


def test_a_promotion_written_once_for_each_item_has_the_hash_of_the_flat_one() -> None:
    (store, *_) = MARKET.stores(find_feed("shufersal"))
    truth = promotions(MARKET, store, EVENING)

    flat, repeated = (
        checked("PromoFull.xml", dialect.write(store, truth)).rows
        for dialect in (LOWER_CASE_PROMOTIONS, REPEATED_PROMOTIONS)
    )

    assert flat.equals(repeated)


def offers(parsed: ParsedFile) -> list[dict[str, Any]]:
    """Return the columns of a file that the generator defines; the legs of a deal are one row."""
    with_prices = with_pricing(parsed.rows).with_columns(
        pl.col("items").list.eval(pl.element().struct.field("code")),
        pl.col("starts_at", "ends_at").dt.convert_time_zone("Asia/Jerusalem"),
        pl.col("min_total_quantity").ceil(),
    )
    return list(with_prices.select(list(KNOWN)).unique(maintain_order=True).iter_rows(named=True))


def as_offer(promotion: Promotion) -> dict[str, Any]:
    return {name: value(promotion) for name, value in KNOWN.items()}


def rounded(value: Fraction, digits: int) -> Decimal:
    return (Decimal(value.numerator) / value.denominator).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


KNOWN: dict[str, Callable[[Promotion], Any]] = {
    "promotion_id": lambda promotion: str(promotion.promotion_id),
    "description": lambda promotion: promotion.description,
    "starts_at": lambda promotion: promotion.starts_at.replace(microsecond=0),
    "ends_at": lambda promotion: promotion.ends_at,
    "regular_price_share": lambda promotion: rounded(promotion.deal.share, 8),
    "fixed_unit_price": lambda promotion: rounded(promotion.deal.amount, 4),
    "fixed_kilogram_price": lambda promotion: rounded(promotion.deal.amount, 4),
    "min_total_quantity": lambda promotion: Decimal(promotion.deal.quantity),
    "no_price_reason": lambda _: None,
    "needs_club": lambda promotion: promotion.is_for_club,
    "club_ids": lambda promotion: str(int(promotion.is_for_club)),
    "items": lambda promotion: sorted(product.code for product in promotion.products),
}
