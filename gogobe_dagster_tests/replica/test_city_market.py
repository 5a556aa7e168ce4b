"""City Market Shops' portal behaves as described in docs/portals.md, "City Market Shops"."""

import re
from dataclasses import replace

import pytest
from lxml import html

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import NOON, full_prices, get

CHAIN = "7290000000003"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def milk() -> Publication:
    """A small PriceFull as it is listed: without an extension."""
    (file,) = full_prices(CHAIN, (79,))
    return replace(file, name=file.name.removesuffix(".gz"), store_label="חברה, הרצל 1 גבעתיים")


def page(replica: Replica, query: str = "") -> str:
    return get(f"{replica.url}/city_market/{query}").text


def names(replica: Replica, query: str = "") -> list[str]:
    return re.findall(r"<td>(\w+-[^<]+-[0-9]{6})</td>", page(replica, query))


def test_a_row_has_the_cells_of_the_table_and_the_download_says_the_whole_name(replica: Replica) -> None:
    replica.publications("city_market_shops").put(milk())

    cells = html.document_fromstring(page(replica)).iterfind(".//table/tbody/tr/td")
    [link] = re.findall(rf'<a href="(/downloadFile/{UUID})">', page(replica))
    file = get(f"{replica.url}/city_market{link}")

    assert ["".join(map(str, cell.itertext())) for cell in cells] == [
        "11-08-2026 13:19", "חברה, הרצל 1 גבעתיים", milk().name, "מחירים", "מלא", "0.1", "הורדה",
    ]  # fmt: skip
    assert file.content == milk().read()
    assert file.headers["Content-Disposition"] == f'attachment; filename="{milk().name}.xml.gz"'


def test_a_number_lives_as_long_as_its_row_also_when_the_server_starts_anew(replica: Replica) -> None:
    replica.publications("city_market_shops").put(milk())
    [link] = re.findall(f"/downloadFile/{UUID}", page(replica))

    with Replica() as another:
        another.publications("city_market_shops").put(milk())
        assert get(f"{another.url}/city_market{link}").content == milk().read()
        another.publications("city_market_shops").clear()
        assert get(f"{another.url}/city_market{link}").status_code == 404
        assert get(f"{another.url}/city_market/downloadFile/1").status_code == 404


def test_sizes_have_separators_of_thousands(replica: Replica) -> None:
    replica.publications("city_market_shops").put(replace(milk(), content=bytes(1_500_000)))

    assert "<td>1,464.8</td>" in page(replica)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("?p=1", 4),
        ("?d=2026-08-11", 4),
        ("?d=2026-08-12", 0),
        ("?s=079", 3),
        ("?t=1", 2),
        ("?t=2", 1),
        ("?t=3", 1),
        ("?t=1&f=0", 1),
        ("?t=1&f=1", 1),
        ("?p=2", 0),
    ],
)
def test_day_store_document_and_scope_filter(replica: Replica, query: str, rows: int) -> None:
    kinds = [FileKind.PRICES, FileKind.PROMOTIONS, FileKind.STORES]
    others = [
        Publication(
            name=f"{prefix}{CHAIN}-000-{store:03}-20260811-120000",
            content=b"",
            published_at=NOON,
            kind=kind,
            store_id=store,
        )
        for prefix, kind, store in zip(("Price", "Promo", "Stores"), kinds, (79, 79, 80), strict=True)
    ]
    replica.publications("city_market_shops").put(milk(), *others)

    assert len(names(replica, query)) == rows
