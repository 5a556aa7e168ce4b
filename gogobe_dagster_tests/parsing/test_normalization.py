"""How values are read: money, numbers, flags, dates, words for "not known"; and why a row is not taken."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.normalization import NormalizedRows, normalize

MILK = {"code": "7290000042640", "price": "7.10"}
BARE = {"chain_id": "7290058140886", "store_id": "1"}


def take(*rows: Mapping[str, str | None], document: Document = Document.PRICES) -> NormalizedRows:
    names = {name: None for row in rows for name in row}
    columns = {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names}
    numbers = pl.Series("row_number", range(1, len(rows) + 1), dtype=pl.Int32)
    return normalize(pl.DataFrame({"row_number": numbers, **columns}), document)


def value(column: str, text: str | None) -> Any:
    """Read one value of a row that is fine otherwise."""
    taken = take({**MILK, column: text}, {**MILK, "code": "2"})
    assert taken.reasons == {}
    return taken.rows[column][0]


def reason(column: str, text: str | None, *, document: Document = Document.PRICES) -> str:
    good = MILK if document is Document.PRICES else BARE
    taken = take({**good, column: text}, {**good, "code": "2", "store_id": "2"}, document=document)
    assert len(taken.rows) == 1
    (why,) = taken.reasons
    assert [(sample.row_number, sample.reason) for sample in taken.samples] == [(1, why)]
    return why


# ---------------------------------------------------------------- money and numbers


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("7.10", "7.1000"),
        ("0", "0.0000"),
        ("-5.90", "-5.9000"),
        ("25999", "25999.0000"),
        ("  6.9 \n", "6.9000"),
        (".5", "0.5000"),
        ("5.", "5.0000"),
        ("+5", "5.0000"),
        ("0007.10", "7.1000"),
        ("1.230000", "1.2300"),
        ("9999999999.9999", "9999999999.9999"),
    ],
)
def test_prices_are_exact(text: str, price: str) -> None:
    assert str(value("price", text)) == price


@given(price=st.decimals("-9999999999.9999", "9999999999.9999", places=4, allow_nan=False))
@settings(max_examples=200)
def test_any_price_survives_to_the_last_digit(price: Decimal) -> None:
    taken = take({"code": "1", "price": f"{price:f}"}, {"code": "2", "price": f" {price:f} "})

    assert taken.rows["price"].to_list() == [price, price]


@pytest.mark.parametrize(
    ("column", "text", "why"),
    [
        ("code", None, "no_code"),
        ("code", "   ", "no_code"),
        ("price", None, "no_price"),
        ("price", "", "no_price"),
        ("price", "לא ידוע", "no_price"),
        ("price", "חינם", "bad_price"),
        ("price", "7,10", "bad_price"),
        ("price", "1,234.50", "bad_price"),
        ("price", "7.10 ₪", "bad_price"),
        ("price", "1e3", "bad_price"),
        ("price", "1.23456", "bad_price"),
        ("price", "NaN", "bad_price"),
        ("price", "99999999999", "out_of_range"),
        ("code", "7" * 65, "out_of_range"),
    ],
)
def test_a_row_that_cannot_be_taken_has_a_reason(column: str, text: str | None, why: str) -> None:
    assert reason(column, text) == why


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("quantity_in_package", "6 יח'"),
        ("quantity", "בערך 3"),
        ("quantity", "123456789012345"),
        ("published_unit_price", "0x10"),
        ("status", "1.5"),
        ("status", "70000"),
        ("is_weighted", "2"),
        ("is_barcode", "אולי"),
        ("price_set_at", "21/37/YYYY 17:37:22"),
        ("price_set_at", "5/28/2015"),
        ("price_set_at", "2026-02-30"),
        ("price_set_at", "אתמול"),
        ("price_set_at", "2026-11-23 24:30"),
        ("price_set_at", "2026-11-23 07:61"),
        ("name", "חלב" * 20_000),
    ],
)
def test_an_optional_field_that_cannot_be_read_is_null_and_its_row_stays(column: str, text: str) -> None:
    taken = take({**MILK, column: text}, {**MILK, "code": "2"})

    assert taken.rows.select("code", "price", column).rows() == [
        (MILK["code"], Decimal("7.1000"), None),
        ("2", Decimal("7.1000"), None),
    ]
    assert (taken.reasons, taken.unreadable, taken.notes) == ({}, {column: 1}, ("unreadable_fields",))
    (sample,) = taken.samples
    assert (sample.row_number, sample.reason) == (1, "unreadable_field")
    assert sample.sample.startswith(f"{column}={text}"[:300])
    assert taken.listed_only.is_empty()


@pytest.mark.parametrize(
    ("row", "listed"),
    [
        ({"code": "1050", "price": "חינם", "quantity": "2"}, ["1050"]),
        ({"code": "1050", "price": None}, ["1050"]),
        ({"code": "1050", "price": "1.23456", "name": "חלב"}, ["1050"]),
        ({"code": " 1050 ", "price": "99999999999"}, ["1050"]),
        ({"code": None, "price": "5"}, []),
        ({"code": "0000000000000", "price": "x"}, []),
        ({"code": "7" * 65, "price": "5"}, []),
    ],
)
def test_a_row_that_is_rejected_still_lists_its_code(row: dict[str, str | None], listed: list[str]) -> None:
    taken = take(row, {**MILK, "code": "2"})

    assert taken.rows["code"].to_list() == ["2"]
    assert sum(taken.reasons.values()) == 1
    assert taken.listed_only.select("code", "price").rows() == [(code, None) for code in listed]


def test_a_code_with_a_readable_row_is_not_listed_a_second_time() -> None:
    rows = [{**MILK, "price": "חינם"}, {"code": "1", "price": "x"}, {"code": "1", "price": "y"}]

    taken = take({**MILK}, *rows)

    assert taken.rows["code"].to_list() == [MILK["code"]]
    assert taken.listed_only.select("row_number", "code").rows() == [(4, "1")]


@pytest.mark.parametrize(
    ("column", "text", "why"),
    [
        ("store_id", None, "no_store"),
        ("store_id", "ראשי", "bad_number"),
        ("store_id", "99999999999", "out_of_range"),
        ("chain_id", "", "no_chain"),
    ],
)
def test_a_store_that_cannot_be_taken_has_a_reason(column: str, text: str | None, why: str) -> None:
    assert reason(column, text, document=Document.STORES) == why


@pytest.mark.parametrize(
    ("column", "text", "read"),
    [("check_digit", "א", None), ("store_type", "חנות", None), ("sub_chain_id", "דיל", 0)],
)
def test_a_store_stays_without_its_optional_fields(column: str, text: str, read: object) -> None:
    taken = take({**BARE, column: text}, document=Document.STORES)

    assert taken.rows.select("store_id", column).rows() == [(1, read)]
    assert (taken.reasons, taken.unreadable) == ({}, {column: 1})


@pytest.mark.parametrize(
    "text", ["לא ידוע", " לא ידוע ", "Unknown ", "0=אין", "אין     ", "", "  ", "---", ","]
)
@pytest.mark.parametrize(
    "column", ["manufacturer", "quantity", "quantity_in_package", "status", "price_set_at", "is_weighted"]
)
def test_words_for_not_known_are_null_in_any_column(column: str, text: str) -> None:
    assert value(column, text) is None


@pytest.mark.parametrize("column", ["name", "manufacturer", "unit_quantity", "unit_of_measure"])
@pytest.mark.parametrize("text", ["0000000000", "00000", "''"])
def test_what_stands_for_nothing_is_no_name_and_no_unit(column: str, text: str) -> None:
    assert take({"code": "1", "price": "5", column: text}).rows[column].to_list() == [None]


def test_a_code_of_zeros_is_no_product() -> None:
    taken = take({"code": "0000000000000", "price": "5"}, {"code": "0042", "price": "5"})

    assert taken.rows["code"].to_list() == ["0042"]
    assert taken.reasons == {"no_code": 1}


def test_a_number_in_words_stands_beside_real_numbers() -> None:
    taken = take({**MILK, "quantity": "לא ידוע"}, {**MILK, "code": "2", "quantity": "750.00"})

    assert taken.rows["quantity"].to_list() == [None, Decimal("750.0000")]


def test_long_unit_prices_are_rounded_and_said_to_be() -> None:
    taken = take({**MILK, "published_unit_price": "0.33333333"})

    assert taken.rows["published_unit_price"].to_list() == [Decimal("0.3333")]
    assert taken.notes == ("rounded_numbers",)
    assert take({**MILK, "published_unit_price": "0.3300000"}).notes == ()


@pytest.mark.parametrize(
    ("text", "flag"), [("1", True), ("0", False), ("true", True), (" 0 ", False), ("כן", True)]
)
def test_flags(text: str, flag: object) -> None:
    assert value("allows_discount", text) is flag


@pytest.mark.parametrize("code", ["0042", "729*0106722415", "00000000000017", "12345678901234567"])
def test_codes_are_kept_as_published(code: str) -> None:
    assert value("code", f" {code} ") == code


@pytest.mark.parametrize(("text", "store"), [("1", 1), ("001", 1), ("0037", 37), ("5304", 5304), ("0", 0)])
def test_store_ids_are_integers(text: str, store: int) -> None:
    taken = take({**BARE, "store_id": text}, document=Document.STORES)

    assert taken.rows.select("store_id", "sub_chain_id").rows() == [(store, 0)]


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("text", "timestamp"),
    [
        ("2026-11-23 07:00:05", "2026-11-23T05:00:05"),
        ("2026-11-23 07:00", "2026-11-23T05:00:00"),
        ("2026-11-23", "2026-11-22T22:00:00"),
        ("2026/11/23 07:00", "2026-11-23T05:00:00"),
        ("2026-11-23T07:00:05", "2026-11-23T05:00:05"),
        ("2026-11-23T07:00:05.123", "2026-11-23T05:00:05.123"),
        ("23/11/2026", "2026-11-22T22:00:00"),
        ("23/11/2026 07:00:05", "2026-11-23T05:00:05"),
        ("23/11/2026 07:00", "2026-11-23T05:00:00"),
        ("20261123", "2026-11-22T22:00:00"),
        ("Dec 29 2014 12:0", "2014-12-29T10:00:00"),
        ("2055-01-01", "2054-12-31T22:00:00"),
        ("2026-08-01 07:00", "2026-08-01T04:00:00"),  # summer time
        ("2026-03-27 02:30", "2026-03-27T00:30:00"),  # the hour that spring skips
        ("2026-10-25 01:30", "2026-10-24T22:30:00"),  # the hour that autumn repeats: its first passing
        ("2026-11-23T05:00:05Z", "2026-11-23T05:00:05"),
        ("2026-11-23 05:00Z", "2026-11-23T05:00:00"),
        ("2026-11-23T05:00:05.123Z", "2026-11-23T05:00:05.123"),
        ("2026-11-23T07:00:05+02:00", "2026-11-23T05:00:05"),
        ("2026-08-01T07:00:05+03:00", "2026-08-01T04:00:05"),
        ("2026-08-01T06:00:05+02:00", "2026-08-01T04:00:05"),  # another zone than Israel's that day
        ("2026-11-22T21:30:00-07:30", "2026-11-23T05:00:00"),
        ("2026-11-23T07:00:05.1234567+0200", "2026-11-23T05:00:05.123456"),
        ("2026-11-23 07:00:05 +02", "2026-11-23T05:00:05"),
        ("2026-10-25T01:30:00+02:00", "2026-10-24T23:30:00"),  # the repeated hour: its second passing
        ("2026-11-23 24:00", "2026-11-23T22:00:00"),
        ("2026-11-23 24:00:00", "2026-11-23T22:00:00"),
        ("2026-12-31T24:00:00", "2026-12-31T22:00:00"),
        ("23.11.2026", "2026-11-22T22:00:00"),
        ("23.11.2026 07:00", "2026-11-23T05:00:00"),
        ("3.1.2026 7:05:09", "2026-01-03T05:05:09"),
        ("23-11-2026 07:00", "2026-11-23T05:00:00"),
        ("20261123 07:00", "2026-11-23T05:00:00"),
    ],
)
def test_every_form_of_date_is_civil_time_of_israel(text: str, timestamp: str) -> None:
    assert value("price_set_at", text) == datetime.fromisoformat(timestamp).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "1899-12-30",
        "1899-12-30 00:00:00",
        "0001-01-01T00:00:00",
        "1900-01-01",
        "01/01/1900",
        "30.12.1899",
        "0001-01-01T00:00:00Z",
    ],
)
def test_how_programs_write_never_is_not_known(text: str) -> None:
    assert value("price_set_at", text) is None


def test_forms_may_be_mixed_in_one_file() -> None:
    texts = [
        "2026-11-23 07:00",
        "23/11/2026 07:00:00",
        None,
        "2026-11-23T07:00:00.000",
        " 2026/11/23 07:00 ",
        "1899-12-30",
    ]

    texts += ["23.11.2026 07:00", "2026-11-23T05:00:00Z", "20261123070000", "x", "2026-11-22 24:00"]

    taken = take(*({**MILK, "code": str(n), "price_set_at": text} for n, text in enumerate(texts)))

    at_seven = datetime(2026, 11, 23, 5, tzinfo=UTC)
    midnight = at_seven - timedelta(hours=7)
    assert taken.rows["price_set_at"].to_list() == [
        *(at_seven, at_seven, None, at_seven, at_seven, None),
        *(at_seven, at_seven, at_seven, None, midnight),
    ]


FORMS = [
    "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.000",
    "%d/%m/%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
]


@given(
    timestamp=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001 - as chains write it
    form=st.sampled_from(FORMS),
)
@settings(max_examples=200)
def test_any_israeli_moment_survives_in_any_form(timestamp: datetime, form: str) -> None:
    read = value("price_set_at", timestamp.strftime(form))

    civil = timestamp.replace(microsecond=0, tzinfo=ISRAEL)
    is_skipped = civil.astimezone(UTC).astimezone(ISRAEL).replace(tzinfo=None) != civil.replace(tzinfo=None)
    expected = civil.replace(tzinfo=None) - timedelta(hours=2) if is_skipped else civil.astimezone(UTC)
    assert read.replace(tzinfo=None) == expected.replace(tzinfo=None)


# ---------------------------------------------------------------- rows


def test_the_last_statement_about_an_article_counts() -> None:
    taken = take(
        {**MILK, "price": "7.10"},
        {**MILK, "code": "0042"},
        {**MILK, "price": "6.90"},
        {**MILK, "price": "חינם"},
    )

    assert taken.rows.select("row_number", "code", "price").rows() == [
        (2, "0042", Decimal("7.1000")),
        (3, "7290000042640", Decimal("6.9000")),
    ]
    assert (taken.duplicates, taken.reasons) == (1, {"bad_price": 1})


def test_an_item_id_tells_two_articles_of_one_code_apart() -> None:
    taken = take(
        {**MILK, "article": "5572"}, {**MILK, "article": "140128"}, {**MILK, "article": "5572", "price": "1"}
    )

    assert taken.rows.select("article", "price").rows() == [
        ("140128", Decimal("7.1000")),
        ("5572", Decimal("1.0000")),
    ]
    assert taken.duplicates == 1


def test_stores_of_two_sub_chains_may_share_a_number() -> None:
    taken = take(
        {**BARE, "sub_chain_id": "1", "name": "א"},
        {**BARE, "sub_chain_id": "2", "name": "ב"},
        {**BARE, "sub_chain_id": "001", "name": "ג"},
        document=Document.STORES,
    )

    assert taken.rows["name"].to_list() == ["ב", "ג"]
    assert taken.duplicates == 1


def test_samples_show_the_first_of_each_reason_before_the_second_of_any() -> None:
    rows: list[dict[str, str | None]] = [
        {"code": str(n), "price": "x", "name": "חלב" * 200} for n in range(50)
    ]
    rows[40]["price"] = None
    rows[45]["code"] = None

    taken = take(*rows)

    assert taken.reasons == {"bad_price": 48, "no_code": 1, "no_price": 1}
    assert len(taken.samples) == 20
    assert {sample.reason for sample in taken.samples} == set(taken.reasons)
    assert [sample.row_number for sample in taken.samples] == sorted(
        sample.row_number for sample in taken.samples
    )
    assert all("price=x" in sample.sample for sample in taken.samples if sample.reason == "bad_price")
    assert all(len(sample.sample) <= 300 for sample in taken.samples)


def test_nothing_in_gives_nothing_out_with_the_models_types() -> None:
    taken = normalize(pl.DataFrame(schema={"row_number": pl.Int32}), Document.STORES)

    assert len(taken.rows) == 0
    assert taken.rows.schema["store_id"] == pl.Int32
    assert taken.rows.schema["name"] == pl.String
