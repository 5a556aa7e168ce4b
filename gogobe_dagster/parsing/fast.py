"""The first reader: rows of prices and stores as columns of text, half a million a second on one core.

It reads documents that are whole and regular, as programs write them; everything of them is accounted for by
`markup` and `nesting`. Any other is left to `careful`. Documents of one layout are read together, which costs
what one of their size does.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from gogobe_dagster.parsing.around import Around, Places
from gogobe_dagster.parsing.careful import Walk
from gogobe_dagster.parsing.dialects import local, spellings
from gogobe_dagster.parsing.markup import CannotRead, Numbers, read_markup
from gogobe_dagster.parsing.nesting import nest
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows
from gogobe_dagster.parsing.sniffing import Layout, check_rows
from gogobe_dagster.parsing.texts import Texts

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


def read_fast(xml: bytes | memoryview, layout: Layout) -> RawRows:
    """Read a whole, regular document. Raises `CannotRead` for any other, `ContentError` for a hostile one."""
    together = read_together([xml], layout)
    return replace(together.documents[0], rows=together.rows)


def read_together(documents: Sequence[bytes | memoryview], layout: Layout) -> Together:
    """Read whole, regular documents.

    Raises `CannotRead` if any of them is another, `ContentError` hostile_content if any is hostile.
    """
    markup = read_markup(documents)
    places = Places(markup, nest(markup), layout)
    lengths = np.diff(np.searchsorted(markup.starts[places.rows], markup.bounds)).tolist()
    for xml, length in zip(documents, lengths, strict=True):
        check_rows(length, len(xml))
    around = Around(places)
    around.hear()
    fields = _Fields(places)
    unknown = fields.unknown(lengths)
    return Together(
        rows=fields.columns(around.walks, lengths),
        lengths=lengths,
        documents=[
            RawRows(
                reader="fast",
                dialects=layout.dialects,
                dialect=layout.dialect,
                rows=NOT_HERE,
                header=walk.header,
                declared=walk.declared,
                unknown=dict(walk.unknown + unknown[number]),
            )
            for number, walk in enumerate(around.walks)
        ],
    )


# ---------------------------------------------------------------- fields of rows


class _Fields:
    """The texts of rows, by field."""

    def __init__(self, places: Places) -> None:
        """Raises `CannotRead` for rows that hold more than fields."""
        path = places.layout.path
        if any(
            len(one.after) > len(path) and one.after[: len(path)] == path for one in places.nesting.changes
        ):
            raise CannotRead("nested_fields")
        self._dialects = places.layout.dialects
        self._rows = places.rows
        self._texts = Texts(places.markup)
        self._places = dict(_by_field(places))

    def columns(self, walks: Sequence[Walk], lengths: Sequence[int]) -> pl.DataFrame:
        """Name them as the model does; what a row does not say, what stands around it says.

        Raises `CannotRead` for a field that a row says twice.
        """
        said: dict[str, list[pl.Series]] = {}
        for tag, column in spellings(self._dialects, self._places):
            said.setdefault(column, []).append(self._column(tag))
        for column in self._dialects.inherited:
            around = [value for walk in walks for value in walk.rows.column(column)]
            said.setdefault(column, []).append(pl.Series(values=around, dtype=pl.String))
        numbers = np.concatenate([np.arange(1, length + 1, dtype=np.int32) for length in lengths])
        return pl.DataFrame(
            [pl.Series(ROW_NUMBER, numbers), *(first_said(texts).alias(name) for name, texts in said.items())]
        )

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


def _by_field(places: Places) -> Iterator[tuple[str, Numbers]]:
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
