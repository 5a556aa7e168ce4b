"""What a file lists and what cannot be read of it is not taken for gone: from the document to the tables."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster.parsing.report import Reader
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster_tests.parsing.documents import BREAD, MILK, PRICES_NAME, prices
from gogobe_dagster_tests.parsing.promotion_documents import BOUGHT, flat, promotions
from gogobe_dagster_tests.warehouse.making import FEED, NOON, TODAY, parsed, sighting
from gogobe_dagster_tests.warehouse.warehouse_harness import Market

LIMIT = 1 << 22
MANY = [{**MILK, "ItemCode": f"{code}", "ItemType": "0", "ItemPrice": "5.00"} for code in range(1001, 1101)]
"""A hundred products, so that one of them is less than 10 % of the file."""
REPORTED = {"ItemCode": "1050", "ItemPrice": "5.00", "QtyInPackage": "6 יח'"}
"""The row that was reported: a full file that listed it ended the product."""


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


@pytest.fixture(params=[True, False], ids=["fast", "lxml"])
def use_fast_reader(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def read(document: str, *, use_fast_reader: bool = True) -> ParsedFile:
    named = [(PRICES_NAME, document.encode())]
    (file,) = read_files(named, limit=LIMIT, use_fast_reader=use_fast_reader)
    assert isinstance(file, ParsedFile)
    return file


def publish(market: Market, kind: FileKind, hours: float, file: ParsedFile) -> LedgerFile:
    """Bring a file that was read into the lake and the ledger, as the pipeline does."""
    seen = sighting(kind, hours=hours)
    market.ledger.record(FEED, [seen], now=NOON)
    (known,) = [known for known in market.ledger.of_days(FEED, [TODAY]) if known.name == seen.name]
    market.ledger.mark_downloaded(known.id, sha256="ab", size=1, now=NOON)
    with market.lake.batch(file.document, feed=FEED, day=TODAY, key=f"{known.id}") as batch:
        batch.add(known.id, file.lake_rows)
    report = file.report
    entry = parsed(
        known.id,
        rows=report.rows,
        lake_path=batch.path,
        rejected=report.rejected,
        reject_reasons=report.reasons,
        samples=report.samples,
        unreadable_fields=report.unreadable,
        notes=report.notes,
        is_damaged=report.damaged,
    )
    market.ledger.mark_parsed([entry], now=NOON)
    return market.ledger.files([known.id])[0]


def load_two_fulls(market: Market, *changed: Mapping[str, str], use_fast_reader: bool) -> ParsedFile:
    """Load a full file at 5:00, and at 6:00 another one in which products are changed; return that one."""
    rows = {row["ItemCode"]: row for row in MANY} | {row["ItemCode"]: {**MANY[0], **row} for row in changed}
    later = read(prices(*rows.values()), use_fast_reader=use_fast_reader)
    files = [(5, read(prices(*MANY))), (6, later)]
    market.load([publish(market, FileKind.FULL_PRICES, hours, file) for hours, file in files])
    return later


def test_an_odd_optional_field_costs_neither_the_row_nor_the_product(
    market: Market, *, use_fast_reader: bool
) -> None:
    later = load_two_fulls(market, REPORTED, use_fast_reader=use_fast_reader)

    assert market.history("1050") == [("5", 5, None)]
    assert (later.report.rejected, later.report.unreadable) == (0, {"quantity_in_package": 1})
    assert later.report.reader == (Reader.FAST if use_fast_reader else Reader.LXML)
    notes = market.ask("select notes, unreadable_fields, is_complete from file order by file_id")
    assert notes[1] == (["container_mismatch", "unreadable_fields"], {"quantity_in_package": 1}, True)
    ((reason, sample),) = market.ask("select reason, sample from reject")
    assert (reason, sample[:48]) == (
        "unreadable_field",
        "quantity_in_package=6 יח', code=1050, price=5.00",
    )


@pytest.mark.parametrize("price", ["חינם", "5,00", "5.00 ₪", "", "1.23456"])
def test_a_code_without_a_readable_price_keeps_the_price_it_had(
    market: Market, price: str, *, use_fast_reader: bool
) -> None:
    later = load_two_fulls(
        market, {**REPORTED, "ItemPrice": price}, {**REPORTED, "ItemCode": "1051", "ItemPrice": "6"},
        use_fast_reader=use_fast_reader,
    )  # fmt: skip

    assert market.history("1050") == [("5", 5, None)]
    assert market.history("1051") == [("5", 5, 6), ("6", 6, None)]
    assert (later.report.rows, later.report.rejected) == (99, 1)
    counts = market.ask("select rows, rejected, rows_skipped from file order by file_id")
    assert counts == [(100, 0, 0), (99, 1, 0)]


def test_item_types_that_cannot_be_read_end_no_product(market: Market) -> None:
    milk = {**MILK, "ItemType": "סוג"}
    files = [(5, [*MANY, MILK]), (6, [*MANY, milk]), (7, [*MANY, {**milk, "ItemPrice": "?"}])]
    market.load([
        publish(market, FileKind.FULL_PRICES, hours, read(prices(*rows))) for hours, rows in files
    ])  # fmt: skip

    assert market.history(MILK["ItemCode"]) == [("7.1", 5, None)]


def test_what_a_full_file_does_not_list_at_all_is_gone(market: Market) -> None:
    files = [(5, MANY), (6, [row for row in MANY if row["ItemCode"] != "1050"])]
    market.load([
        publish(market, FileKind.FULL_PRICES, hours, read(prices(*rows))) for hours, rows in files
    ])  # fmt: skip

    assert market.history("1050") == [("5", 5, 6)]


def test_a_new_code_without_a_readable_price_is_no_product(market: Market) -> None:
    load_two_fulls(market, {"ItemCode": "2000", "ItemType": "0", "ItemPrice": "?"}, use_fast_reader=True)

    assert market.ask("select count(*) from product where code = '2000'") == [(0,)]
    assert market.history("2000") == []


def test_of_a_full_file_that_is_mostly_unreadable_everything_readable_is_loaded_and_nothing_ends(
    market: Market,
) -> None:
    unreadable = [{**row, "ItemPrice": "חינם"} for row in MANY[:20]]
    new = [{**row, "ItemPrice": "6.00"} for row in MANY[20:90]]
    files = [(5, MANY), (6, [*unreadable, *new])]
    market.load([
        publish(market, FileKind.FULL_PRICES, hours, read(prices(*rows))) for hours, rows in files
    ])  # fmt: skip

    assert market.history("1001") == [("5", 5, None)]
    assert market.history("1050") == [("5", 5, 6), ("6", 6, None)]
    assert market.history("1100") == [("5", 5, None)]
    ((notes, is_complete),) = market.ask("select notes, is_complete from file order by file_id")[1:]
    assert ("too_many_rejects" in notes, is_complete) == (True, False)


@pytest.mark.parametrize(
    ("changed", "ends_at"),
    [
        ({"PromotionEndHour": "24:00"}, "2026-12-01 00:00:00"),
        ({"PromotionEndHour": "בסוף היום"}, None),
        ({"RedemptionLimit": "ללא"}, "2026-11-30 23:59:00"),
    ],
)
def test_a_promotion_with_an_odd_term_is_still_offered(
    market: Market, changed: dict[str, str], ends_at: str | None, *, use_fast_reader: bool
) -> None:
    others = [flat(*BOUGHT, PromotionId=f"{number}") for number in range(1, 20)]
    files = [
        (5, read(promotions(*others, flat(*BOUGHT)))),
        (6, read(promotions(*others, flat(*BOUGHT, **changed)), use_fast_reader=use_fast_reader)),
    ]
    market.load_promotions([publish(market, FileKind.FULL_PROMOTIONS, *file) for file in files])

    ends = """
        select (p.ends_at at time zone 'Asia/Jerusalem')::text from promotion_store s
        join promotion p using (promotion_key) where s.promotion_id = '900001' and s.valid_to is null
    """
    assert market.ask(ends) == [(ends_at,)]


def test_a_promotion_that_cannot_be_read_keeps_its_content(market: Market, *, use_fast_reader: bool) -> None:
    others = [flat(*BOUGHT, PromotionId=f"{number}") for number in range(1, 20)]
    files = [
        (5, read(promotions(*others, flat(*BOUGHT), flat(*BOUGHT, PromotionId="77")))),
        (6, read(promotions(*others, flat(*BOUGHT, MinQty="שתיים")), use_fast_reader=use_fast_reader)),
    ]
    market.load_promotions([publish(market, FileKind.FULL_PROMOTIONS, *file) for file in files])

    assert [row[1:] for row in market.promotion_periods("900001")] == [(5, None)]
    assert [row[1:] for row in market.promotion_periods("77")] == [(5, 6)]
    counts = market.ask("select rows, rejected, rows_skipped from file order by file_id")
    assert counts == [(21, 0, 0), (19, 1, 0)]


# ---------------------------------------------------------------- both readers

TEXTS = st.sampled_from(
    ["1", "0", "5.00", "6 יח'", "2.5", "אולי", "", "24:00", "23.11.2026", "2026-11-23T05:00Z"]
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"ItemCode": st.sampled_from(["1050", "1051", "", "0000000000000", "7290000042640", "7" * 65])},
        optional=dict.fromkeys(
            ["ItemPrice", "QtyInPackage", "ItemType", "PriceUpdateDate", "bIsWeighted"], TEXTS
        ),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.slow
@given(ROWS)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_readers_reject_keep_and_list_the_same(rows: list[dict[str, str]]) -> None:
    document = prices(*({**BREAD, **row} for row in rows))

    fast, lxml = read(document), read(document, use_fast_reader=False)

    assert (fast.report.reader, lxml.report.reader) == (Reader.FAST, Reader.LXML)
    assert_frame_equal(fast.rows, lxml.rows)
    assert_frame_equal(fast.lake_rows, lxml.lake_rows)
    for name in ("reasons", "unreadable", "samples", "notes", "duplicates"):
        assert getattr(fast.report, name) == getattr(lxml.report, name)
    # every code that can be read is either loaded or known to be listed
    codes = {row["ItemCode"] for row in rows} - {"", "0000000000000", "7" * 65}
    assert set(fast.lake_rows["code"]) == codes
    assert (
        fast.lake_rows.filter(fast.lake_rows["price"].is_null())["code"].is_in(fast.rows["code"]).sum() == 0
    )
