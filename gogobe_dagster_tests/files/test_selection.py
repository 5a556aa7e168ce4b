"""Which files a partial run takes, by names as portals print them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest

from gogobe_dagster.clock import day_of
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.files.names import FileName
from gogobe_dagster.files.selection import FileSelection, parse_kind

STORE_LIST = "Stores7290058140886-000-20260827-050010.xml"
FULL_1 = "PriceFull7290058140886-001-001-20260827-020010.gz"
FULL_39_OLD_FORM = "PriceFull7290058140886-039-202608270200.gz"
FULL_39 = "PriceFull7290058140886-001-039-20260827-100010.gz"
DELTA_39 = "Price7290058140886-001-039-20260827-110010.gz"
LATER_DELTA_39 = "Price7290058140886-001-039-20260827-120010.gz"
PROMOS_39 = "PromoFull7290058140886-001-039-20260827-020010.gz"
ONLINE = "pricefull7290058140886-760-202608270003.gz"
DAY = [STORE_LIST, FULL_1, FULL_39_OLD_FORM, FULL_39, DELTA_39, LATER_DELTA_39, PROMOS_39, ONLINE]


@dataclass(frozen=True)
class Listed:
    """A file as its name describes it."""

    name: str
    kind: FileKind | None
    chain_id: str | None
    sub_chain_id: int | None
    store_id: int | None
    publication_day: date
    published_at: datetime | None


def listed(name: str) -> Listed:
    parsed = FileName.parse(name)
    day, ids = day_of(parsed.published_at), (parsed.chain_id, parsed.sub_chain_id, parsed.store_id)
    return Listed(name, parsed.kind, *ids, publication_day=day, published_at=parsed.published_at)


def taken(names: list[str], **values: Any) -> set[str]:
    selection = FileSelection.of_values(values)
    files, reverse = (
        {file.name for file in selection.take(map(listed, order))} for order in (names, names[::-1])
    )
    assert files == reverse, "the order of a listing does not matter"
    return files


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, set(DAY)),
        ({"kinds": ["prices"]}, {DELTA_39, LATER_DELTA_39}),
        ({"kinds": ["prices-full", "stores"]}, {STORE_LIST, FULL_1, FULL_39_OLD_FORM, FULL_39, ONLINE}),
        ({"kinds": ["full_promotions"]}, {PROMOS_39}),
        ({"stores": [760]}, {STORE_LIST, ONLINE}),
        ({"stores": [760], "kinds": ["prices-full"]}, {ONLINE}),
        ({"stores": [1, 760], "kinds": ["prices-full"]}, {FULL_1, ONLINE}),
        ({"name": "PriceFull*-760-*"}, {ONLINE}),
        ({"name": "*-0[0-9]9-20260827-1[12]*"}, {DELTA_39, LATER_DELTA_39}),
        ({"newest": True}, {STORE_LIST, FULL_1, FULL_39, LATER_DELTA_39, PROMOS_39, ONLINE}),
        ({"newest": True, "stores": [39], "kinds": ["prices"]}, {LATER_DELTA_39}),
        ({"limit": 1}, {STORE_LIST}),
        ({"limit": 2}, {STORE_LIST, FULL_39}),
        ({"limit": 1, "kinds": ["prices"]}, {LATER_DELTA_39}),
        ({"limit": 100}, set(DAY)),
    ],
)
def test_restrictions_narrow_each_other(values: dict[str, Any], expected: set[str]) -> None:
    assert taken(DAY, **values) == expected


def test_stores_of_one_number_in_two_sub_chains_are_two_stores() -> None:
    names = [
        "PriceFull7290058140886-001-039-20260827-020010.gz",
        "PriceFull7290058140886-002-039-20260827-030010.gz",
    ]

    assert taken(names, newest=True) == set(names)


def test_every_day_has_a_limit_of_its_own() -> None:
    day_before = [name.replace("20260827", "20260826") for name in DAY]

    assert len(taken([*DAY, *day_before], limit=2)) == 4
    assert len(taken([*DAY, *day_before], newest=True)) == 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [("price-full", "prices-full"), ("promo", "promos"), ("store", "stores"), ("Promos-ful", "promos-full")],
)
def test_an_unknown_kind_is_answered_with_the_nearest(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=f"Did you mean '{expected}'"):
        parse_kind(text)


@pytest.mark.parametrize("values", [{"limit": 0}, {"stores": [3, -1]}, {"kinds": ["everything"]}])
def test_values_that_mean_nothing_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least 1|not negative|not a kind"):
        FileSelection.of_values(values)


def test_a_selection_survives_the_configuration_of_a_run() -> None:
    values = {"kinds": ["prices-full"], "stores": [39], "name": "*.gz", "newest": True, "limit": 3}
    selection = FileSelection.of_values(values)

    assert selection.values == values
    assert str(selection) == "kinds prices-full; stores 39; name *.gz; newest; limit 3"
    assert not FileSelection().is_partial
