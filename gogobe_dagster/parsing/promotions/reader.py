"""Reads promotions chunk by chunk, fast or with lxml, into offers, and accounts for every element."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from gogobe_dagster.errors import ContentError
from gogobe_dagster.parsing.fast.entry import FastReader, NotRegular
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.lxml.promotion_reader import read_promotions_with_lxml
from gogobe_dagster.parsing.model import PROMOTIONS
from gogobe_dagster.parsing.promotions.offers import ELEMENTS, Offers
from gogobe_dagster.parsing.promotions.raw import RawPromotions
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
    _begun: int = 0
    _items: Counter[str] = field(default_factory=Counter)
    _unread: list[pl.DataFrame] = field(default_factory=list)

    @property
    def duplicates(self) -> int:
        """The number of promotions and items with nothing new; a `Sale` is both."""
        return self.items.duplicates + self.promotions.duplicates

    def add(self, raw: RawPromotions) -> TermRows:
        """Add what one chunk reports; return its terms and items."""
        term_rows = extract_terms(raw, before=self._begun)
        self.reader = Reader.LXML if raw.reader is Reader.LXML else self.reader
        self.header = dict(raw.header) | self.header
        self.declared = raw.declared if self.declared is None else self.declared
        self.reasons.update(term_rows.reasons)
        self.unknown.update(raw.unknown)
        self.unreadable.update(term_rows.unreadable)
        self._unread.append(term_rows.unread)
        self.notes |= dict.fromkeys((*raw.notes, *term_rows.notes))
        self.damaged = self.damaged or raw.damaged
        self._items.update(
            elements=len(raw.items),
            rejected=term_rows.rejected_items,
            without_code=term_rows.items_without_code,
        )
        self._begun += raw.begun
        self.samples += term_rows.samples
        if broken := raw.begun - len(raw.rows):
            self.reasons[RejectReason.DAMAGED_ROW] += broken
            sample = f"{broken} promotions begin and do not end"
            self.samples.append(
                Reject(row_number=self._begun, reason=RejectReason.DAMAGED_ROW, sample=sample)
            )
        self.samples = _select_samples(self.samples)
        return term_rows

    def finish(self, offers: Offers) -> None:
        """Make the rows and both counts."""
        rows = offers.finish()
        used, accepted = offers.used_elements(), offers.accepted_elements(rows)
        self.promotions = Counts(
            elements=self._begun,
            accepted=accepted,
            rejected=self._begun - used,
            duplicates=used - accepted,
        )
        self.items = Counts(
            elements=self._items["elements"],
            accepted=int(rows[ELEMENTS].list.len().sum()),
            rejected=self._items["rejected"],
            duplicates=offers.duplicate_items,
            without_code=self._items["without_code"],
        )
        self.rows = rows[COLUMNS]  # Polars would copy a frame in pieces to select from it
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
    result.finish(offers)
    return result


def _read(chunk: bytes, layout: Layout, fast: FastReader | None, notes: dict[str, None]) -> RawPromotions:
    """Read a chunk, fast if possible; only chunks that are not regular are read with lxml."""
    if fast is None:
        return read_promotions_with_lxml(chunk, layout)
    (outcome,) = fast.read([chunk], layout)
    if isinstance(outcome, ContentError):
        raise outcome
    if isinstance(outcome, RawPromotions):
        return outcome
    if isinstance(outcome, NotRegular):
        notes.setdefault(outcome.note)
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
