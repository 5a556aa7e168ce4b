"""Which item codes are GTINs. Codes and counts are of the corpus of real files where not noted."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe_dagster.warehouse.load.gtin import gtin, is_usable

BARCODE, INTERNAL, UNKNOWN = True, False, None


def gtin_of(code: str, is_barcode: bool | None) -> str | None:  # noqa: FBT001 - a column's value
    row = pl.DataFrame(
        {"code": [code], "is_barcode": [is_barcode]}, schema={"code": pl.String, "is_barcode": pl.Boolean}
    )
    value = row.select(gtin()).item()
    return None if value is None else str(value)


@pytest.mark.parametrize(
    ("code", "is_barcode", "expected"),
    [
        ("7290000149844", BARCODE, "7290000149844"),
        ("7290000149844", UNKNOWN, "7290000149844"),  # old Super-Pharm has no ItemType
        ("7290000149844", INTERNAL, None),
        ("7290000149845", BARCODE, None),  # its check digit is 4
        ("007290000149844", BARCODE, "7290000149844"),
        ("0033984000391", UNKNOWN, "0033984000391"),  # UPC-A as EAN-13
        ("033984018600", UNKNOWN, "0033984018600"),
        ("769904000669", BARCODE, "0769904000669"),
        ("25675121430", BARCODE, "0025675121430"),  # UPC-A without its zero
        ("25675121430", UNKNOWN, None),
        ("8421361571", BARCODE, "0008421361571"),  # UPC-A without two zeros
        ("585311842", BARCODE, None),
        ("72917329", BARCODE, "0000072917329"),
        ("72917329", UNKNOWN, None),
        ("72917329", INTERNAL, None),
        ("2234659110249", BARCODE, None),  # prefix 2 is the shop's own
        ("290019153276", BARCODE, None),
        ("24", BARCODE, None),
        ("17290000149841", BARCODE, "17290000149841"),  # a case, indicator 1
        ("0000000000000", BARCODE, None),
        ("729*0106722415", BARCODE, None),
        ("٧٢٩٠٠٠٠١٤٩٨٤٤", BARCODE, None),
        ("", BARCODE, None),
    ],
)
def test_a_code_is_a_gtin_only_when_everything_says_so(
    code: str, expected: str | None, *, is_barcode: bool | None
) -> None:
    assert gtin_of(code, is_barcode) == expected


def _with_check_digit(digits: str) -> str:
    total = sum(
        int(digit) * (3 if position % 2 == 0 else 1) for position, digit in enumerate(reversed(digits))
    )
    return f"{digits}{-total % 10}"


@settings(deadline=None)
@given(st.from_regex(r"[3-9][0-9]{11}", fullmatch=True), st.integers(0, 2))
def test_leading_zeros_never_make_another_product(digits: str, zeros: int) -> None:
    code = _with_check_digit(digits)
    assert gtin_of("0" * zeros + code, BARCODE) == code


@settings(deadline=None)
@given(st.from_regex(r"[3-9][0-9]{12}", fullmatch=True))
def test_nine_of_ten_numbers_are_no_gtin(code: str) -> None:
    assert (gtin_of(code, BARCODE) is not None) == (_with_check_digit(code[:-1]) == code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("1", True), ("9" * 64, True), ("9" * 65, False), ("", False), ("1\0", False), (None, False)],
)
def test_a_code_that_no_index_could_hold_is_refused(code: str | None, *, expected: bool) -> None:
    assert pl.DataFrame({"code": [code]}, schema={"code": pl.String}).select(is_usable()).item() is expected
