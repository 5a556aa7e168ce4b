"""What files say of products themselves, read once: every store of a chain says it in the same bytes, mostly.

Of a row of prices two thirds are its product's name, maker and units. So these fields are folded into one
text, and a text that was read before is not read again; only the price is, and whatever else differs from
store to store. The first time a text is read as any document. A document that is not regular, or of which
there is anything to tell, is left to be read as a whole: the result is always the same.
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
from gogobe_dagster.parsing.fast.byte_views import CannotRead, Numbers
from gogobe_dagster.parsing.fast.opaque_spans import Fold
from gogobe_dagster.parsing.fast.reader import Begun, begin, by_field, first_said, read_together
from gogobe_dagster.parsing.fast.string_views import WrittenTexts, is_one_each
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.model import PRICES, WORDING
from gogobe_dagster.parsing.normalization import as_typed, is_rounded
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows

MARK, NUMBER, PLACE, ROUNDED = "mark", "number", "place", "is_rounded"
COLUMNS: Final = [field.name for field in PRICES if field.name not in {"file_id", ROW_NUMBER}]
FEWEST_FIELDS: Final = 4
ROWS_LOOKED_AT: Final = 3
NEVER_AGAIN: Final = 3
"""Times that documents could not be read so, or said mostly what is new, after which no more are tried."""
LEAF: Final = re.compile(rb"<([A-Za-z_][\w.:-]*)(?:>[^<]*</\1>|\s*(/)>)", re.ASCII)
MARKED: Final = r"[&\x00-\x1f]"
"""What a text has that is not meant as it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """The rows of some documents, one below the other, each value as the model has it."""

    rows: pl.DataFrame
    is_rounded: pl.Series
    """Rows with numbers of more decimals than the model keeps."""
    lengths: Sequence[int]
    """The rows of each document."""
    documents: Sequence[RawRows]
    """What is said of each document but its rows."""


class Folding(NamedTuple):
    """What is folded in documents, and the columns of the model that are inside."""

    fold: Fold
    columns: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A document that was read as a whole, of which there was nothing to tell."""

    xml: bytes | memoryview
    fields: Mapping[str, int]
    """`Together.fields`."""
    rows: pl.DataFrame
    """As the model has them."""


class Wordings:
    """The words that a batch has met in documents that are alike."""

    def __init__(self, layout: Layout, folding: Folding) -> None:
        """Nothing is met yet."""
        self._layout, (self._fold, columns) = layout, folding
        self._said, self._own = _rules(columns), _rules(frozenset(COLUMNS) - columns)
        self._columns = columns
        self._failed = 0
        self._first: Whole | None = None
        self._known = pl.DataFrame(schema={MARK: pl.UInt64, NUMBER: pl.UInt32})
        self._words = pl.DataFrame()

    def read(self, documents: Sequence[bytes | memoryview]) -> Folded:
        """Read documents. Raises `CannotRead` for those that have to be read as a whole."""
        if self._failed >= NEVER_AGAIN:
            raise CannotRead("no_fold")
        with suppress(CannotRead):
            self._learn()
        try:
            return self._read(begin(documents, self._layout, self._fold))
        except CannotRead:
            self._failed += 1
            raise

    def expect_from(self, whole: Whole) -> None:
        """Take the words of a document as known, once another one is to be read."""
        self._first = whole

    def _learn(self) -> None:
        """Find what the rows of the first document say in their folds: it need not be read again."""
        first, self._first = self._first, None
        if first is None:
            return
        begun = begin([first.xml], self._layout, self._fold)
        outside = dict(by_field(begun.places))
        folded = self._folded(outside, begun)
        inside = [
            self._fold.first,
            *(tag for tag, number in first.fields.items() if number > len(outside.get(tag, ()))),
        ]
        if self._columns_of(inside) - self._columns or self._columns_of(outside) & self._columns:
            raise CannotRead("odd_fold")
        marks = WrittenTexts(begun.places.markup).marks(folded)[first.rows[ROW_NUMBER] - 1]
        words = first.rows.select(self._said.schema.names).with_columns(pl.lit(value=False).alias(ROUNDED))
        is_first = marks.is_first_distinct()
        self._remember(marks.filter(is_first), words.filter(is_first))

    def _columns_of(self, tags: Iterable[str]) -> set[str]:
        return {column for _, column in spellings(self._layout.dialects, tags)}

    def _folded(self, fields: dict[str, Numbers], begun: Begun) -> Numbers:
        """Take the folds out of the fields; raises `CannotRead` for a row without, or with several."""
        folded = fields.pop(self._fold.first, None)
        if folded is None or not is_one_each(folded, begun.places.rows):
            raise CannotRead("odd_fold")
        return folded

    def _read(self, begun: Begun) -> Folded:
        fields = dict(by_field(begun.places))
        folded = self._folded(fields, begun)
        texts = WrittenTexts(begun.places.markup)
        own, is_own_rounded = self._own_columns(begun, fields, texts)
        words = self._words_of(texts.marks(folded), folded, begun)
        return Folded(
            rows=own.hstack(words.drop(ROUNDED)).select(ROW_NUMBER, *COLUMNS),
            is_rounded=words[ROUNDED] | is_own_rounded,
            lengths=begun.lengths,
            documents=[begun.said(number, Counter()) for number in range(len(begun.lengths))],
        )

    def _own_columns(
        self, begun: Begun, fields: Mapping[str, Numbers], texts: WrittenTexts
    ) -> tuple[pl.DataFrame, pl.Series]:
        """Read what is outside the fold; raises `CannotRead` if there is anything to tell of it."""
        if any(not self._layout.dialects.is_known(local(tag).lower()) for tag in fields):
            raise CannotRead("odd_fold")
        said: dict[str, list[pl.Series]] = {}
        for tag, column in spellings(self._layout.dialects, fields):
            said.setdefault(column, []).append(texts.column_of(fields[tag], begun.places.rows))
        columns = [first_said(some).alias(column) for column, some in said.items()]
        is_plain = not any(column.str.contains(MARKED).any() for column in columns if _is_text(column.name))
        raw = pl.DataFrame([begun.row_numbers, *columns])
        own = as_typed(raw, self._own)
        if not (is_plain and own.is_clean and set(said).issubset(self._own.schema.names)):
            raise CannotRead("odd_fold")
        return own.rows, is_rounded(raw, self._own)

    def _words_of(self, marks: pl.Series, folded: Numbers, begun: Begun) -> pl.DataFrame:
        """Return the words of each row, meeting those that are new."""
        asked = pl.DataFrame({MARK: marks})
        numbers = asked.join(self._known, on=MARK, how="left", maintain_order="left")[NUMBER]
        if new_ones := numbers.null_count():
            self._failed += bool(len(self._words)) and new_ones * 2 > len(numbers)
            new = (
                asked.with_row_index(PLACE)
                .filter(numbers.is_null())
                .unique(MARK, keep="first", maintain_order=True)
            )
            self._meet(new[MARK], folded[new[PLACE].to_numpy()], begun)
            numbers = asked.join(self._known, on=MARK, how="left", maintain_order="left")[NUMBER]
        return self._words[numbers]

    def _meet(self, marks: pl.Series, places: Numbers, begun: Begun) -> None:
        """Read texts for the first time, as the rows of a document of their own."""
        markup = begun.places.markup
        spans = zip(markup.starts[places].tolist(), markup.stops[places].tolist(), strict=True)
        read = read_together(
            [self._document([markup.buffer[start:stop] for start, stop in spans])], self._layout
        )
        words = as_typed(read.rows, self._said)
        is_all_said = set(read.rows.columns).issubset({ROW_NUMBER, *self._said.schema.names})
        if len(words.rows) != len(marks) or not (words.is_clean and is_all_said) or read.documents[0].unknown:
            raise CannotRead("odd_fold")
        is_odd = is_rounded(read.rows, self._said).alias(ROUNDED)
        self._remember(marks, words.rows.drop(ROW_NUMBER).with_columns(is_odd))

    def _remember(self, marks: pl.Series, rows: pl.DataFrame) -> None:
        numbers = pl.Series(NUMBER, range(len(self._words), len(self._words) + len(rows)), pl.UInt32)
        self._known = pl.concat([self._known, pl.DataFrame([marks.alias(MARK), numbers])])
        self._words = pl.concat([self._words, rows], rechunk=True) if len(self._words) else rows

    def _document(self, texts: Iterable[bytes]) -> bytes:
        *around, row = [tag.encode() for tag in self._layout.path]
        first, last = (tag.encode() for tag in self._fold)
        rows = [b"<%s><%s>%s</%s></%s>" % (row, first, text, last, row) for text in texts]
        opened = [b"<%s>" % tag for tag in around]
        closed = [b"</%s>" % tag for tag in reversed(around)]
        return b"".join([*opened, *rows, *closed])


def folding_of(document: bytes | memoryview, layout: Layout) -> Folding | None:
    """Look at the first rows of a document; None if too few fields of products stand together in them."""
    row = re.escape(layout.path[-1].encode())
    rows = islice(re.finditer(rb"<%s>.*?</%s>" % (row, row), document, re.DOTALL), ROWS_LOOKED_AT)
    found = max((LEAF.findall(one[0]) for one in rows), key=len, default=[])
    leaves = [(tag.decode(), bool(is_empty)) for tag, is_empty in found]
    columns = dict(spellings(layout.dialects, [tag for tag, _ in leaves]))
    runs = groupby(leaves, lambda leaf: columns.get(leaf[0]) in WORDING)
    longest = max((_between_texts(list(run)) for is_wording, run in runs if is_wording), key=len, default=[])
    if len(longest) < FEWEST_FIELDS:
        return None
    return Folding(Fold(longest[0], longest[-1]), frozenset(columns[tag] for tag in longest))


def _between_texts(leaves: Sequence[tuple[str, bool]]) -> list[str]:
    """Leave out the empty elements at both ends: a fold begins and ends with a text."""
    texts = [place for place, (_, is_empty) in enumerate(leaves) if not is_empty]
    return [tag for tag, _ in leaves[texts[0] : texts[-1] + 1]] if texts else []


def _is_text(column: str) -> bool:
    return bool(pa.types.is_string(PRICES.field(column).type))


@cache
def _rules(columns: frozenset[str]) -> Rules:
    """Return what the model says of some of its columns."""
    whole = RULES[Document.PRICES]
    schema = pa.schema([field for field in PRICES if field.name in columns])
    missing = {column: reason for column, reason in whole.missing.items() if column in columns}
    return replace(whole, schema=schema, missing=missing)
