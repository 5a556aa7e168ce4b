"""Files that are read together are what each is on its own: rows, report, header, refusal."""

import gzip
import re
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.batch_reader import MAX_BATCH_BYTES, MAX_BATCH_FILES, read_files
from gogobe_dagster.parsing.fast.entry import FastReader
from gogobe_dagster.parsing.fast.product_text_cache import find_cached_fields
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.parsing.layout_detection import detect_layout
from gogobe_dagster_tests.parsing.documents import (
    BREAD,
    MILK,
    PRICE_DIALECTS,
    PRICES_NAME,
    STORE_DIALECTS,
    STORES_NAME,
    prices,
)

pytestmark = pytest.mark.slow

LIMIT = 1 << 24
LARGE = prices(*({**MILK, "ItemCode": str(number)} for number in range(400)))
ODD = {
    "no price": prices(MILK, {**BREAD, "ItemPrice": ""}),
    "a date that is none": prices(MILK, {**BREAD, "PriceUpdateDate": "21/37/2026 17:37:22"}),
    "the same code twice": prices(MILK, {**BREAD, "ItemCode": MILK["ItemCode"], "ItemId": MILK["ItemId"]}),
    "five decimals": prices(MILK, {**BREAD, "UnitOfMeasurePrice": "0.71005"}),
    "another form of date": prices({**MILK, "PriceUpdateDate": "2026/11/23 07:00"}, BREAD),
    "never": prices({**MILK, "PriceUpdateDate": "1899-12-30 00:00:00"}, BREAD),
    "blanks": prices({**MILK, "ItemName": "  חלב ", "ItemPrice": " 7.10 "}, BREAD),
    "a control character": prices({**MILK, "ItemName": "חלב&#9;3%"}),
    "a field that nobody reads": prices({**MILK, "Kosher": "כן"}),
    "an empty field that nobody reads": prices({**MILK, "Kosher": ""}),
    "a comment": prices(MILK).replace("</Items>", "<!-- odd --></Items>"),
    "another number of rows": prices(MILK, count=7),
    "no rows": prices(),
    "a torn row": prices(MILK, BREAD).replace("</ItemCode>", "", 1),
    "cut": prices(MILK, BREAD)[:-60],
    "a web page": "<html><body>login</body></html>",
    "nothing": "",
    "a document type": "<!DOCTYPE Root>" + prices(MILK),
    "nested": prices(MILK)
    .replace("<ItemName>", "<ItemName>" * 40)
    .replace("</ItemName>", "</ItemName>" * 40),
    "large": LARGE,
}


def outcome(name: str, data: bytes) -> ParsedFile | ContentError:
    try:
        return read_file(data, name=name, limit=LIMIT)
    except ContentError as error:
        return error


def assert_the_same(files: Sequence[tuple[str, bytes]], *, at_once: int = MAX_BATCH_BYTES) -> None:
    together = list(
        read_files(files, limit=LIMIT, max_batch_bytes=at_once, fast=FastReader(min_cached_bytes=0))
    )
    assert len(together) == len(files)
    for (name, data), read in zip(files, together, strict=True):
        alone = outcome(name, data)
        if isinstance(alone, ContentError):
            assert isinstance(read, ContentError)
            assert (read.code, read.reason) == (alone.code, alone.reason)
        else:
            assert isinstance(read, ParsedFile)
            assert_frame_equal(read.rows, alone.rows)
            assert (read.document, read.header, read.report) == (alone.document, alone.header, alone.report)
            assert_frame_equal(read.listed_only, alone.listed_only)


def test_every_dialect_and_every_oddity_between_ordinary_files() -> None:
    documents = [*PRICE_DIALECTS.values(), *ODD.values(), *PRICE_DIALECTS.values(), prices(BREAD)]
    files = [(PRICES_NAME, gzip.compress(document.encode())) for document in documents]
    files[3:3] = [(STORES_NAME, document.encode()) for document in STORE_DIALECTS.values()]

    assert_the_same(files)


def test_more_files_than_are_read_at_once_come_back_in_their_order() -> None:
    files = [
        (PRICES_NAME, prices(*[{**MILK, "ItemCode": str(number)}] * (1 + number % 3)).encode())
        for number in range(MAX_BATCH_FILES * 2 + 1)
    ]

    read = [
        result
        for result in read_files(files, limit=LIMIT, fast=FastReader(min_cached_bytes=0))
        if isinstance(result, ParsedFile)
    ]

    assert [result.rows["code"].to_list() for result in read] == [
        [str(number)] for number in range(len(files))
    ]
    assert [result.report.duplicates for result in read[:4]] == [0, 1, 2, 0]


def test_a_file_that_is_lost_is_handed_through_and_no_files_are_none() -> None:
    lost = ContentError(Code.RAW_FILE_MISSING, "gone")

    read = list(read_files([(PRICES_NAME, lost), (PRICES_NAME, prices(MILK).encode())], limit=LIMIT))

    assert read[0] is lost
    assert isinstance(read[1], ParsedFile)
    assert list(read_files([], limit=LIMIT)) == []


def test_a_document_with_the_tags_of_another_and_another_nesting_is_not_taken_for_it() -> None:
    plain = prices(MILK, BREAD)
    moved = plain.replace("<ItemPrice>6.5</ItemPrice>", "").replace(
        "</Items>", "<ItemPrice>6.5</ItemPrice></Items>"
    )
    inside = plain.replace("<ItemId>17</ItemId>", "").replace("לחם אחיד", "לחם <ItemId>17</ItemId>")

    assert_the_same([(PRICES_NAME, document.encode()) for document in (plain, moved, plain, inside)])


@given(oddities=st.lists(st.sampled_from(sorted(ODD)), min_size=2, max_size=6))
@settings(max_examples=8, deadline=None)
def test_odd_files_do_not_spoil_their_neighbours(oddities: list[str]) -> None:
    assert_the_same([(PRICES_NAME, ODD[name].encode()) for name in oddities])


@given(cuts=st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255)), min_size=3, max_size=3))
@settings(max_examples=10, deadline=None)
def test_one_wrong_byte_in_each_of_some_files(cuts: list[tuple[int, int]]) -> None:
    files = []
    for (place, byte), document in zip(cuts, PRICE_DIALECTS.values(), strict=False):
        data = bytearray(document.encode())
        data[place % len(data)] = byte
        files.append((PRICES_NAME, bytes(data)))

    assert_the_same([*files, *files])


@pytest.mark.corpus
def test_every_small_real_file_is_what_it_is_alone(corpus: Path) -> None:
    paths = [path for path in sorted((corpus / "files").rglob("*")) if path.is_file()]
    small = [path for path in paths if path.stat().st_size < 60_000]
    names = [path.name for path in small]

    # every second one again, so that layouts meet files that they were not learned from
    order = [number for half, number in product((0, 1), range(len(small))) if half == 0 or number % 2]
    assert_the_same([(names[number], small[number].read_bytes()) for number in order])
    assert len(small) > 80


# ---------------------------------------------------------------- words that are met again

WORDS = [
    {"ItemCode": "1", "ItemName": "חלב"},
    {"ItemCode": "1", "ItemName": "חלב 3%"},
    {"ItemCode": "2", "ItemName": "קפה &amp; סוכר", "ManufacturerName": "&quot;עלית&quot;"},
    {"ItemCode": "3", "ManufactureCountry": "", "QtyInPackage": ""},
    {"ItemCode": " 4 ", "ItemName": "  לחם\n", "Quantity": "1.23456"},
    {"ItemCode": "", "ItemName": "אין קוד"},
    {"ItemCode": "5", "Quantity": "הרבה"},
    {"ItemCode": "6", "ItemName": "x<!-- odd -->"},
    {"ItemCode": "7", "bIsWeighted": "</bIsWeighted><Kosher>1</Kosher><bIsWeighted>"},
    {"ItemCode": "8", "ItemType": "9"},
]
OWN = [
    {},
    {"ItemPrice": "8.90", "ItemId": "77"},
    {"ItemPrice": " 8.90 ", "PriceUpdateDate": "2026/11/23 07:00"},
    {"ItemPrice": "8.90\n", "AllowDiscount": "0"},
    {"UnitOfMeasurePrice": "0.71005"},
    {"ItemPrice": ""},
    {"ItemPrice": "זול"},
    {"ItemId": "a &amp; b"},
    {"PriceUpdateDate": "1899-12-30 00:00:00", "ItemStatus": "לא ידוע"},
    {"ItemStatus": "1</ItemStatus><Colour>red</Colour><ItemStatus>"},
]
# most rows say nothing odd, or no file would be read in the way that is looked at here
ROW = st.builds(
    lambda words, own: {**MILK, **words, **own},
    st.sampled_from(WORDS[:4] * 5 + WORDS),
    st.sampled_from(OWN[:2] * 5 + OWN),
)


def shortened(document: str) -> str:
    """Write empty elements as Matrix does."""
    return re.sub(r"<(\w+)></\1>", r"<\1 />", document)


@given(
    st.lists(st.lists(ROW, min_size=1, max_size=8), min_size=1, max_size=6),
    st.sampled_from([1, 1 << 20]),
    st.sampled_from([str, shortened]),
)
@settings(max_examples=60, deadline=None)
def test_words_that_were_read_before_are_the_same_as_those_read_anew(
    files: list[list[dict[str, str]]], at_once: int, write: Callable[[str], str]
) -> None:
    served = [(PRICES_NAME, write(prices(*rows)).encode()) for rows in files]

    assert_the_same(served, at_once=at_once)


def test_fields_that_a_chain_leaves_empty_are_words_too() -> None:
    empty = {"ManufactureCountry": "", "ManufacturerItemDescription": "", "QtyInPackage": ""}
    document = shortened(prices({**MILK, **empty})).encode()
    layout = detect_layout(document)

    assert layout is not None
    fields = find_cached_fields(document, layout)

    assert fields is not None
    assert fields.columns >= {"country", "description"}
    assert "quantity_in_package" not in fields.columns  # the last text is where the fold ends


MILK_ONCE = {name: text for name, text in MILK.items() if name != "ItemId"}
SHELF = [{**MILK_ONCE, "ItemCode": str(number), "ItemId": "17"} for number in range(50)]
"""Rows whose texts all stand together."""


def test_every_store_of_a_chain_says_the_same_of_its_products_and_is_read_once() -> None:
    files = [
        (PRICES_NAME, prices(*({**item, "ItemPrice": f"7.{store}"} for item in SHELF)).encode())
        for store in range(3)
    ]

    read = [
        result
        for result in read_files(files, limit=LIMIT, fast=FastReader(min_cached_bytes=0))
        if isinstance(result, ParsedFile)
    ]

    assert [result.rows["price"].cast(str)[7] for result in read] == ["7.0000", "7.1000", "7.2000"]


def test_a_file_that_says_something_twice_is_not_read_again() -> None:
    twice = [SHELF[7], *SHELF]
    files = [(PRICES_NAME, prices(*rows).encode()) for rows in (SHELF, twice, SHELF)]

    assert_the_same(files)
    read = [
        result
        for result in read_files(files, limit=LIMIT, fast=FastReader(min_cached_bytes=0))
        if isinstance(result, ParsedFile)
    ]

    assert [result.report.duplicates for result in read] == [0, 1, 0]
