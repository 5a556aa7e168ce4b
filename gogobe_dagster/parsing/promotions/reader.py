"""Reads promotions, fast or with lxml, into offers, and accounts for every element.

A long document is read chunk by chunk, and short ones are read together: setting up the columns of a document
of five promotions takes thirty times as long as reading them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from gogobe_dagster.parsing.fast.entry import FastReader, NotRegular, Xml
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.lxml.promotion_reader import read_promotions_with_lxml
from gogobe_dagster.parsing.model import PROMOTIONS
from gogobe_dagster.parsing.promotions.offers import DocumentOffers, Offers, count_per_document
from gogobe_dagster.parsing.promotions.raw import RawDocument, RawPromotions
from gogobe_dagster.parsing.promotions.terms import TermRows, extract_terms
from gogobe_dagster.parsing.reject import MAX_SAMPLES, Reject, RejectReason
from gogobe_dagster.parsing.report import ROW_NUMBER, Counts, Reader

NO_ELEMENTS: Final = Counts(elements=0, accepted=0, rejected=0, duplicates=0)
COLUMNS: Final = [name for name in PROMOTIONS.names if name != "file_id"]


@dataclass(slots=True)
class PromotionsResult:
    """The offers of a document, and what became of its elements."""

    layout: Layout
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    reader: Reader = Reader.FAST
    header: dict[str, str] = field(default_factory=dict)
    declared: int | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    samples: list[Reject] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    listed_only: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Promotions of which no content can be read; the columns of `rows`."""
    notes: dict[str, None] = field(default_factory=dict)
    damaged: bool = False
    promotions: Counts = NO_ELEMENTS
    items: Counts = NO_ELEMENTS
    begun: int = 0
    """Promotions that begin, in all chunks so far."""
    _items: Counter[str] = field(default_factory=Counter)
    _unread: list[pl.DataFrame] = field(default_factory=list)

    @property
    def duplicates(self) -> int:
        """The number of promotions and items with nothing new; a `Sale` is both."""
        return self.items.duplicates + self.promotions.duplicates

    def add(self, raw: RawPromotions) -> TermRows:
        """Add what one chunk reports; return its terms and items."""
        (document,) = raw.documents
        term_rows = extract_terms(raw, before=self.begun)
        self.reader = Reader.LXML if raw.reader is Reader.LXML else self.reader
        self.reasons.update(term_rows.reasons)
        self.unreadable.update(term_rows.unreadable)
        self._unread.append(term_rows.unread)
        self.notes |= dict.fromkeys((*raw.notes, *term_rows.notes))
        self.damaged = self.damaged or raw.damaged
        self._items.update(rejected=term_rows.rejected_items)
        self.add_document(document, items=len(raw.items), without_code=len(term_rows.without_code))
        self.samples += term_rows.samples
        if broken := document.begun - len(raw.rows):
            self.reasons[RejectReason.DAMAGED_ROW] += broken
            sample = f"{broken} promotions begin and do not end"
            self.samples.append(Reject(row_number=self.begun, reason=RejectReason.DAMAGED_ROW, sample=sample))
        self.samples = _select_samples(self.samples)
        return term_rows

    def add_document(self, document: RawDocument, *, items: int, without_code: int) -> None:
        """Add what stands around the promotions of a document or chunk, and the numbers of its items."""
        self.header = dict(document.header) | self.header
        self.declared = document.declared if self.declared is None else self.declared
        self.unknown.update(document.unknown)
        self.begun += document.begun
        self._items.update(elements=items, without_code=without_code)

    def finish(self, offers: DocumentOffers) -> None:
        """Make the rows and both counts."""
        self.promotions = Counts(
            elements=self.begun,
            accepted=offers.accepted_elements,
            rejected=self.begun - offers.used_elements,
            duplicates=offers.used_elements - offers.accepted_elements,
        )
        self.items = Counts(
            elements=self._items["elements"],
            accepted=offers.accepted_items,
            rejected=self._items["rejected"],
            duplicates=offers.duplicate_items,
            without_code=self._items["without_code"],
        )
        self.rows = offers.rows[COLUMNS]  # Polars would copy a frame in pieces to select from it
        self.listed_only = self._list_unread()

    def _list_unread(self) -> pl.DataFrame:
        """Return one row without content per promotion of which only the id can be read."""
        if not any(map(len, self._unread)):
            return self.rows.clear()
        ids = pl.concat(self._unread).filter(
            ~pl.col("promotion_id").is_in(self.rows["promotion_id"].implode())
        )
        rows = ids.unique("promotion_id", keep="first", maintain_order=True)
        first = len(self.rows) + 1
        return pl.concat([self.rows.clear(), rows], how="diagonal_relaxed").with_columns(
            pl.int_range(first, first + len(rows), dtype=pl.Int32).alias(ROW_NUMBER),
            pl.lit(1, pl.Int32).alias("group_id"),
            pl.lit([]).cast(self.rows.schema["items"]).alias("items"),
        )


def no_promotions() -> pl.DataFrame:
    """Return the rows of a document that has none."""
    frame = pl.from_arrow(PROMOTIONS.empty_table())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is never a series
    return frame.select(COLUMNS)


def read_promotions(chunks: Iterable[bytes], layout: Layout, fast: FastReader | None) -> PromotionsResult:
    """Read all chunks of a document. A promotion that several of them have is one, with one hash."""
    result, offers = PromotionsResult(layout), Offers()
    for chunk in chunks:
        offers.add(result.add(_read(chunk, layout, fast, result.notes)))
    result.finish(*offers.finish([result.begun]))
    return result


def read_promotions_together(
    documents: Sequence[Xml], layout: Layout, fast: FastReader
) -> list[PromotionsResult] | None:
    """Read short documents as if they were one; return for each what `read_promotions` does.

    None if anything has to be reported of the promotions of one of them, or if one is not regular: then each
    is to be read alone. Raises `ContentError` if one is hostile.
    """
    try:
        raw = fast.read_promotions(documents, layout)
    except NotRegular:
        return None
    term_rows = extract_terms(raw)
    if not term_rows.is_clean:
        return None
    offers = Offers()
    offers.add(term_rows)
    lengths = [document.begun for document in raw.documents]
    of_documents = zip(
        raw.documents,
        count_per_document(raw.items[ROW_NUMBER], lengths),
        count_per_document(term_rows.without_code, lengths),
        offers.finish(lengths),
        strict=True,
    )
    results = []
    for document, items, without_code, offers_of_document in of_documents:
        result = PromotionsResult(layout)
        result.add_document(document, items=items, without_code=without_code)
        result.finish(offers_of_document)
        results.append(result)
    return results


def _read(chunk: bytes, layout: Layout, fast: FastReader | None, notes: dict[str, None]) -> RawPromotions:
    """Read a chunk, fast if possible; only chunks that are not regular are read with lxml."""
    if fast is None:
        return read_promotions_with_lxml(chunk, layout)
    try:
        return fast.read_promotions([chunk], layout)
    except NotRegular as not_regular:
        notes.setdefault(not_regular.note)
        return read_promotions_with_lxml(chunk, layout)


def _select_samples(samples: list[Reject]) -> list[Reject]:
    """Keep the first of each reason before the second of any."""
    counts: Counter[str] = Counter()
    ranked = []
    for sample in samples:
        ranked.append((counts[sample.reason], sample.row_number, sample))
        counts[sample.reason] += 1
    best = sorted(ranked, key=lambda entry: entry[:2])[:MAX_SAMPLES]
    return [sample for _, _, sample in sorted(best, key=lambda entry: entry[1])]
