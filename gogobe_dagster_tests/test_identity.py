"""The chain and store of a file: from its header, then from its name, then from the register."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.names import FileName
from gogobe_dagster.identity import classify_listing, identify
from gogobe_dagster.parsing.file_reader import read_file
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.warehouse.ledger.model import LedgerFile, ListedFile
from gogobe_dagster_tests.warehouse.making import NOON

CITY, KESHET = "city_market_shops", "keshet"


def known(feed_key: str, name: str) -> LedgerFile:
    """A file in the ledger after it was listed."""
    feed, remote = find_feed(feed_key), RemoteFile(name=name, link="/1")
    day = FileName.parse(name).published_at.date()
    seen = classify_listing(remote, feed, now=NOON, requested=[day], stale_after=timedelta(days=3))
    assert seen.problem is None
    listed = {
        field.name: getattr(seen, field.name) for field in fields(ListedFile) if field.name != "problem"
    }
    unknown = {field.name: None for field in fields(LedgerFile)}
    return LedgerFile(**{**unknown, **listed, "id": 1, "feed": feed_key})


def list_of(chain_id: str, stores: Sequence[int]) -> bytes:
    rows = "".join(f"<Store><StoreId>{store}</StoreId><StoreName>א</StoreName></Store>" for store in stores)
    sub_chain = f"<SubChain><SubChainId>0</SubChainId><Stores>{rows}</Stores></SubChain>"
    return f"<Root><ChainId>{chain_id}</ChainId><SubChains>{sub_chain}</SubChains></Root>".encode()


@pytest.mark.parametrize(
    ("feed", "numbers", "stores", "about"),
    [
        (CITY, "-000-079", [79], 79),
        (CITY, "-000-079", [], 79),
        (CITY, "-000", [79], 79),  # nobody has told for sure that its names say whose list it is
        (CITY, "-079", [79], 79),
        (CITY, "-000-000", [79], 79),
        (CITY, "-000", [79, 80], None),
        (KESHET, "-000-007", [7], 7),
        (KESHET, "-000-007", [7, 8], None),  # the rows say more than the name
        (KESHET, "-000", [7], None),
        (KESHET, "-000-000", [7, 8], None),
    ],
)
def test_a_store_list_with_one_store_in_name_and_rows_is_about_that_store(
    feed: str, numbers: str, stores: list[int], about: int | None
) -> None:
    chain_id = find_feed(feed).chain_id
    file = known(feed, f"Stores{chain_id}{numbers}-20261123-050000.xml")
    parsed = read_file(list_of(chain_id, stores), name=file.name, limit=1 << 20)

    assert identify(file, parsed, find_feed(feed)).store_id == about


def prices_of(sub_chain: str, store: str = "012") -> bytes:
    item = "<Item><ItemCode>7290000000015</ItemCode><ItemPrice>7.10</ItemPrice></Item>"
    header = f"<ChainId>7290058160839</ChainId><SubChainId>{sub_chain}</SubChainId><StoreId>{store}</StoreId>"
    return f"<Root>{header}<Items>{item}</Items></Root>".encode()


@pytest.mark.parametrize(
    ("in_name", "in_document", "expected"),
    [("000", "000", 0), ("009", "000", 9), ("000", "009", 9), ("009", "", 9), ("009", "ראשי", 9)],
)
def test_a_sub_chain_of_zero_nothing_or_text_gives_way_to_the_other(
    in_name: str, in_document: str, expected: int
) -> None:
    file = known("netiv_hahesed", f"Price7290058160839-{in_name}-012-20261123-052500.GZ")
    prices = read_file(prices_of(in_document), name="Price7290058160839-012-202611230525.gz", limit=1 << 20)

    about = identify(file, prices, find_feed("netiv_hahesed"))

    assert (about.sub_chain_id, about.store_id, about.notes) == (expected, 12, ())


@pytest.mark.parametrize(
    ("in_name", "in_document", "expected", "notes"),
    [
        ("039", "0", 39, ("store_mismatch",)),
        ("040", "0", 40, ("store_mismatch",)),
        ("039", "", 39, ()),
        ("039", "039", 39, ()),
        ("039", "40", 40, ("store_mismatch",)),
        ("000", "40", 40, ()),
        ("000", "0", 0, ()),
    ],
)
def test_a_store_id_of_zero_gives_way_to_the_name_and_a_disagreement_is_noted(
    in_name: str, in_document: str, expected: int, notes: tuple[str, ...]
) -> None:
    file = known("netiv_hahesed", f"Price7290058160839-009-{in_name}-20261123-052500.GZ")
    prices = read_file(
        prices_of("009", in_document), name="Price7290058160839-012-202611230525.gz", limit=1 << 20
    )

    about = identify(file, prices, find_feed("netiv_hahesed"))

    assert (about.store_id, about.notes) == (expected, notes)


@pytest.mark.corpus
def test_a_header_of_empty_fields_leaves_chain_and_store_to_the_name(corpus: Path) -> None:
    [file] = corpus.rglob("PriceFull7290000000003-065-202408182129.xml.gz")
    parsed = read_file(file.read_bytes(), name=file.name, limit=1 << 20)

    about = identify(known(CITY, file.name), parsed, find_feed(CITY))

    assert (about.chain_id, about.sub_chain_id, about.store_id) == ("7290000000003", 0, 65)
