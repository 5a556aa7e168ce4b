"""The first reader: rows of prices and stores as columns of text, half a million a second on one core.

It reads documents that are whole and regular, as programs write them; everything of them is accounted for by
`markup` and `nesting`. Any other is left to `careful`. Documents of one layout are read together, which costs
what one of their size does.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from gogobe_dagster.parsing.dialects import local, spellings
from gogobe_dagster.parsing.fast.byte_views import CannotRead, Numbers
from gogobe_dagster.parsing.fast.element_paths import nest
from gogobe_dagster.parsing.fast.opaque_spans import Fold
from gogobe_dagster.parsing.fast.row_boundaries import Around, Places
from gogobe_dagster.parsing.fast.string_views import Texts
from gogobe_dagster.parsing.fast.tokenizer import read_markup
from gogobe_dagster.parsing.layout_detection import Layout, check_rows
from gogobe_dagster.parsing.lxml.reader import Walk
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows

NOT_HERE: Final = pl.DataFrame()


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Documents of one layout, read together."""

    rows: pl.DataFrame
    """`row_number` and text columns: the rows of all documents, one below the other."""
    lengths: Sequence[int]
    """The rows of each document."""
    documents: Sequence[RawRows]
    """What is said of each document but its rows."""
    fields: Mapping[str, int]
    """How often each field of rows is there, by its tag, without those that are empty elements."""


def read_fast(xml: bytes | memoryview, layout: Layout) -> RawRows:
    """Read a whole, regular document. Raises `CannotRead` for any other, `ContentError` for a hostile one."""
    together = read_together([xml], layout)
    return replace(together.documents[0], rows=together.rows)


def read_together(documents: Sequence[bytes | memoryview], layout: Layout) -> Together:
    """Read whole, regular documents.

    Raises `CannotRead` if any of them is another, `ContentError` hostile_content if any is hostile.
    """
    begun = begin(documents, layout)
    fields = _Fields(begun.places)
    unknown = fields.unknown(begun.lengths)
    said = [begun.said(number, unknown[number]) for number in range(len(documents))]
    return Together(
        rows=fields.columns(begun), lengths=begun.lengths, documents=said, fields=fields.numbers()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Documents of which everything is found and no field is read."""

    places: Places
    lengths: Sequence[int]
    """The rows of each document."""
    walks: Sequence[Walk]
    """What was heard around the rows of each document."""

    @property
    def row_numbers(self) -> pl.Series:
        """Number the rows of each document."""
        numbers = [np.arange(1, length + 1, dtype=np.int32) for length in self.lengths]
        return pl.Series(ROW_NUMBER, np.concatenate(numbers))

    def said(self, number: int, unknown: Counter[str]) -> RawRows:
        """Return what is said of a document but its rows; `unknown` is what was found in them."""
        walk, layout = self.walks[number], self.places.layout
        return RawRows(
            reader="fast",
            dialects=layout.dialects,
            dialect=layout.dialect,
            rows=NOT_HERE,
            header=walk.header,
            declared=walk.declared,
            unknown=dict(walk.unknown + unknown),
        )


def begin(documents: Sequence[bytes | memoryview], layout: Layout, fold: Fold | None = None) -> Begun:
    """Find everything in whole, regular documents. Raises as `read_together` does."""
    markup = read_markup(documents, fold)
    places = Places(markup, nest(markup), layout)
    lengths = np.diff(np.searchsorted(markup.starts[places.rows], markup.bounds)).tolist()
    for xml, length in zip(documents, lengths, strict=True):
        check_rows(length, len(xml))
    around = Around(places)
    around.hear()
    _check_flat(places)
    return Begun(places=places, lengths=lengths, walks=around.walks)


def _check_flat(places: Places) -> None:
    """Raise `CannotRead` for rows that hold more than fields."""
    path, around = places.layout.path, {one.after for one in places.nesting.changes}
    if any(len(one) > len(path) and one[: len(path)] == path for one in around):
        raise CannotRead("nested_fields")


# ---------------------------------------------------------------- fields of rows


class _Fields:
    """The texts of rows, by field."""

    def __init__(self, places: Places) -> None:
        self._dialects = places.layout.dialects
        self._rows = places.rows
        self._texts = Texts(places.markup)
        self._places = dict(by_field(places))

    def columns(self, begun: Begun) -> pl.DataFrame:
        """Name them as the model does; what a row does not say, what stands around it says.

        Raises `CannotRead` for a field that a row says twice.
        """
        said: dict[str, list[pl.Series]] = {}
        for tag, column in spellings(self._dialects, self._places):
            said.setdefault(column, []).append(self._column(tag))
        for column in self._dialects.inherited:
            around = [value for walk in begun.walks for value in walk.rows.column(column)]
            said.setdefault(column, []).append(pl.Series(values=around, dtype=pl.String))
        columns = [first_said(texts).alias(name) for name, texts in said.items()]
        return pl.DataFrame([begun.row_numbers, *columns])

    def numbers(self) -> dict[str, int]:
        """Count the fields by their tags."""
        return {tag: len(places) for tag, places in self._places.items()}

    def unknown(self, lengths: Sequence[int]) -> list[Counter[str]]:
        """Count for each document how often fields that nobody reads say something."""
        counts = [Counter[str]() for _ in lengths]
        for tag in self._places:
            if not self._dialects.is_known(local(tag).lower()):
                says = (self._column(tag).str.strip_chars() != "").fill_null(value=False).to_numpy()
                documents = np.repeat(np.arange(len(lengths)), lengths)[says]
                for document, number in enumerate(np.bincount(documents).tolist()):
                    counts[document] += Counter({local(tag): number})
        return counts

    def _column(self, tag: str) -> pl.Series:
        return self._texts.column_of(self._places[tag], self._rows)


def by_field(places: Places) -> Iterator[tuple[str, Numbers]]:
    """Yield the fields of rows by their tags, with their texts."""
    markup = places.markup
    outside = ""
    names = sorted({outside, *(one.opened for one in markup.separators)})
    fields = np.array([names.index(one.opened) for one in markup.separators], np.uint16)[markup.which]
    fields[~places.are_inside] = names.index(outside)
    order = np.argsort(fields, kind="stable")
    sizes = np.bincount(fields, minlength=len(names))
    found = np.split(order, np.cumsum(sizes)[:-1])
    yield from ((name, some) for name, some in zip(names, found, strict=True) if name and len(some))


def first_said(texts: Sequence[pl.Series]) -> pl.Series:
    """Take the first that says something."""
    if len(texts) == 1:
        return texts[0]
    said = [pl.when(pl.lit(one).str.strip_chars() != "").then(pl.lit(one)) for one in texts]
    return pl.select(pl.coalesce(said)).to_series()
