"""Reads product text only once: every store of a chain writes it in the same bytes, mostly.

Two thirds of a row of prices are product text: name, manufacturer, units. These fields stand together, so
they are taken for one opaque span, and a span that was read before is looked up by its hash. Only what
differs from store to store, such as the price, is read again. New spans are read like any other document.

A document that is not regular, or about which the report has anything to tell, is left to be read without
the cache, so the result is always the same. On real full price files the cache saves 16 to 26 % of the CPU of
an import, loading included; on deltas it costs more than it saves, so they are read without it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, islice
from typing import Final, NamedTuple

import polars as pl
import pyarrow as pa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.dialects import local, spellings
from gogobe_dagster.parsing.document_rules import RULES, Rules
from gogobe_dagster.parsing.fast.byte_views import NDArray, NotRegular
from gogobe_dagster.parsing.fast.opaque_spans import NotCacheable, Span
from gogobe_dagster.parsing.fast.reader import (
    Structure,
    coalesce_nonblank,
    group_by_tag,
    locate_structure,
    read_batch,
)
from gogobe_dagster.parsing.fast.string_views import SourceTexts, is_one_per_record
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.model import PRICES, PRODUCT_TEXT
from gogobe_dagster.parsing.normalization import is_rounded, parse_types
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows

HASH, ENTRY, INDEX, ROUNDED = "hash", "entry", "index", "is_rounded"
COLUMNS: Final = [field.name for field in PRICES if field.name not in {"file_id", ROW_NUMBER}]
MIN_FIELDS: Final = 4
"""Fields of a span; with fewer it does not pay."""
SAMPLED_ROWS: Final = 3
MAX_MISSES: Final = 3
"""After this number of batches that could not use the cache, or were mostly new, it is not tried again."""
LEAF: Final = re.compile(rb"<([A-Za-z_][\w.:-]*)(?:>[^<]*</\1>|\s*(/)>)", re.ASCII)
ENCODED: Final = r"[&\x00-\x1f]"
"""A text with one of these is not meant as it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedBatch:
    """The rows of some documents, one document after another, with the types of the model."""

    rows: pl.DataFrame
    is_rounded: pl.Series
    """Whether a row has numbers with more decimals than the model keeps."""
    lengths: Sequence[int]
    """The number of rows of each document."""
    documents: Sequence[RawRows]
    """Header, counts and unknown elements of each document, without its rows."""


class CachedFields(NamedTuple):
    """The span of product text in documents, and the columns of the model that are inside it."""

    span: Span
    columns: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDocument:
    """A document that was read without the cache, and whose report has nothing to tell."""

    xml: bytes | memoryview
    field_counts: Mapping[str, int]
    """As in `RawBatch`."""
    rows: pl.DataFrame
    """The rows with the types of the model."""


class ProductTextCache:
    """The product text of one batch, for documents with the same layout and the same span."""

    def __init__(self, layout: Layout, fields: CachedFields) -> None:
        """Start empty."""
        self._layout, (self._span, columns) = layout, fields
        self._cached_rules, self._other_rules = _rules(columns), _rules(frozenset(COLUMNS) - columns)
        self._columns = columns
        self._misses = 0
        self._first: FirstDocument | None = None
        self._known = pl.DataFrame(schema={HASH: pl.UInt64, ENTRY: pl.UInt32})
        self._entries = pl.DataFrame()

    def read(self, documents: Sequence[bytes | memoryview]) -> CachedBatch:
        """Read documents. Raises `NotRegular` or `NotCacheable` if they must be read without the cache."""
        if self._misses >= MAX_MISSES:
            raise NotCacheable
        with suppress(NotRegular, NotCacheable):
            self._add_first()
        try:
            return self._read(locate_structure(documents, self._layout, self._span))
        except (NotRegular, NotCacheable):
            self._misses += 1
            raise

    def fill_from(self, document: FirstDocument) -> None:
        """Keep a document, whose product text is added when another document is read."""
        self._first = document

    def _add_first(self) -> None:
        """Add the product text of the first document; its rows are known already."""
        first, self._first = self._first, None
        if first is None:
            return
        structure = locate_structure([first.xml], self._layout, self._span)
        outside = dict(group_by_tag(structure.boundaries))
        spans = self._pop_spans(outside, structure)
        inside = [
            self._span.first,
            *(tag for tag, number in first.field_counts.items() if number > len(outside.get(tag, ()))),
        ]
        # Every cached column must be fed from inside the span only, and no other column from there.
        if self._columns_of(inside) - self._columns or self._columns_of(outside) & self._columns:
            raise NotCacheable
        texts = SourceTexts(structure.boundaries.tokens)
        # Rows that repeat a product are gone from `first.rows`, so hashes are picked by row number.
        hashes = texts.text_hashes(spans)[first.rows[ROW_NUMBER] - 1]
        entries = first.rows.select(self._cached_rules.schema.names)
        entries = entries.with_columns(pl.lit(value=False).alias(ROUNDED))
        is_first = hashes.is_first_distinct()
        self._add(hashes.filter(is_first), entries.filter(is_first))

    def _columns_of(self, tags: Iterable[str]) -> set[str]:
        return {column for _, column in spellings(self._layout.dialects, tags)}

    def _pop_spans(self, fields: dict[str, NDArray], structure: Structure) -> NDArray:
        """Take the spans out of the fields; raises `NotCacheable` unless every row has exactly one."""
        spans = fields.pop(self._span.first, None)
        if spans is None or not is_one_per_record(spans, structure.boundaries.rows):
            raise NotCacheable
        return spans

    def _read(self, structure: Structure) -> CachedBatch:
        fields = dict(group_by_tag(structure.boundaries))
        spans = self._pop_spans(fields, structure)
        texts = SourceTexts(structure.boundaries.tokens)
        others, is_other_rounded = self._read_others(structure, fields, texts)
        entries = self._look_up(texts.text_hashes(spans), spans, structure)
        return CachedBatch(
            rows=others.hstack(entries.drop(ROUNDED)).select(ROW_NUMBER, *COLUMNS),
            is_rounded=entries[ROUNDED] | is_other_rounded,
            lengths=structure.lengths,
            documents=[structure.metadata_of(number, Counter()) for number in range(len(structure.lengths))],
        )

    def _read_others(
        self, structure: Structure, fields: Mapping[str, NDArray], texts: SourceTexts
    ) -> tuple[pl.DataFrame, pl.Series]:
        """Read the fields outside the span; raises `NotCacheable` if the report would tell of any."""
        if any(not self._layout.dialects.is_known(local(tag).lower()) for tag in fields):
            raise NotCacheable
        found: dict[str, list[pl.Series]] = {}
        for tag, column in spellings(self._layout.dialects, fields):
            found.setdefault(column, []).append(
                texts.column_per_record(fields[tag], structure.boundaries.rows)
            )
        columns = [coalesce_nonblank(some).alias(column) for column, some in found.items()]
        # Texts are not decoded here. Numbers and dates with an entity would fail to parse; text would not.
        is_plain = not any(column.str.contains(ENCODED).any() for column in columns if _is_text(column.name))
        raw = pl.DataFrame([structure.row_numbers, *columns])
        typed = parse_types(raw, self._other_rules)
        if not (is_plain and typed.is_clean and set(found).issubset(self._other_rules.schema.names)):
            raise NotCacheable
        return typed.rows, is_rounded(raw, self._other_rules)

    def _look_up(self, hashes: pl.Series, spans: NDArray, structure: Structure) -> pl.DataFrame:
        """Return the product text of each row; read and add what is new."""
        wanted = pl.DataFrame({HASH: hashes})
        entries = wanted.join(self._known, on=HASH, how="left", maintain_order="left")[ENTRY]
        if missing := entries.null_count():
            # A batch that is mostly new costs more than reading it plainly; the first one always is.
            self._misses += bool(len(self._entries)) and missing * 2 > len(entries)
            new = (
                wanted.with_row_index(INDEX)
                .filter(entries.is_null())
                .unique(HASH, keep="first", maintain_order=True)
            )
            self._read_new(new[HASH], spans[new[INDEX].to_numpy()], structure)
            entries = wanted.join(self._known, on=HASH, how="left", maintain_order="left")[ENTRY]
        return self._entries[entries]

    def _read_new(self, hashes: pl.Series, spans: NDArray, structure: Structure) -> None:
        """Read new spans as the rows of a document made for them, and add them."""
        tokens = structure.boundaries.tokens
        offsets = zip(tokens.starts[spans].tolist(), tokens.stops[spans].tolist(), strict=True)
        texts = [tokens.buffer[start:stop] for start, stop in offsets]
        read = read_batch([self._document(texts)], self._layout)
        typed = parse_types(read.rows, self._cached_rules)
        is_complete = set(read.rows.columns).issubset({ROW_NUMBER, *self._cached_rules.schema.names})
        is_regular = typed.is_clean and is_complete and not read.documents[0].unknown
        # One row more or less would give every later span the text of its neighbour.
        if len(typed.rows) != len(hashes) or not is_regular:
            raise NotCacheable
        rounded = is_rounded(read.rows, self._cached_rules).alias(ROUNDED)
        self._add(hashes, typed.rows.drop(ROW_NUMBER).with_columns(rounded))

    def _add(self, hashes: pl.Series, rows: pl.DataFrame) -> None:
        # An entry is the position of its row in `_entries`, so rows are only ever appended.
        entries = pl.Series(ENTRY, range(len(self._entries), len(self._entries) + len(rows)), pl.UInt32)
        self._known = pl.concat([self._known, pl.DataFrame([hashes.alias(HASH), entries])])
        self._entries = pl.concat([self._entries, rows], rechunk=True) if len(self._entries) else rows

    def _document(self, texts: Iterable[bytes]) -> bytes:
        *outer, row = [tag.encode() for tag in self._layout.path]
        first, last = (tag.encode() for tag in self._span)
        rows = [b"<%s><%s>%s</%s></%s>" % (row, first, text, last, row) for text in texts]
        opening = [b"<%s>" % tag for tag in outer]
        closing = [b"</%s>" % tag for tag in reversed(outer)]
        return b"".join([*opening, *rows, *closing])


def find_cached_fields(document: bytes | memoryview, layout: Layout) -> CachedFields | None:
    """Find the span of product text in the first rows; None if too few of its fields stand together."""
    row = re.escape(layout.path[-1].encode())
    rows = islice(re.finditer(rb"<%s>.*?</%s>" % (row, row), document, re.DOTALL), SAMPLED_ROWS)
    longest_row = max((LEAF.findall(match[0]) for match in rows), key=len, default=[])
    leaves = [(tag.decode(), bool(is_empty)) for tag, is_empty in longest_row]
    columns = dict(spellings(layout.dialects, [tag for tag, _ in leaves]))
    runs = groupby(leaves, lambda leaf: columns.get(leaf[0]) in PRODUCT_TEXT)
    candidates = (_between_texts(list(run)) for is_product_text, run in runs if is_product_text)
    longest = max(candidates, key=len, default=[])
    if len(longest) < MIN_FIELDS:
        return None
    return CachedFields(Span(longest[0], longest[-1]), frozenset(columns[tag] for tag in longest))


def _between_texts(leaves: Sequence[tuple[str, bool]]) -> list[str]:
    """Drop empty elements at both ends: a span begins and ends with a text."""
    texts = [index for index, (_, is_empty) in enumerate(leaves) if not is_empty]
    return [tag for tag, _ in leaves[texts[0] : texts[-1] + 1]] if texts else []


def _is_text(column: str) -> bool:
    return bool(pa.types.is_string(PRICES.field(column).type))


@cache
def _rules(columns: frozenset[str]) -> Rules:
    """Return the rules of prices for some of their columns."""
    rules = RULES[Document.PRICES]
    schema = pa.schema([field for field in PRICES if field.name in columns])
    missing = {column: reason for column, reason in rules.missing.items() if column in columns}
    return replace(rules, schema=schema, missing=missing)
