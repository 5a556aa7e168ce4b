"""Columns in PostgreSQL's binary form, written and read by NumPy: a million values make no Python objects.

A value is what its type's send function makes of it: big-endian, times from the year 2000 on, a numeric as
digits to the base of 10,000. COPY and arrays wrap it alike: its length, then the value; of a null, only the
length -1. Numbers, money, times and truth are here; text is not, and how anything travels is `pg_copy`.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from gogobe_dagster.parsing.column_types import ARROW_DECIMAL, DECIMAL, TIMESTAMP

EPOCH = 946_684_800_000_000
"""Microseconds from 1970 to 2000."""
BASE, DIGITS, DECIMALS = 10_000, 4, 4
NEGATIVE = 0x4000
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
_LENGTH_BYTES = 4
BLOCK_ROWS = 8_000
"""Rows that are made at a time: they stay in the processor's cache."""
_ARRAY = struct.Struct(">iiIii")
"""Array header: dimensions, whether there are nulls, element type, length, first index."""
_NO_ELEMENTS = struct.Struct(">iiI")

Values = np.ndarray[Any, Any]


def _write_numbers(values: Values, physical: Values) -> None:
    values[:] = physical


def _write_timestamps(values: Values, physical: Values) -> None:
    values[:] = physical - EPOCH


def _write_money(values: Values, physical: Values) -> None:
    """Write all digits that a value may have; the server drops the zeros in front and behind."""
    values["digits"], values["weight"], values["scale"] = DIGITS, DIGITS - 2, DECIMALS
    values["sign"] = np.where(physical < 0, NEGATIVE, 0)
    # Digits to the base of 10,000, the last first. The sign is a field of its own, hence the absolute value:
    # divmod of a negative number would round down and give other digits.
    rest = np.abs(physical)
    for place in reversed(range(DIGITS)):
        rest, values["base_10000"][:, place] = np.divmod(rest, BASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How the values of a type are written."""

    oid: int
    """PostgreSQL's number of the type."""
    layout: np.dtype[Any]
    write: Callable[[Values, Values], None] = _write_numbers
    """Fills values of the layout from Polars' physical ones, as int64."""


_HEAD_OF_NUMERIC = [("digits", ">i2"), ("weight", ">i2"), ("sign", ">u2"), ("scale", ">i2")]
_NUMERIC = np.dtype([*_HEAD_OF_NUMERIC, ("base_10000", ">u2", (DIGITS,))])
FORMS: dict[pl.DataType, Form] = {
    pl.Boolean(): Form(oid=16, layout=np.dtype(">i1")),
    pl.Int32(): Form(oid=23, layout=np.dtype(">i4")),
    pl.Int64(): Form(oid=20, layout=np.dtype(">i8")),
    DECIMAL: Form(oid=1700, layout=_NUMERIC, write=_write_money),
    TIMESTAMP: Form(oid=1184, layout=np.dtype(">i8"), write=_write_timestamps),
}
_INTEGERS = {form.oid: form.layout for form in FORMS.values() if form.oid in {20, 23}}


class Array(bytes):
    """A PostgreSQL array in its binary form."""

    @classmethod
    def of(cls, series: pl.Series) -> "Array":
        """Make an array of a column, whose type has to be in FORMS."""
        oid = FORMS[series.dtype].oid
        if series.is_empty():
            return cls(_NO_ELEMENTS.pack(0, 0, oid))
        head = _ARRAY.pack(1, bool(series.null_count()), oid, len(series), 1)
        return cls(head + _Rows([series]).packed(0, len(series)))

    def integers(self) -> Values:
        """Read an array of int4 or int8 without nulls."""
        dimensions, has_null, oid = _NO_ELEMENTS.unpack_from(self)
        if has_null or dimensions > 1 or oid not in _INTEGERS:
            raise ValueError("this is no array of integers without nulls")
        element = np.dtype([("length", ">i4"), ("value", _INTEGERS[oid])])
        offset = _ARRAY.size if dimensions else _NO_ELEMENTS.size
        # Big-endian as sent; NumPy computes faster with the machine's own byte order.
        elements = np.frombuffer(self, element, offset=offset)
        return elements["value"].astype(element["value"].newbyteorder("="))


def has_form(schema: pl.Schema) -> bool:
    """Whether all columns can be written in binary form."""
    return all(dtype in FORMS for dtype in schema.values())


def copy_blocks(frame: pl.DataFrame) -> Iterator[bytes]:
    """Yield what COPY (format binary) reads, some rows at a time."""
    rows = _Rows(frame.get_columns(), head=len(frame.columns))
    yield SIGNATURE
    for start in range(0, len(frame), BLOCK_ROWS):
        yield rows.packed(start, min(start + BLOCK_ROWS, len(frame)))
    yield TRAILER


def money(ten_thousandths: Values, *, null: int) -> pl.Series:
    """Make a column of money of whole numbers; the number `null` stands for nothing."""
    wide = np.empty((len(ten_thousandths), 2), "<i8")
    wide[:, 0] = ten_thousandths
    wide[:, 1] = ten_thousandths >> 63  # its sign, all over the upper half
    is_there = pa.py_buffer(np.packbits(ten_thousandths != null, bitorder="little"))
    column = pa.Array.from_buffers(ARROW_DECIMAL, len(wide), [is_there, pa.py_buffer(wide)])
    return pl.Series(column, dtype=DECIMAL)


class _Rows:
    """Columns to be written beside each other, row after row: each value with its length before it."""

    def __init__(self, columns: Sequence[pl.Series], *, head: int | None = None) -> None:
        """With a `head`, every row begins with this number."""
        self._head = head
        self._columns = {f"{number}": _Column.of(series) for number, series in enumerate(columns)}
        self._layout = np.dtype(
            [
                *([] if head is None else [("head", ">i2")]),
                *(
                    (name, [("length", ">i4"), ("value", column.form.layout)])
                    for name, column in self._columns.items()
                ),
            ]
        )

    def packed(self, start: int, end: int) -> bytes:
        """Return some rows, without the values that are null: only their length is there, as -1."""
        rows = np.empty(end - start, self._layout)
        if self._head is not None:
            rows["head"] = self._head
        for name, column in self._columns.items():
            rows[name]["length"] = column.form.layout.itemsize
            column.form.write(rows[name]["value"], column.physical[start:end])
        nulls = {
            name: column.is_null[start:end]
            for name, column in self._columns.items()
            if column.is_null is not None
        }
        return _without(rows, nulls) if nulls else rows.tobytes()


def _without(rows: Values, nulls: Mapping[str, Values]) -> bytes:
    """Leave out the values that are null."""
    # A null is its length of -1 and no value. A value left behind would shift every later field of the row.
    for name, is_null in nulls.items():
        rows[name]["length"][is_null] = -1
    stays = np.ones(rows.shape, [(name, "?", rows.dtype[name].itemsize) for name in rows.dtype.names or ()])
    for name, is_null in nulls.items():
        stays[name][is_null, _LENGTH_BYTES:] = False
    flat = rows.view(np.uint8)
    return flat[stays.view(np.bool_)].tobytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    form: Form
    physical: Values
    is_null: Values | None
    """None: no value is."""

    @classmethod
    def of(cls, series: pl.Series) -> "_Column":
        return cls(
            form=FORMS[series.dtype],
            # The value below a null is never sent, but NumPy has no null: 0 keeps the column an integer.
            physical=series.to_physical().cast(pl.Int64).fill_null(0).to_numpy(),
            is_null=series.is_null().to_numpy() if series.null_count() else None,
        )
