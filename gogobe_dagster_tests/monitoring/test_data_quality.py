"""Data quality checks: each fails for its reason and passes without it."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.monitoring.data_quality import (
    Verdict,
    check_completeness,
    check_freshness,
    check_frozen_stores,
    check_outliers,
    check_promoted_products,
    check_quarantines,
    check_rejects,
    check_row_counts,
    check_stopped_stores,
)
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster_tests.warehouse.making import FEED
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    TOMATO,
    Market,
    PriceFile,
    StoreList,
)

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=ISRAEL)
EVENING = NOON.replace(hour=17)
TODAY = NOON.date()
SETTINGS = Settings(replica_url="http://127.0.0.1:1")
"""The stores are made up, so they are not compared with the register."""
LOADED = """
insert into file (feed, name, revision, publication_day, kind, chain_id, sub_chain_id, store_id,
    published_at, link, state, lake_path, rows, rejected, first_seen_at, last_seen_at)
values (:feed, :name, 1, :day, 'full_prices', '7290785400000', 0, :store, :at, '', 'loaded', 'x',
    :rows, :rejected, :at, :at)
"""


def load(
    engine: sa.Engine,
    day: date,
    *,
    stores: int = 5,
    rows: int = 1000,
    rejected: int = 0,
    feed: str = "keshet",
) -> None:
    """Record loaded full files of a day, published at 06:00."""
    at = datetime(day.year, day.month, day.day, 6, 0, tzinfo=ISRAEL)
    with engine.begin() as connection:
        for store in range(1, stores + 1):
            values = {"feed": feed, "name": f"{day}-{store}", "day": day, "store": store, "at": at}
            connection.execute(sa.text(LOADED), values | {"rows": rows, "rejected": rejected})
    Ledger(engine).record(feed, [], now=at)


def lines(verdict: Verdict) -> list[tuple[str, str, str]]:
    return [(finding.subject, finding.observed, finding.expected) for finding in verdict.findings]


def test_a_feed_whose_newest_full_file_is_36_hours_old_is_late(engine: sa.Engine) -> None:
    load(engine, TODAY - timedelta(days=1))

    assert check_freshness(engine, SETTINGS, NOON).passed
    late = check_freshness(engine, SETTINGS, NOON + timedelta(hours=7))

    assert late.is_severe
    assert late.summary == "no recent full price file from 1 of 1 feed"
    assert lines(late) == [("Keshet Teamim", "2026-11-24 06:00", "within 36 hours")]


def quarantine(engine: sa.Engine, feed: str, code: Code, *, files: int, name: str) -> None:
    load(engine, TODAY, stores=files, feed=feed)
    query = """update file set name = :name || store_id, state = 'quarantined', code = :code
        where feed = :feed and state = 'loaded' and store_id <= :files and name not like 'bad%'"""
    with engine.begin() as connection:
        connection.execute(
            sa.text(query), {"feed": feed, "code": code, "files": files, "name": f"bad {name}"}
        )


def test_a_feed_with_many_quarantined_files_is_reported_with_their_codes(engine: sa.Engine) -> None:
    quarantine(engine, "keshet", Code.CORRUPT_ARCHIVE, files=3, name="archives")
    quarantine(engine, "keshet", Code.ZERO_BYTE, files=1, name="empty")
    quarantine(engine, "rami_levy", Code.NULL_FILE, files=5, name="placeholders")
    load(engine, TODAY, stores=6)

    found = check_quarantines(engine, SETTINGS, NOON)

    assert lines(found) == [
        ("keshet, 2026-11-25", "4 of 10 files: corrupt_archive 3, zero_byte 1", "at most 5 %")
    ]
    assert found.summary == "many files of 1 feed are quarantined"
    assert [finding.feed for finding in found.findings] == ["keshet"]
    patient = SETTINGS.model_copy(update={"max_quarantined_percent": 40.0, "min_files_percent": 60.0})
    assert check_quarantines(engine, patient, NOON).passed
    assert check_quarantines(engine, SETTINGS, NOON + timedelta(days=2)).passed


def test_lost_full_files_are_reported_however_many_deltas_came(engine: sa.Engine) -> None:
    quarantine(engine, "keshet", Code.NOT_FOUND, files=2, name="lost")
    load(engine, TODAY, stores=60)
    with engine.begin() as connection:
        connection.exec_driver_sql("update file set kind = 'prices' where state = 'loaded'")

    found = check_quarantines(engine, SETTINGS, NOON)

    assert lines(found) == [
        ("keshet, 2026-11-25", "2 of 2 full price files: not_found 2", "at least 80 % of them readable")
    ]
    patient = SETTINGS.model_copy(update={"min_files_percent": 0.0})
    assert check_quarantines(engine, patient, NOON).passed


PESACH = date(2026, 4, 8)
"""Its last day, a Wednesday."""
SHAVUOT = date(2026, 5, 22)
"""A Friday: with Shabbat two days of rest."""


@pytest.mark.parametrize(
    ("day", "hours", "is_late"),
    [
        (PESACH - timedelta(days=1), 71, False),
        (PESACH - timedelta(days=1), 73, True),
        (SHAVUOT - timedelta(days=1), 88, False),
        (SHAVUOT - timedelta(days=1), 90, True),
    ],
)
def test_a_feed_may_be_older_after_a_holiday_and_older_still_after_two_days_of_rest(
    engine: sa.Engine, day: date, hours: int, *, is_late: bool
) -> None:
    load(engine, day, feed="osher_ad")
    now = datetime(day.year, day.month, day.day, 6, 0, tzinfo=ISRAEL) + timedelta(hours=hours)

    assert check_freshness(engine, SETTINGS, now).passed is not is_late


def test_a_feed_that_has_no_full_files_is_never_late(engine: sa.Engine) -> None:
    Ledger(engine).record("super_cofix", [], now=NOON)

    assert check_freshness(engine, SETTINGS, NOON).numbers == {"feeds": 0, "late": 0}


def test_a_feed_that_lists_but_never_loads_is_late(engine: sa.Engine) -> None:
    Ledger(engine).record_failure("keshet", PortalError(Code.AUTH_FAILED, "wrong password"), now=NOON)

    assert lines(check_freshness(engine, SETTINGS, NOON)) == [
        (find_feed("keshet").name, "none in 14 days", "within 36 hours")
    ]


def test_stores_without_a_full_file_are_reported_in_the_evening_and_not_at_noon(engine: sa.Engine) -> None:
    for days in range(1, 4):
        load(engine, TODAY - timedelta(days=days), stores=10)
    load(engine, TODAY, stores=7)

    assert check_completeness(engine, SETTINGS, NOON).passed, "at noon the day before is judged"
    evening = check_completeness(engine, SETTINGS, EVENING)

    assert lines(evening) == [("keshet", "7 stores", "10, as in the last seven days")]
    assert evening.numbers == {"stores": 7, "stores usually": 10}


def test_a_new_feed_whose_full_files_are_all_lost_lacks_the_stores_of_its_listing(engine: sa.Engine) -> None:
    quarantine(engine, "keshet", Code.NOT_FOUND, files=4, name="lost")
    quarantine(engine, "rami_levy", Code.STALE_FILE, files=4, name="of another day")

    found = check_completeness(engine, SETTINGS, EVENING)

    assert lines(found) == [("keshet", "0 stores", "4, as in the listings")]


def test_eight_stores_of_ten_are_complete_enough(engine: sa.Engine) -> None:
    load(engine, TODAY - timedelta(days=1), stores=10)
    load(engine, TODAY, stores=8)

    assert check_completeness(engine, SETTINGS, EVENING).passed


def test_missing_full_files_are_not_reported_on_a_day_of_rest(engine: sa.Engine) -> None:
    """Osher Ad rests on the second day of Rosh Hashana; Keshet does not."""
    evening = datetime(2026, 9, 13, 17, 0, tzinfo=ISRAEL)
    for feed in ("osher_ad", "keshet"):
        load(engine, date(2026, 9, 11), feed=feed)

    assert [subject for subject, *_ in lines(check_completeness(engine, SETTINGS, evening))] == ["keshet"]
    yom_kippur = datetime(2026, 9, 21, 17, 0, tzinfo=ISRAEL)
    load(engine, date(2026, 9, 20), feed="keshet")
    assert check_completeness(engine, SETTINGS, yom_kippur).passed


def test_a_feed_that_was_never_complete_is_compared_with_the_register(engine: sa.Engine) -> None:
    load(engine, TODAY, stores=20)

    few = check_completeness(engine, Settings(), EVENING)

    assert lines(few) == [("keshet", "20 stores", "27, as in the register")]
    load(engine, TODAY - timedelta(days=1), stores=25)
    assert check_completeness(engine, Settings(), NOON).passed


def test_full_files_are_compared_with_the_last_day_that_had_any(engine: sa.Engine) -> None:
    load(engine, TODAY - timedelta(days=3), rows=1000)
    load(engine, TODAY, rows=500)

    verdict = check_row_counts(engine, SETTINGS, EVENING)

    assert lines(verdict) == [("keshet", "500 per file", f"1000 on {TODAY - timedelta(days=3)}")]


@pytest.mark.parametrize(("rows", "passes"), [(1240, True), (1260, False), (740, False)])
def test_full_files_that_grow_or_shrink_by_a_quarter_are_reported(
    engine: sa.Engine, rows: int, *, passes: bool
) -> None:
    load(engine, TODAY - timedelta(days=1), rows=1000)
    load(engine, TODAY, rows=rows)

    verdict = check_row_counts(engine, SETTINGS, EVENING)

    assert verdict.passed is passes
    if not passes:
        assert lines(verdict) == [("keshet", f"{rows} per file", f"1000 on {TODAY - timedelta(days=1)}")]


def test_a_feed_with_many_rejected_rows_is_reported_with_their_share(engine: sa.Engine) -> None:
    load(engine, TODAY, stores=1, rows=970, rejected=30)
    load(engine, TODAY, stores=1, rows=995, rejected=5, feed="rami_levy")

    verdict = check_rejects(engine, SETTINGS, NOON)

    assert lines(verdict) == [("keshet", "3.00 % rejected", "at most 1 %")]
    assert verdict.numbers == {"rows": 2000, "rejected": 35}


def test_price_outliers_are_reported_with_both_prices(engine: sa.Engine) -> None:
    history = """
    with stored as (insert into store (chain_id, sub_chain_id, store_id, first_seen_at, last_seen_at)
        values ('7290785400000', 0, 4, :before, :now) returning store_key)
    , made as (insert into product (gtin) values ('7290000000015'), ('7290000000022') returning *),
    priced as (select store_key, product_key, was, now from stored, made join
        (values ('7290000000015', 5.9, 59), ('7290000000022', 4, 5)) as price (gtin, was, now) using (gtin)),
    held as (insert into price_current (store_key, product_key, valid_from, price, file_id)
        select store_key, product_key, :now, now, 1 from priced)
    insert into price_past (store_key, product_key, valid_from, valid_to, price, file_id, closed_by_file_id)
    select store_key, product_key, :before, :now, was, 1, 1 from priced
    """
    from gogobe_dagster.warehouse.schema.monthly_partitions import ensure_partitions

    ensure_partitions(engine, [NOON])
    with engine.begin() as connection:
        chain = "insert into chain (chain_id) values ('7290785400000');"
        connection.execute(sa.text(chain))
        connection.execute(
            sa.text("insert into sub_chain (chain_id, sub_chain_id) values ('7290785400000', 0)")
        )
        connection.execute(sa.text(history), {"before": NOON - timedelta(days=9), "now": NOON})

    verdict = check_outliers(engine, SETTINGS, NOON + timedelta(hours=1))

    assert verdict.summary == "1 of 2 changed prices by more than a factor of 5"
    assert lines(verdict) == [("1, store 4 of 7290785400000", "59", "5.9 before")]
    assert check_outliers(
        engine, SETTINGS.model_copy(update={"outlier_factor": 20}), NOON + timedelta(hours=1)
    ).passed


def test_a_feed_that_promotes_products_without_a_price_is_reported(engine: sa.Engine, tmp_path: Path) -> None:
    market = Market.at(engine, tmp_path)
    ended = {"ends_at": NOON - timedelta(hours=1)}
    assert check_promoted_products(engine, SETTINGS, NOON).passed, "nothing is promoted"
    market.open(PriceFile(5, {MILK: "7"}, store=9))
    offers = [
        Offer("11", [MILK, BREAD], gifts=[EGGS]),
        Offer("12", [MILK]),
        Offer("13", [TOMATO], other=ended),
        Offer("14", [EGGS]),
    ]
    for store in (1, 2):
        market.offer(
            PromotionFile(5, offers, is_full=True, store=store),
            PromotionFile(6, offers[:3], is_full=True, store=store),
        )

    verdict = check_promoted_products(engine, SETTINGS, NOON)

    assert lines(verdict) == [
        (FEED, "1 of 2 promoted products (50%)", "at most 20 % without a price in the chain")
    ]
    assert (verdict.numbers, verdict.is_severe) == ({"promoted products": 2, "unknown": 1}, False)
    assert check_promoted_products(
        engine, SETTINGS.model_copy(update={"max_unknown_product_percent": 50}), NOON
    ).passed


def test_a_store_that_repeats_its_prices_for_a_week_is_frozen(engine: sa.Engine, tmp_path: Path) -> None:
    """Store 1 changes a price, store 2 never does, store 3 is new, and store 4 has no full files any more."""
    market, days = Market.at(engine, tmp_path), range(10)
    same = {MILK: "7", BREAD: "10"}
    for day in days:
        hours = 24 * day + 6
        market.open(
            PriceFile(hours, same | {MILK: "8" if day > 6 else "7"}, is_full=True, store=1),
            PriceFile(hours, same, is_full=True, store=2),
            *([PriceFile(hours, same, is_full=True, store=3)] if day > 4 else []),
            PriceFile(hours, same, is_full=day == 0, store=4),
        )
    now = datetime(2026, 12, 2, 12, tzinfo=ISRAEL)

    found = check_frozen_stores(engine, SETTINGS, now)

    assert lines(found) == [(FEED, "1 of 3 stores unchanged: 2", "a changed price in 7 days")]
    assert found.findings[0].feed == FEED
    patient = SETTINGS.model_copy(update={"frozen_after_days": 20})
    assert check_frozen_stores(engine, patient, now).passed


def test_a_product_that_left_is_a_change(engine: sa.Engine, tmp_path: Path) -> None:
    market = Market.at(engine, tmp_path)
    for day in range(10):
        rows = {MILK: "7"} | ({BREAD: "10"} if day < 6 else {})
        market.open(PriceFile(24 * day + 6, rows, is_full=True))

    assert check_frozen_stores(engine, SETTINGS, datetime(2026, 12, 2, 12, tzinfo=ISRAEL)).passed


def test_a_listed_store_that_stopped_while_its_chain_goes_on_is_silent(
    engine: sa.Engine, tmp_path: Path
) -> None:
    """Store 2 stopped four days ago, store 3 two; store 4 too, and is not listed; store 5 never published."""
    market = Market.at(engine, tmp_path)
    names = {(1, store): f"{store}" for store in (1, 2, 3, 5)}
    market.load_lists(market.publish(StoreList(1, names)))
    last = {1: 4, 2: 0, 3: 2, 4: 0}
    market.open(*[PriceFile(24 * day + 6, {MILK: "7"}, store=store) for store, day in last.items()])
    now = datetime(2026, 11, 27, 12, tzinfo=ISRAEL)

    assert lines(check_stopped_stores(engine, SETTINGS, now)) == [
        (FEED, "1 listed stores are silent: 2", "prices as new as the chain's, within 3 days")
    ]
    silent = market.ask("select store_id, silent_for from silent_stores order by 1")
    assert silent == [(2, timedelta(days=4)), (3, timedelta(days=2))]
    patient = SETTINGS.model_copy(update={"stopped_after_days": 5})
    assert check_stopped_stores(engine, patient, now).passed
