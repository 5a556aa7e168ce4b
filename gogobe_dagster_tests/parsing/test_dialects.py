"""Every dialect and encoding says the same about the same milk, bread and shops, with either reader."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.dialects import ALL, PRICES, PROMOTIONS, STORES
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.parsing.layout_detection import detect_layout
from gogobe_dagster.parsing.lxml.reader import read_with_lxml
from gogobe_dagster.parsing.model import OFFER_ITEM
from gogobe_dagster.parsing.model import PRICES as PRICES_MODEL
from gogobe_dagster.parsing.model import PROMOTIONS as PROMOTIONS_MODEL
from gogobe_dagster.parsing.model import STORES as STORES_MODEL
from gogobe_dagster.parsing.normalization import normalize
from gogobe_dagster_tests.parsing.documents import (
    BREAD,
    CHAIN,
    MILK,
    PRICE_DIALECTS,
    PRICES_NAME,
    STORE_DIALECTS,
    STORES_NAME,
    prices,
)

LIMIT = 1 << 24


def parse(document: str | bytes, *, name: str = PRICES_NAME) -> ParsedFile:
    data = document.encode() if isinstance(document, str) else document
    return read_file(data, name=name, limit=LIMIT)


def carefully(document: str) -> pl.DataFrame:
    layout = detect_layout(document.encode())
    assert layout
    raw = read_with_lxml(document.encode(), layout)
    return normalize(raw.rows, layout.dialects.document).rows


@pytest.mark.parametrize("dialect", PRICE_DIALECTS)
def test_every_price_dialect_says_the_same_about_the_same_milk(dialect: str) -> None:
    file = parse(PRICE_DIALECTS[dialect])

    milk, bread = file.rows.rows(named=True)
    assert file.document is Document.PRICES
    assert file.rows.columns == [name for name in PRICES_MODEL.names if name != "file_id"]
    assert milk == {
        "row_number": 1,
        "code": "7290000042640",
        "article": "5522" if dialect in {"classic", "flat, Bina", "a namespace", "a data set"} else None,
        "is_barcode": None if dialect == "order form" else True,
        "name": "חלב תנובה 3% & ויטמין D",
        "manufacturer": "תנובה",
        "country": None,
        "description": "חלב 1 ליטר",
        "unit_quantity": "ליטר",
        "quantity": Decimal("1.0000"),
        "unit_of_measure": '100 מ"ל',
        "is_weighted": False,
        "quantity_in_package": None,
        "price": Decimal("7.1000"),
        "published_unit_price": Decimal("0.7100"),
        "allows_discount": True,
        "status": 1,
        "price_set_at": datetime(2026, 11, 23, 5, 0, 5, tzinfo=UTC),
        "last_sold_at": datetime(2026, 8, 23, 14, 50, 22, 123000, tzinfo=UTC)
        if dialect == "upper-case ids"
        else None,
    }
    assert (bread["row_number"], bread["code"], bread["price"]) == (2, "0042", Decimal("6.5000"))
    assert file.report.unknown == {}


@pytest.mark.parametrize(
    ("tag", "spelling"),
    [
        ("ItemName", "ItemNm"),
        ("ManufacturerName", "ManufactureName"),
        ("ManufacturerItemDescription", "ManufactureItemDescription"),
        ("UnitOfMeasure", "UnitMeasure"),
        ("bIsWeighted", "blsWeighted"),
        ("UnitOfMeasurePrice", "UnitPrice"),
        ("PriceUpdateDate", "PriceUpdateTime"),
    ],
)
def test_an_element_is_read_under_each_of_its_spellings(tag: str, spelling: str) -> None:
    document = prices(*({spelling if name == tag else name: text for name, text in MILK.items()},) * 2)

    assert_frame_equal(parse(document).rows, parse(prices(MILK, MILK)).rows)
    assert_frame_equal(carefully(document), carefully(prices(MILK, MILK)))
    assert parse(document).report.unknown == {}


@pytest.mark.parametrize("dialect", [name for name in PRICE_DIALECTS if name != "a data set"])
def test_the_header_says_whose_prices_they_are(dialect: str) -> None:
    header = parse(PRICE_DIALECTS[dialect]).header

    assert (header.chain_id, header.sub_chain_id, header.store_id) == (CHAIN, 1, 1)


@pytest.mark.parametrize("dialect", STORE_DIALECTS)
def test_every_stores_dialect_says_the_same_about_the_same_shops(dialect: str) -> None:
    file = parse(STORE_DIALECTS[dialect], name=STORES_NAME)

    expected: dict[str, Any] = {
        "row_number": 1,
        "chain_id": CHAIN,
        "chain_name": "רמי לוי",
        "sub_chain_id": 2,
        "sub_chain_name": "דיל",
        "store_id": 1,
        "check_digit": 6,
        "store_type": 1,
        "name": "תלפיות",
        "address": "האומן 15",
        "city": "3000",
        "zip_code": None,
    }
    assert file.document is Document.STORES
    assert file.rows.columns == [name for name in STORES_MODEL.names if name != "file_id"]
    assert file.rows.row(0, named=True) == expected
    assert file.rows.select("store_id", "address", "city").row(1) == (37, None, "ירושלים")
    assert file.header.chain_id == CHAIN
    assert file.report.unknown == {}


@pytest.mark.parametrize("document", [*PRICE_DIALECTS.values(), *STORE_DIALECTS.values()])
def test_both_readers_agree(document: str) -> None:
    assert_frame_equal(parse(document, name=STORES_NAME).rows, carefully(document))


def test_the_fast_reader_takes_every_dialect() -> None:
    everything = {**PRICE_DIALECTS, **STORE_DIALECTS}

    readers = {parse(text, name=STORES_NAME).report.reader for text in everything.values()}

    assert readers == {"fast"}


@pytest.mark.parametrize("layout", ["pretty", "pretty, CRLF", "one line a row", "no space at all"])
def test_white_space_between_elements_means_nothing(layout: str) -> None:
    text = prices(MILK, BREAD, {**MILK, "ItemCode": "3", "ItemStatus": "", "AllowDiscount": "\n  "})
    texts = {
        "pretty": text.replace("><", ">\n    <"),
        "pretty, CRLF": text.replace("><", ">\r\n\t<"),
        "one line a row": text,
        "no space at all": text.replace(">\n", ">").replace("\n<", "<"),
    }

    file = parse(texts[layout])

    assert file.report.reader == "fast"
    assert_frame_equal(file.rows, parse(text).rows)
    assert file.rows["status"].to_list() == [1, 1, None]


@pytest.mark.parametrize(
    ("encoding", "declaration"),
    [
        ("utf-8", ""),
        ("utf-8-sig", '<?xml version="1.0" encoding="utf-8"?>'),
        ("utf-16", ""),
        ("utf-16-be", ""),
        ("cp1255", '<?xml version="1.0" encoding="utf-8"?>'),
        ("cp1255", '<?xml version="1.0" encoding="ISO-8859-8" standalone="no" ?>'),
        ("cp1255", '<?xml version="1.0" encoding="windows-1255"?>'),
        ("utf-8", '<?xml version="1.0" encoding="ISO-8859-8"?>'),
    ],
)
def test_every_encoding_gives_the_same_rows(encoding: str, declaration: str) -> None:
    text = PRICE_DIALECTS["classic"]

    file = parse((declaration + text).encode(encoding))

    assert_frame_equal(file.rows, parse(text).rows)


def test_stores_of_several_sub_chains_keep_their_own() -> None:
    start, stores = STORE_DIALECTS["nested"].split("<SubChains>")
    first = stores.split("</SubChains>")[0]
    other = first.replace("<SubChainId>2</SubChainId>", "<SubChainId>15</SubChainId>").replace("דיל", "יש")
    empty = "<SubChain><SubChainId>9</SubChainId><Stores/></SubChain>"
    document = f"{start}<SubChains>{first}{empty}{other}</SubChains></Root>"

    file = parse(document, name=STORES_NAME)

    assert file.rows.select("sub_chain_id", "sub_chain_name", "store_id").rows() == [
        (2, "דיל", 1),
        (2, "דיל", 37),
        (15, "יש", 1),
        (15, "יש", 37),
    ]


def test_a_document_is_what_it_says_and_not_what_its_name_says() -> None:
    assert parse(PRICE_DIALECTS["classic"], name=STORES_NAME).document is Document.PRICES
    assert parse(STORE_DIALECTS["nested"], name=PRICES_NAME).document is Document.STORES


def test_the_name_says_the_chain_where_a_stores_document_does_not() -> None:
    silent = STORE_DIALECTS["flat, lower case"].replace(f"<ChainId>{CHAIN}</ChainId>", "<ChainId/>")

    assert parse(silent, name=STORES_NAME).rows["chain_id"].to_list() == [CHAIN, CHAIN]
    assert parse(silent, name="stores.xml").report.reasons == {"no_chain": 2}


def test_the_tables_of_dialects_and_the_model_speak_of_the_same_columns() -> None:
    given = {"file_id", "row_number"}
    assert set(PRICES.columns) == set(PRICES_MODEL.names) - given
    assert set(STORES.columns) == set(STORES_MODEL.names) - given
    parts = {"start_date", "start_hour", "end_date", "end_hour"}
    assert set(PROMOTIONS.columns) - parts == set(PROMOTIONS_MODEL.names) - given - {"content_hash", "items"}
    assert PROMOTIONS.nested
    assert list(PROMOTIONS.nested.item_columns) == OFFER_ITEM.names
    for dialects in ALL:
        tags = [tag for known in dialects.columns.values() for tag in known]
        assert len(tags) == len(set(tags))
        assert all(tag == tag.lower() for tag in (*tags, *dialects.ignored, *dialects.identifying_tags))
