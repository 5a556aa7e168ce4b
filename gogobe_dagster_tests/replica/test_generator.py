"""The synthetic chains: the same for a seed, plausible, and consistent with their ground truth."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from lxml import etree

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.registry import FEEDS, Family, Feed, find_feed
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.files.names import FileName
from gogobe_dagster.replica.corruption import unpacked
from gogobe_dagster.replica.generator.catalogue import catalogue, gtin
from gogobe_dagster.replica.generator.ground_truth import PriceKey, published_prices
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_day, publish_days
from gogobe_dagster.replica.generator.stray_files import stray_files
from gogobe_dagster.replica.publication import Publication, Publications

pytestmark = pytest.mark.slow

TODAY = date(2026, 8, 11)
EVENING = datetime(2026, 8, 11, 23, 30, tzinfo=ISRAEL)
KEYS = (
    "rami_levy",
    "tiv_taam",
    "osher_ad",
    "shufersal",
    "king_store",
    "good_pharm",
    "city_market_kg",
    "carrefour",
    "super_pharm",
    "victory",
    "het_cohen",
    "wolt_market",
    "mishnat_yosef_worker",
    "hazi_hinam",
    "city_market_shops",
    "netiv_hahesed",
)
SOME = tuple(find_feed(key) for key in KEYS)


def small_market(seed: int = 1) -> SyntheticMarket:
    return SyntheticMarket(seed=seed, scale=0.005, stores=3, items=80)


def published(
    *days: date, now: datetime, seed: int = 1, feeds: tuple[Feed, ...] = SOME
) -> dict[str, Publications]:
    publications_by_feed = {feed.key: Publications() for feed in feeds}
    for day in days:
        publish_day(publications_by_feed, feeds, day=day, market=small_market(seed), now=now)
    return publications_by_feed


def everything(publications_by_feed: dict[str, Publications]) -> list[Publication]:
    return [file for publications in publications_by_feed.values() for file in publications.all()]


def test_the_same_seed_and_clock_give_the_same_bytes_and_another_seed_does_not() -> None:
    first, second = everything(published(TODAY, now=EVENING)), everything(published(TODAY, now=EVENING))
    other = everything(published(TODAY, now=EVENING, seed=2))

    assert first == second
    assert len(first) > 100
    assert {file.name: file.content for file in first} != {file.name: file.content for file in other}


def test_every_name_is_in_the_grammar_and_says_what_the_file_is() -> None:
    publications_by_feed = published(TODAY, now=EVENING, feeds=FEEDS)

    for feed in FEEDS:
        for file in publications_by_feed[feed.key].all():
            name = FileName.parse(file.name)
            assert name.kind is file.kind, file.name
            assert feed.owns(name.chain_id), file.name
            assert name.store_id == file.store_id, file.name
            assert name.published_at <= file.published_at <= EVENING, file.name
            assert day_of(name.published_at) == day_of(file.published_at) == TODAY, file.name


@pytest.mark.parametrize("hour", [0, 3, 4, 8, 13, 20])
def test_nothing_is_published_before_its_time(hour: int) -> None:
    now = EVENING.replace(hour=hour)

    files = everything(published(TODAY, now=now))

    assert all(file.published_at <= now for file in files)
    assert bool(files) == (hour > 0)


def test_publishing_as_time_passes_ends_with_the_same_files_as_publishing_at_once() -> None:
    step_by_step = {feed.key: Publications() for feed in SOME}
    new = []
    for hour in range(24):
        now = EVENING.replace(hour=hour)
        new.append(publish_day(step_by_step, SOME, day=TODAY, market=small_market(), now=now))

    at_once = everything(published(TODAY, now=EVENING))

    assert sum(map(len, new)) == len(at_once)
    assert {file.name: file for file in everything(step_by_step)} == {file.name: file for file in at_once}


def test_days_are_published_from_the_first_to_today() -> None:
    publications_by_feed = {feed.key: Publications() for feed in SOME}

    publish_days(publications_by_feed, SOME, first_day=date(2026, 8, 9), market=small_market(), now=EVENING)

    days = {day_of(file.published_at) for file in everything(publications_by_feed)}
    assert days == {date(2026, 8, 9), date(2026, 8, 10), TODAY}


@pytest.mark.parametrize(
    ("day", "roots"),
    [(TODAY, {"Root", "Chain", "root", "Store"}), (date(2026, 6, 1), {"Root", "abap", "root", "Store"})],
)
def test_documents_are_well_formed_and_hold_as_many_rows_as_they_say(day: date, roots: set[str]) -> None:
    publications_by_feed = published(day, now=EVENING, feeds=FEEDS)

    seen = set()
    for file in everything(publications_by_feed):
        document = etree.fromstring(unpacked(file.read()))
        seen.add(etree.QName(document).localname)
        for rows in document.iter("Items", "Promotions", "PromotionItems"):
            declared = rows.get("Count") or rows.get("count")
            assert declared in {None, str(len(rows))}, file.name
        if file.kind is FileKind.FULL_PRICES:
            assert len(document.findall(".//Item")) > 40
    assert seen == roots


def test_an_ampersand_in_a_name_is_escaped() -> None:
    publications_by_feed = {"keshet": Publications()}
    market = SyntheticMarket(stores=1, items=300)
    publish_day(publications_by_feed, [find_feed("keshet")], day=TODAY, market=market, now=EVENING)
    (full,) = (file for file in publications_by_feed["keshet"].all() if file.kind is FileKind.FULL_PRICES)

    makers = {item.text for item in etree.fromstring(unpacked(full.read())).iter("ManufacturerName")}

    assert "בראון & שות'" in makers


def test_each_family_packs_and_encodes_as_it_does() -> None:
    starts = defaultdict(set)
    for key, publications in published(TODAY, now=EVENING).items():
        for file in publications.all():
            what = "stores" if file.kind is FileKind.STORES else "others"
            starts[find_feed(key).family, what].add((file.read()[:2], unpacked(file.read())[:3]))

    assert starts[Family.CERBERUS, "stores"] == {(b"\xff\xfe", b"\xff\xfe<")}
    assert starts[Family.CERBERUS, "others"] == {(b"\x1f\x8b", b"\xef\xbb\xbf"), (b"PK", b"\xef\xbb\xbf")}
    assert starts[Family.PUBLISH_PRICE, "stores"] == {(b"\xff\xfe", b"\xff\xfe<")}
    assert starts[Family.PUBLISH_PRICE, "others"] == {(b"\x1f\x8b", b"\xef\xbb\xbf")}
    assert starts[Family.SHUFERSAL, "stores"] == {(b"\x1f\x8b", b"\xef\xbb\xbf")}
    assert starts[Family.MISHNAT_YOSEF, "stores"] == {(b"<R", b"<Ro")}
    assert starts[Family.WOLT, "stores"] == starts[Family.WOLT, "others"] == {(b"\x1f\x8b", b"<?x")}
    assert starts[Family.HAZI_HINAM, "stores"] == {(b"\x1f\x8b", b"\xef\xbb\xbf")}
    assert starts[Family.HAZI_HINAM, "others"] == {(b"\x1f\x8b", b"\xef\xbb\xbf")}
    assert starts[Family.CITY_MARKET, "stores"] == {(b"\x1f\x8b", b"\xef\xbb\xbf")}
    assert starts[Family.CITY_MARKET, "others"] == {(b"\x1f\x8b", b"<?x"), (b"PK", b"<?x")}
    assert starts[Family.NETIV_HAHESED, "stores"] == {(b"\x1f\x8b", b"<Ro")}
    assert starts[Family.NETIV_HAHESED, "others"] == {(b"\x1f\x8b", b"<Ro")}
    assert starts[Family.LAIB, "stores"] == {(b"\x1f\x8b", b"<Ro"), (b"\x1f\x8b", b"<?x")}
    assert starts[Family.LAIB, "others"] == {(b"\x1f\x8b", b"<?x")}
    assert starts[Family.BINA, "others"] == {(b"\x1f\x8b", b"<Ro"), (b"PK", b"<Ro")}


def test_rami_levy_has_both_generations_of_names_and_an_online_store_in_lower_case() -> None:
    names = [FileName.parse(file.name) for file in published(TODAY, now=EVENING)["rami_levy"].all()]
    fulls = [name for name in names if name.kind is FileKind.FULL_PRICES]

    assert {name.sub_chain_id is None for name in fulls} == {True, False}
    assert {name.store_id for name in fulls if name.text.startswith("pricefull")} == {760}


def test_barcodes_are_valid_and_codes_are_never_used_twice() -> None:
    products = catalogue(15_000)

    assert len({product.code for product in products}) == 15_000
    barcodes = [product.code for product in products if product.is_barcode]
    assert all(len(code) == 13 and gtin(code[:12]) == code for code in barcodes)
    assert gtin("400638133393") == "4006381333931"  # the example of GS1's own check digit page
    assert sum(code.startswith("729") for code in barcodes) > len(barcodes) / 2


def test_the_first_products_are_a_shop_that_everybody_knows() -> None:
    names = [product.name for product in catalogue(7)]

    assert names[0].startswith("חלב 3%")
    assert [name.split()[0] for name in names] == ["חלב", "לחם", "קוטג'", "עגבניה", "ביצים", "במבה", "מלפפון"]
    assert all(150 <= product.usual_price <= 20_000 for product in catalogue(3_000))


def test_a_price_changes_only_at_its_moment_and_never_to_itself() -> None:
    market = small_market()
    store = market.stores(find_feed("keshet"))[0]

    for stocked in market.stocked(store)[:20]:
        changes = {}
        for day in range(120):
            priced = stocked.at(EVENING + timedelta(days=day))
            changes[priced.priced_at] = priced.agorot
        for (_, before), (changed_at, after) in pairwise(sorted(changes.items())):
            assert before != after
            assert stocked.at(changed_at).agorot == after
            assert stocked.at(changed_at - timedelta(minutes=1)).agorot == before
            assert after > 0


def rows_of(file: Publication) -> dict[PriceKey, tuple[Decimal, str]]:
    """The rows of a price file, read in the plainest way: price and time per store and item."""
    document = etree.fromstring(unpacked(file.read()))
    header = {tag.tag.lower(): tag.text or "" for tag in document if tag.tag != "Items"}
    chain, sub_chain, store = (header[tag] for tag in ("chainid", "subchainid", "storeid"))
    rows = {}
    for item in document.iter("Item"):
        key = PriceKey(chain, int(sub_chain), int(store), item.findtext("ItemCode", ""))
        at = item.findtext("PriceUpdateDate", "") or item.findtext("PriceUpdateTime", "")
        rows[key] = Decimal(item.findtext("ItemPrice", "")), at.replace("T", " ")[:16]
    return rows


def imported(files: list[Publication]) -> dict[PriceKey, tuple[Decimal, str]]:
    """The prices after all files, in order of the timestamps in their names: a full replaces its store."""
    prices: dict[PriceKey, tuple[Decimal, str]] = {}
    for file in sorted(files, key=lambda file: (FileName.parse(file.name).published_at, file.name)):
        if file.kind is FileKind.FULL_PRICES:
            store = next(iter(rows_of(file)))[:3]
            prices = {key: price for key, price in prices.items() if key[:3] != store}
        if file.kind and file.kind.document is Document.PRICES:
            prices |= rows_of(file)
    return prices


@pytest.mark.parametrize("feed", SOME, ids=lambda feed: feed.key)
@pytest.mark.parametrize("hours_later", [0, 1, 5, 9, 13, 20, 23, 31, 48, 71])
def test_the_truth_is_what_fulls_and_deltas_say_together(feed: Feed, hours_later: int) -> None:
    first_day = date(2026, 8, 9)
    now = datetime(2026, 8, 9, tzinfo=ISRAEL) + timedelta(
        hours=hours_later, minutes=random.Random(hours_later).randrange(60)
    )
    publications_by_feed = {feed.key: Publications()}
    publish_days(publications_by_feed, [feed], first_day=first_day, market=small_market(), now=now)

    truth = published_prices(small_market(), feed, now=now, first_day=first_day)

    assert imported(publications_by_feed[feed.key].all()) == {
        key: (priced.price, f"{priced.priced_at:%Y-%m-%d %H:%M}") for key, priced in truth.items()
    }
    assert bool(truth) == (hours_later >= 5)


def test_a_delta_holds_only_what_changed_since_the_one_before() -> None:
    files = published(TODAY, now=EVENING)["shufersal"].all()
    deltas = [file for file in files if file.kind is FileKind.PRICES and file.store_id == files[1].store_id]

    assert len(deltas) > 1
    changes = [(key, at) for file in deltas for key, (_, at) in rows_of(file).items()]
    assert len(changes) == len(set(changes))
    assert {at[:10] for _, at in changes} == {"2026-08-11"}


def test_products_come_and_go_with_the_seasons() -> None:
    market = small_market()
    store = market.stores(find_feed("keshet"))[0]

    sold = [
        {priced.product.code for priced in market.prices(store, EVENING + timedelta(days=days))}
        for days in range(0, 400, 40)
    ]

    assert set.union(*sold) != set.intersection(*sold)


def test_odd_files_are_those_that_each_family_has() -> None:
    counts = {
        feed.key: len(stray_files(small_market(), feed, day=TODAY, now=EVENING))
        for feed in map(find_feed, ("shufersal", "king_store", "yohananof"))
    }
    names = [
        file.name for file in stray_files(small_market(), find_feed("yohananof"), day=TODAY, now=EVENING)
    ]

    assert counts == {"shufersal": 2, "king_store": 4, "yohananof": 5}
    assert [name for name in names if "20241203" in name and "7999" in name]
    assert [name for name in names if name.startswith("NULLPrice")]
    assert "PromoFull0000000000000-00-1-202608110501.gz" in names
    assert "backup_20260811.gz" in names
