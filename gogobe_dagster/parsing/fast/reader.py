"""The fast reader of prices and stores: rows as columns of text, half a million rows per second on one core.

It reads documents that are complete and regular, as programs write them; the tokenizer and the element paths
account for every byte of them. Any other document is left to lxml. Documents of one layout are read together,
which costs no more than one document of their total size.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.dialects import local, spellings
from gogobe_dagster.parsing.fast.byte_views import NDArray, NotRegular
from gogobe_dagster.parsing.fast.element_paths import find_paths
from gogobe_dagster.parsing.fast.opaque_spans import Span
from gogobe_dagster.parsing.fast.row_boundaries import OutsideRows, RowBoundaries
from gogobe_dagster.parsing.fast.string_views import DecodedTexts
from gogobe_dagster.parsing.fast.tokenizer import tokenize
from gogobe_dagster.parsing.layout_detection import Layout, check_rows
from gogobe_dagster.parsing.lxml.reader import RowTarget
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows, Reader

NO_ROWS: Final = pl.DataFrame()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBatch:
    """Documents of one layout, read together."""

    rows: pl.DataFrame
    """`row_number` and text columns: the rows of all documents, one document after another."""
    lengths: Sequence[int]
    """The number of rows of each document."""
    documents: Sequence[RawRows]
    """Header, counts and unknown elements of each document, without its rows."""
    field_counts: Mapping[str, int]
    """How many rows have each field, by its tag; empty elements do not count."""


def read_batch(documents: Sequence[bytes | memoryview], layout: Layout) -> RawBatch:
    """Read complete, regular documents.

    Raises `NotRegular` if any of them is not, `ContentError` (hostile_content) if any is hostile.
    """
    structure = locate_structure(documents, layout)
    fields = _Fields(structure.boundaries)
    unknown = fields.unknown(structure.lengths)
    metadata = [structure.metadata_of(number, unknown[number]) for number in range(len(documents))]
    return RawBatch(
        rows=fields.columns(structure),
        lengths=structure.lengths,
        documents=metadata,
        field_counts=fields.counts(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Where everything is in some documents; no field is read yet."""

    boundaries: RowBoundaries
    lengths: Sequence[int]
    """The number of rows of each document."""
    targets: Sequence[RowTarget]
    """What stands outside the rows of each document."""

    @property
    def row_numbers(self) -> pl.Series:
        """Number the rows of each document from 1."""
        numbers = [np.arange(1, length + 1, dtype=np.int32) for length in self.lengths]
        return pl.Series(ROW_NUMBER, np.concatenate(numbers))

    def metadata_of(self, number: int, unknown: Counter[str]) -> RawRows:
        """Return what is known of a document besides its rows; `unknown` are the fields found in them."""
        target, layout = self.targets[number], self.boundaries.layout
        return RawRows(
            reader=Reader.FAST,
            dialects=layout.dialects,
            dialect=layout.dialect,
            rows=NO_ROWS,
            header=target.header,
            declared=target.declared,
            unknown=dict(target.unknown + unknown),
        )


def locate_structure(
    documents: Sequence[bytes | memoryview], layout: Layout, span: Span | None = None
) -> Structure:
    """Find where everything is in complete, regular documents. Raises as `read_batch` does."""
    # One pass over all bytes of all documents; everything after it works on arrays of offsets.
    tokens = tokenize(documents, span)
    boundaries = RowBoundaries(tokens, find_paths(tokens), layout)
    lengths = np.diff(np.searchsorted(tokens.starts[boundaries.rows], tokens.bounds)).tolist()
    for xml, length in zip(documents, lengths, strict=True):
        check_rows(length, len(xml))
    outside = OutsideRows(boundaries)
    outside.replay()
    _check_flat(boundaries)
    return Structure(boundaries=boundaries, lengths=lengths, targets=outside.targets)


def _check_flat(boundaries: RowBoundaries) -> None:
    """Raise `NotRegular` for rows that hold more than fields.

    A field is known by its tag alone here, so one of a nested element would be taken for the row's own.
    """
    row, paths = boundaries.layout.path, {change.after for change in boundaries.paths.changes}
    if any(len(path) > len(row) and path[: len(row)] == row for path in paths):
        raise NotRegular(Note.NESTED_FIELDS)


# ---------------------------------------------------------------- fields of rows


class _Fields:
    """The texts of rows, by field."""

    def __init__(self, boundaries: RowBoundaries) -> None:
        self._dialects = boundaries.layout.dialects
        self._rows = boundaries.rows
        self._texts = DecodedTexts(boundaries.tokens)
        self._indexes = dict(group_by_tag(boundaries))

    def columns(self, structure: Structure) -> pl.DataFrame:
        """Return the columns of the model; inherited ones are filled from the elements around the rows.

        Raises `NotRegular` for a field that a row has twice.
        """
        found: dict[str, list[pl.Series]] = {}
        for tag, column in spellings(self._dialects, self._indexes):
            found.setdefault(column, []).append(self._column(tag))
        for column in self._dialects.inherited:
            inherited = [value for target in structure.targets for value in target.rows.column(column)]
            found.setdefault(column, []).append(pl.Series(values=inherited, dtype=pl.String))
        columns = [coalesce_nonblank(texts).alias(name) for name, texts in found.items()]
        return pl.DataFrame([structure.row_numbers, *columns])

    def counts(self) -> dict[str, int]:
        """Count the fields by their tags."""
        return {tag: len(indexes) for tag, indexes in self._indexes.items()}

    def unknown(self, lengths: Sequence[int]) -> list[Counter[str]]:
        """Count for each document the fields with text that no column reads."""
        counts = [Counter[str]() for _ in lengths]
        for tag in self._indexes:
            if not self._dialects.is_known(local(tag).lower()):
                has_text = (self._column(tag).str.strip_chars() != "").fill_null(value=False).to_numpy()
                documents = np.repeat(np.arange(len(lengths)), lengths)[has_text]
                for document, number in enumerate(np.bincount(documents).tolist()):
                    counts[document] += Counter({local(tag): number})
        return counts

    def _column(self, tag: str) -> pl.Series:
        return self._texts.column_per_record(self._indexes[tag], self._rows)


def group_by_tag(boundaries: RowBoundaries) -> Iterator[tuple[str, NDArray]]:
    """Yield the tags of the fields of rows, each with the indexes of its texts in document order."""
    tokens = boundaries.tokens
    outside = ""
    names = sorted({outside, *(separator.opened for separator in tokens.separators)})
    ids = np.array([names.index(separator.opened) for separator in tokens.separators], np.uint16)
    fields = ids[tokens.separator_ids]
    fields[~boundaries.is_inside] = names.index(outside)
    # A stable sort keeps document order within a tag; `column_per_record` relies on it.
    order = np.argsort(fields, kind="stable")
    sizes = np.bincount(fields, minlength=len(names))
    groups = np.split(order, np.cumsum(sizes)[:-1])
    yield from ((name, group) for name, group in zip(names, groups, strict=True) if name and len(group))


def coalesce_nonblank(texts: Sequence[pl.Series]) -> pl.Series:
    """Return for each row the first text that is more than blanks."""
    if len(texts) == 1:
        return texts[0]
    # An element that is there and blank does not hide another spelling that has the value.
    nonblank = [pl.when(pl.lit(text).str.strip_chars() != "").then(pl.lit(text)) for text in texts]
    return pl.select(pl.coalesce(nonblank)).to_series()
