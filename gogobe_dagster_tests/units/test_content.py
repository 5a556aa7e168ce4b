"""Contents from fields and names, as a person reads them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gogobe_dagster.units.comparable import with_comparable_prices
from gogobe_dagster.units.content import LIMITS, with_content
from gogobe_dagster.units.reasons import MEANINGS, ContentSource, NoContentReason
from gogobe_dagster.units.table import UNITS, BaseUnit, read_measure

SCHEMA = pl.Schema(
    {
        "name": pl.String(),
        "unit_quantity": pl.String(),
        "quantity": pl.Decimal(14, 4),
        "unit_of_measure": pl.String(),
        "is_weighted": pl.Boolean(),
    }
)
CHECKED = Path(__file__).parent / "checked_contents.tsv"


def content(
    name: str | None = None,
    unit: str | None = None,
    quantity: str | None = None,
    measure: str | None = None,
    *,
    is_weighted: bool | None = False,
) -> dict[str, Any]:
    number = None if quantity is None else Decimal(quantity)
    row = pl.DataFrame([(name, unit, number, measure, is_weighted)], schema=SCHEMA, orient="row")
    return with_content(row).drop(SCHEMA.names()).row(0, named=True)


def known(unit: str, quantity: str, source: str = "fields") -> dict[str, Any]:
    return {
        "base_unit": unit,
        "base_quantity": Decimal(quantity),
        "content_source": source,
        "no_content_reason": None,
    }


def unknown(reason: NoContentReason) -> dict[str, Any]:
    return {
        "base_unit": None,
        "base_quantity": None,
        "content_source": None,
        "no_content_reason": reason.value,
    }


def test_the_checked_contents_are_read_and_none_is_wrong() -> None:
    texts = pl.read_csv(CHECKED, separator="\t", quote_char=None, infer_schema=False)
    rows = texts.select(
        "name",
        "unit_quantity",
        pl.col("quantity").cast(SCHEMA["quantity"]),
        "unit_of_measure",
        pl.col("is_weighted") == "1",
    )
    found = with_content(rows).select("base_unit", pl.col("base_quantity").cast(pl.Float64))
    read = texts.select("base_unit", pl.col("base_quantity").cast(pl.Float64))

    differ = [
        (name, is_, should)
        for name, is_, should in zip(texts["name"], found.rows(), read.rows(), strict=True)
        if is_ != should
    ]
    assert len(texts) == 300
    assert [one for one in differ if one[1] != (None, None)] == []
    assert {name for name, *_ in differ} == {"סנו מט טבליות 30", "מיץ תפוזים סחוט קלאס"}


@pytest.mark.parametrize("text", ["גרם", "גרמים", "גר'", "ל גרם", "1 גר'", "1 גרם", "G", "gram"])
def test_spellings_of_a_unit_are_one_unit(text: str) -> None:
    measure = read_measure(text)

    assert measure is not None
    assert (measure.base_unit, measure.size) == (BaseUnit.KILOGRAM, Decimal("0.001"))


@pytest.mark.parametrize(
    ("text", "unit", "size"),
    [
        ('ל-100 מ"ל', BaseUnit.LITRE, "0.1"),
        ("100 מל", BaseUnit.LITRE, "0.1"),
        ("לליטר", BaseUnit.LITRE, "1"),
        ('לק"ג', BaseUnit.KILOGRAM, "1"),
        ("ק'ג", BaseUnit.KILOGRAM, "1"),
        ('ל-100 ס"מ', BaseUnit.METRE, "1"),
        ("יח`", BaseUnit.PIECE, "1"),
        ("00000000000000000יח'", BaseUnit.PIECE, "1"),
        ('750 מ"ל', BaseUnit.LITRE, "0.001"),
    ],
)
def test_a_unit_of_measure_is_a_number_of_units(text: str, unit: BaseUnit, size: str) -> None:
    measure = read_measure(text)

    assert measure is not None
    assert (measure.base_unit, measure.size) == (unit, Decimal(size))


@pytest.mark.parametrize("text", [None, "", "Unknown", "100.00", "0.00", "1", "מארז", "אלף", "גרם/ק", "קוב"])
def test_an_unknown_unit_is_none(text: str | None) -> None:
    assert read_measure(text) is None


def test_no_spelling_stands_for_two_units() -> None:
    spellings = [spelling for unit in UNITS for spelling in unit.spellings]

    assert len(spellings) == len(set(spellings))
    assert set(LIMITS) == {unit.base_unit for unit in UNITS} == set(BaseUnit)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("קמח", "גרמים", "250", "100 גרם"), known("kg", "0.25")),
        (("קפה", "ק'ג", "1.25", "1 ק'ג"), known("kg", "1.25")),
        (("שתיה", 'מ"ל', "330", None), known("l", "0.33")),
        # at some chains the quantity is a number of units of measure
        (("עגבניות שרי ארוז", "יח`", "2.5", "100 גרם"), known("kg", "0.25")),
        (("יין", 'י"ח', "750", '  ל  מ"ל'), known("l", "0.75")),
        (("תירוש", "ארגז", "1.5", "ליטר"), known("l", "1.5")),
        (("ניילון", "מטרים", "30", "מטר"), known("m", "30")),
        (("טמפונים", "יח'", "32", "1 יח'"), known("piece", "32")),
        (("מברשת", "יחידה", "1", "יחידה"), known("piece", "1")),
    ],
)  # fmt: skip
def test_the_fields_state_the_content(fields: tuple[str, ...], expected: dict[str, Any]) -> None:
    assert content(*fields) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (('סבון 750 מ"ל', None, "0", None), known("l", "0.75", "name")),
        (("ביסלי 70גר", "יחידה", "1", "יחידה"), known("kg", "0.07", "name")),
        (("ביסקוויט לוטוס 525 ג'", "גרם", "1", None), known("kg", "0.525", "name")),
        (("יוגורט מולר 8*150 גרם", None, None, None), known("kg", "1.2", "name")),
        (("דנונה 150*8 ג'", None, None, None), known("kg", "1.2", "name")),
        (("במבה מארז 25*10 ג'", "יחידה", "1", None), known("kg", "0.25", "name")),
        (("מים עין גדי 6*2 ליטר", None, None, None), known("l", "12", "name")),
        (("קלינקס 9*12 יח", None, None, None), known("piece", "108", "name")),
        (("ויטמין D-1000 90 כמוסות", None, "1", None), known("piece", "90", "name")),
        (("לייף מים 1 ליטר*6", None, None, None), known("l", "6", "name")),
        (("מגנזיום 60 כמוסות", None, "1", None), known("piece", "60", "name")),
        (("קולון 2.5 ל' כביסה", None, "1", None), known("l", "2.5", "name")),
        # confirmed by the name, of two units that contradict each other
        (("חלב 3% 1 ליטר", "קילוגרמים", "1", "ליטר"), known("l", "1", "name")),
    ],
)  # fmt: skip
def test_the_name_states_what_the_fields_do_not(fields: tuple[str, ...], expected: dict[str, Any]) -> None:
    assert content(*fields) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ('צנצנת 300 מ"ל זכוכית', known("piece", "1")),
        ("שקיות אשפה 50 ליטר", known("piece", "1")),
        ('כוס תרמי 860 מ"ל', known("piece", "1")),
        ("סיר 5 ליטר", known("piece", "1")),
        ('האגיס 5 11-25 ק"ג', known("piece", "1")),
        ("מקל 1.5 מטר", known("piece", "1")),
        ("שפתון 585 יח'", known("piece", "1")),
        ("נ.טואלט דו שכבתי48ג XPO", known("piece", "1")),
        ('ביוטין 600 מק"ג', known("piece", "1")),
        ('שישיית סודה 250 מ"ל', known("piece", "1")),
        ("במבה 40*100", known("piece", "1")),
        ("טורטיה 8 יח' 320 גר'", known("piece", "1")),
        ("יוגורט 25 ג' חלבון", known("piece", "1")),
        ('מג דגם מראקש 450מ"ל', known("piece", "1")),
        ("פז אנרגי 5W-30ל", known("piece", "1")),
        # cartons, of which one is sold
        ("במבה קלאסי 48*60גרם", known("piece", "1")),
        ("אסם מרק 8*1קג", known("piece", "1")),
        ("עסיס לימון 12*1ליטר", known("piece", "1")),
    ],
)  # fmt: skip
def test_a_number_in_a_name_that_is_no_content_is_not_read(name: str, expected: dict[str, Any]) -> None:
    assert content(name, "יחידה", "1", "יחידה") == expected


def test_a_letter_at_the_end_of_a_cut_name_may_begin_any_word() -> None:
    cut = "נייר לבן איכותי 48 ג"

    assert len(cut) == 20
    assert content(cut)["base_unit"] is None
    assert content("סוכר לבן איכותי 48 ג")["base_unit"] is None
    assert content("סוכר לבן מאוד איכותי 48 ג") == known("kg", "0.048", "name")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((None, None, None, None), NoContentReason.NO_CONTENT),
        (("פחית קולה", None, "1", None), NoContentReason.NO_CONTENT),
        (("חיתולים", None, "0", "יחידה"), NoContentReason.NO_CONTENT),
        (("סוכריות", "מארז", "1", "מארז"), NoContentReason.UNKNOWN_UNIT),
        (("סוכר", "גרמים", "0.001", "100 גרם"), NoContentReason.ABSURD_CONTENT),
        (("סוכר", "גרמים", "1", "100 גרם"), NoContentReason.ABSURD_CONTENT),
        (("סוכר", "גרמים", "1000000000", None), NoContentReason.ABSURD_CONTENT),
        (("נייר טואלט", "מטרים", "58880", "מטר"), NoContentReason.ABSURD_CONTENT),
        (("צ'יפס", "יח'", "1.5", "יח'"), NoContentReason.ABSURD_CONTENT),
        (("מיץ", "קילוגרמים", "1", "ליטר"), NoContentReason.CONTRADICTORY),
        (("במבה 60 גרם", "יח'", "6", "100 גרם"), NoContentReason.CONTRADICTORY),
        (("פסטה 24*500גרם", "גרם", "500", "100 גרם"), NoContentReason.CONTRADICTORY),
        (("ממרח 400 גר`", "יח", "4", 'ל-100 מ"ל'), NoContentReason.CONTRADICTORY),
        (("שוופס 250 מל רביעייה", None, "1", None), NoContentReason.AMBIGUOUS_NAME),
        (("פתיתים 12*500 גרם", None, "1", None), NoContentReason.AMBIGUOUS_NAME),
        (('בושם 100 מ"ל + ספריי 200 מ"ל', None, None, None), NoContentReason.AMBIGUOUS_NAME),
    ],
)
def test_what_cannot_be_told_has_a_reason(fields: tuple[str | None, ...], reason: NoContentReason) -> None:
    assert content(*fields) == unknown(reason)


@pytest.mark.parametrize(
    ("unit", "quantity", "measure"),
    [
        ('ק"ג', "1", None),
        ("קילוגרמים", "0", 'ק"ג'),
        ("גרם", "1000", "100 גרם"),
        ('ק"ג', "10", "100 גרם"),
        (None, None, None),
    ],
)
def test_goods_by_weight_are_priced_per_kilogram(
    unit: str | None, quantity: str | None, measure: str | None
) -> None:
    assert content("גאודה 200 גרם", unit, quantity, measure, is_weighted=True) == known("kg", "1")


@pytest.mark.parametrize(
    ("unit", "quantity", "measure"),
    [("יחידה", "1", "יחידה"), ('ק"ג', "700", "ל גרם"), ("ליטר", "1", "ליטר")],
)
def test_goods_by_weight_with_another_content_are_contradictory(
    unit: str, quantity: str, measure: str
) -> None:
    assert content("דלעת", unit, quantity, measure, is_weighted=True) == unknown(
        NoContentReason.CONTRADICTORY
    )


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(NoContentReason)


def test_a_price_is_that_of_one_base_unit() -> None:
    rows = [
        ("שמן", 'מ"ל', Decimal(750), None, False, Decimal("12.90")),
        ("שמן", 'מ"ל', Decimal(750), None, False, Decimal(0)),
        ("שמן", 'מ"ל', Decimal(750), None, False, Decimal(-1)),
        ("שמן", None, None, None, None, Decimal(5)),
        ("שמן", 'מ"ל', Decimal(750), None, False, Decimal(10)),
    ]
    frame = pl.DataFrame(rows, schema={**SCHEMA, "price": pl.Decimal(14, 4)}, orient="row")

    priced = with_comparable_prices(frame)

    assert priced["comparable_price"].to_list() == [
        Decimal("17.2"), None, None, None, Decimal("13.3333"),
    ]  # fmt: skip
    assert priced.columns[: len(frame.columns)] == frame.columns
    assert priced["content_source"].to_list() == [ContentSource.FIELDS] * 3 + [None] + [ContentSource.FIELDS]
