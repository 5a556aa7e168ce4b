"""What is chosen for a product from what its chains say, whatever the order; conflicts; countries; counts."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from random import Random

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gogobe_dagster.warehouse.statistics.gs1_prefixes import country_of
from gogobe_dagster.warehouse.statistics.product_choice import CHOSEN, STATEMENTS, choose
from gogobe_dagster.warehouse.statistics.product_conflicts import find_conflicts
from gogobe_dagster.warehouse.statistics.update import update_statistics
from gogobe_dagster_tests.warehouse.making import NOON
from gogobe_dagster_tests.warehouse.warehouse_harness import BREAD, MILK, Market, PriceFile, PriceRow

Statement = Mapping[str, object]
RITZPAZ = [  # 7290014397781, as seven chains name it in the corpus
    "ריצפז פרש הום טבע 2 ל' סנו",
    "ריצפז פרש הום  2ליטר לרצפה",
    "ריצפז פרש הום 2 ליטר",
    "רצפז פרש הום 2 ליטר",
    "ריצפז פרש הום סבון מ",
    "ריצפז פרש הום בניחוח סבון מפנק 2 ל'",
    "ריצפז פרש הום 2לי",
]


def frame(*statements: Statement, key: int = 1) -> pl.DataFrame:
    rows = [{"product_key": key, "chain_id": f"{number}", **said} for number, said in enumerate(statements)]
    return pl.DataFrame([{**dict.fromkeys(STATEMENTS), **row} for row in rows], schema=STATEMENTS)


def names(*some: str) -> pl.DataFrame:
    return frame(*({"name": name} for name in some))


def content(unit: str, quantity: str, source: str = "fields", name: str | None = None) -> Statement:
    quantities = {"base_unit": unit, "base_quantity": Decimal(quantity), "content_source": source}
    return {**quantities, "name": name}


def chosen(statements: pl.DataFrame) -> dict[str, object]:
    return choose(statements).select(CHOSEN).row(0, named=True)


def conflict(statements: pl.DataFrame) -> str | None:
    found = find_conflicts(statements)
    return None if found.is_empty() else str(found["conflict"].item())


@pytest.mark.parametrize(
    ("some", "name"),
    [
        (["חלב תנובה"], "חלב תנובה"),
        (["חלב 3% תנובה", "תנובה חלב 3%", "*מבצע* חלב 3%"], "חלב 3% תנובה"),
        (["חלב", "חלב תנובה", "חלב תנובה מהדרין"], "חלב תנובה"),
        (["בסלי גריל", "ביסלי גריל", "ביסלי 'גריל'"], "ביסלי גריל"),
        (RITZPAZ, "ריצפז פרש הום בניחוח סבון מפנק 2 ל'"),
    ],
)
def test_the_name_has_the_words_that_other_chains_have_too(some: list[str], name: str) -> None:
    assert chosen(names(*some))["name"] == name


@pytest.mark.parametrize(
    ("makers", "brand"),
    [
        (['אסם תעשיות מזון בע"מ', "אסם", "אסם"], "אסם"),
        (["שטראוס גרופ בעמ", "שטראוס גרופ ***בעמ", "עלית"], "שטראוס גרופ בעמ"),
        (["כללי", "General", "תנובה"], "תנובה"),
        (["כללי", None, "0"], None),
        (["עלית", "שטראוס"], "עלית"),
    ],
)
def test_the_brand_is_the_maker_that_most_chains_name(makers: list[str | None], brand: str | None) -> None:
    assert chosen(frame(*({"manufacturer": maker} for maker in makers)))["brand"] == brand


def test_the_content_is_that_of_most_chains_and_of_fields_before_names() -> None:
    both = [content("kg", "0.15"), content("kg", "0.2", "name")]

    assert chosen(frame(*both, content("kg", "0.2", "name")))["base_quantity"] == Decimal("0.2")
    assert chosen(frame(*both))["base_quantity"] == Decimal("0.15")
    assert chosen(frame({"name": "חלב"}))["base_quantity"] is None


@pytest.mark.parametrize(
    ("flags", "flag"),
    [([True, False, False], False), ([True, False], True), ([None, True], True), ([None], None)],
)
def test_what_most_chains_say_is_sold_by_weight(flags: list[bool | None], *, flag: bool | None) -> None:
    assert chosen(frame(*({"is_weighted": weighted} for weighted in flags)))["is_weighted"] is flag


WORDS = st.lists(st.sampled_from(["חלב", "תנובה", "3%", "לחם", "אחיד", "מ'"]), min_size=1, max_size=3)
SAID = st.fixed_dictionaries(
    {
        "product_key": st.sampled_from([1, 2]),
        "name": st.none() | WORDS.map(" ".join),
        "manufacturer": st.sampled_from([None, "תנובה", 'תנובה בע"מ', "כללי", "תנובה  בעמ"]),
        "base_quantity": st.sampled_from([None, Decimal(1), Decimal("0.75")]),
        "content_source": st.sampled_from(["fields", "name"]),
        "is_weighted": st.sampled_from([None, True, False]),
    }
).map(lambda said: {**said, "base_unit": said["base_quantity"] and "kg"})


@pytest.mark.slow
@given(st.lists(SAID, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_choice_is_the_same_in_any_order(said: list[Statement], draw: Random) -> None:
    statements = frame(*said)
    shuffled = statements.sample(fraction=1, shuffle=True, seed=draw.randint(0, 1 << 30))

    assert choose(shuffled).equals(choose(statements))
    assert find_conflicts(shuffled).sort("product_key").equals(find_conflicts(statements).sort("product_key"))


@pytest.mark.parametrize(
    ("some", "is_one"),
    [
        # 7290113860674 and 7290000000107 of the corpus: flour and shampoo, carrots and courgettes
        (['קמח חיטה לבן 405 1ק"ג מחנה יהודה.', "לייף בייביז שמפו להרגעת העור 1 ליטר"], False),
        (["גזר תפזורת", "קישוא ירוק"], False),
        (["פטוצ'יני לה מוליזנה 500ג", "פטוציני מוליזנה", "דג ברמונדי ישראלי טרי"], False),
        (["חלב תנובה 3%", "תנובה מהדרין חלב"], True),
        (["ביסלי גריל 70 גרם", "חטיף ביסלי"], True),
        (["קוקה קולה 1.5 ליטר", "COCA COLA"], True),
        (["חלב", "משקה סויה"], True),  # one word is too little
    ],
)
def test_names_that_share_nothing_are_flagged(some: list[str], *, is_one: bool) -> None:
    assert conflict(names(*some)) == (None if is_one else "names")


def test_a_name_that_has_the_maker_shares_something() -> None:
    said = [{"name": "קרם גבות שחור", "manufacturer": "לוריאל"}, {"name": "לוריאל פריז מברשת"}]

    assert conflict(frame(*said)) is None


@pytest.mark.parametrize(
    ("contents", "is_one"),
    [
        # 7290000315140: 75 g and 500 g of cornflakes; the others are packages of six, wrong units, new sizes
        ([content("kg", "0.075"), content("kg", "0.5")], False),
        ([content("l", "0.33"), content("l", "1.98")], True),
        ([content("kg", "0.05"), content("kg", "0.5")], True),
        ([content("kg", "0.15"), content("kg", "0.2")], True),
        ([content("kg", "0.1"), content("l", "0.75")], True),
        ([content("piece", "1"), content("piece", "7.5")], True),
    ],
)
def test_contents_that_no_package_explains_are_flagged(contents: list[Statement], *, is_one: bool) -> None:
    assert conflict(frame(*contents)) == (None if is_one else "contents")


@pytest.mark.parametrize(
    ("gtin", "country"),
    [
        (MILK, "Israel"),
        ("5449000000996", "Belgium and Luxembourg"),  # Coca-Cola
        ("3017620422003", "France"),  # Nutella
        ("8076809513753", "Italy"),  # Barilla
        ("0049000028904", "United States and Canada"),  # Coca-Cola's number in the USA
        ("0000040170725", "Germany"),  # a GTIN-8
        ("0000001234565", None),  # a number of 8 digits that is a company's own
        ("17290000000012", "Israel"),  # a case of six
        ("2000000000008", None),
    ],
)
def test_a_gtin_says_where_it_was_assigned(gtin: str, country: str | None) -> None:
    assert country_of(gtin) == country


OTHER, THIRD = "7290027600007", "7290696200003"
FOUND = """
select gtin, name, brand, base_unit, base_quantity, is_weighted, gs1_country, conflict, chains, stores
from product order by gtin
"""


def milk(hours: float, chain: str, name: str, maker: str, store: int) -> PriceFile:
    row = PriceRow(MILK, "7", is_barcode=True, name=name, manufacturer=maker, is_weighted=False)
    return PriceFile(hours, [row], is_full=True, chain=chain, store=store)


@pytest.mark.slow
def test_products_are_the_same_however_files_came(engine: sa.Engine, tmp_path: Path) -> None:
    market, draw = Market.at(engine, tmp_path), Random(7)
    files = [
        milk(5, "7290058140886", "חלב 3% תנובה 1 ליטר", "תנובה", 1),
        milk(29, "7290058140886", "חלב תנובה 1 ליטר", "תנובה בעמ", 1),
        milk(6, OTHER, 'חלב תנובה 1 ל"', "תנובה", 2),
        milk(7, OTHER, 'חלב תנובה 1 ל"', "תנובה", 3),
        milk(8, THIRD, "משקה תנובה", "כללי", 4),
        PriceFile(9, [PriceRow(BREAD, "9", is_barcode=True)], store=5, chain=THIRD),
    ]
    expected = [
        (MILK, 'חלב תנובה 1 ל"', "תנובה", "l", 1, False, "Israel", None, 3, 4),
        (BREAD, None, None, None, None, None, "Israel", None, 1, 1),
    ]

    for _ in range(3):
        market.forget()
        draw.shuffle(files)
        for file in files:
            market.open(file)
            if draw.random() < 0.3:
                update_statistics(engine, now=NOON)
        update_statistics(engine, now=NOON.replace(day=25))
        assert market.ask(FOUND) == expected

    written = market.ask("select xmin::text from product")
    update_statistics(engine, now=NOON.replace(day=25))
    assert market.ask("select xmin::text from product") == written
