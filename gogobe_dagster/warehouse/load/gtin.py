"""Which product a row is about: its GTIN across chains, or its chain's own code. Nothing is matched by name.

A wrong merge is worse than a missing one, so a code is a GTIN only when all of this holds:

- its check digit is right;
- ItemType says so (1), or says nothing and the code is printed as UPC-A, EAN-13 or GTIN-14. ItemType 0 is a
  chain's own code, also when it looks like a GTIN;
- it has the length of one, leading zeros aside. EAN-8 needs ItemType 1: one in ten of a chain's own eight
  digits has a right check digit. UPC-A is often printed without its zeros (1,198 of the corpus's ItemType 1
  codes have 11 digits, 99 % with a right check digit; of those with 9 digits every fifth, so they are none);
- its prefix is not one that GS1 leaves to shops (EAN-13 02, 04, 2; EAN-8 2), each for its own things.

A chain's own code is kept exactly as published, zeros included.
"""

import polars as pl

from gogobe_dagster.warehouse.schema.tables import CODE_LIMIT

WEIGHTS = [3, 1] * 7
LENGTHS = [8, 10, 11, 12, 13, 14]
LENGTHS_WITHOUT_TYPE = [11, 12, 13, 14]
PRINTED_WITHOUT_TYPE = [12, 13, 14]
RESTRICTED = "^(02|002|004|0{6}2)"
"""Prefixes in fourteen digits: EAN-13 2, 02 and 04, EAN-8 2."""

_code, _is_barcode = pl.col("code"), pl.col("is_barcode")


def is_usable() -> pl.Expr:
    """Whether `code` can be a code at all; the longest real one has 14 characters."""
    length = _code.str.len_chars()
    return (length.is_between(1, CODE_LIMIT) & ~_code.str.contains("\0", literal=True)).fill_null(value=False)


def gtin() -> pl.Expr:
    """Return the GTIN that `code` and `is_barcode` mean, null if none: 13 digits, or 14 with an indicator."""
    digits = _code.str.strip_chars_start("0")
    padded = digits.str.zfill(14)
    is_gtin = (
        _code.str.contains("^[0-9]+$")
        & _has_length(digits.str.len_bytes())
        & ~padded.str.contains(RESTRICTED)
        & (_check_sum(padded) % 10 == 0)
    )
    shortest = pl.when(padded.str.starts_with("0")).then(padded.str.slice(1)).otherwise(padded)
    return pl.when(is_gtin).then(shortest)


def gtin_of(text: str) -> str | None:
    """Return the GTIN that people mean by the digits under a barcode; None: it is none."""
    typed = pl.DataFrame({"code": [text.strip()], "is_barcode": [True]})
    found: str | None = typed.select(gtin()).item()
    return found


def _has_length(length: pl.Expr) -> pl.Expr:
    with_type = _is_barcode & length.is_in(LENGTHS)
    is_printed = _code.str.len_bytes().is_in(PRINTED_WITHOUT_TYPE)
    return (
        pl.when(_is_barcode.is_null())
        .then(length.is_in(LENGTHS_WITHOUT_TYPE) & is_printed)
        .otherwise(with_type)
    )


def _check_sum(padded: pl.Expr) -> pl.Expr:
    digits = [padded.str.slice(position, 1).cast(pl.Int32, strict=False) for position in range(14)]
    return pl.sum_horizontal([digit * weight for digit, weight in zip(digits, WEIGHTS, strict=True)])
