"""Read promotions piece by piece: fast or else carefully, to offers, with an account of every element."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from gogobe_dagster.parsing.fast.byte_views import CannotRead
from gogobe_dagster.parsing.fast.promotion_reader import read_promotions_fast
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.lxml.promotion_reader import read_promotions_carefully
from gogobe_dagster.parsing.model import PROMOTIONS
from gogobe_dagster.parsing.promotions.offers import ELEMENTS, Offers
from gogobe_dagster.parsing.promotions.raw import RawPromotions
from gogobe_dagster.parsing.promotions.terms import Statements, statements_of
from gogobe_dagster.parsing.reject import MOST_SAMPLES, Reject
from gogobe_dagster.parsing.report import ReaderName, Tally

DAMAGED_ROW: Final = "damaged_row"
NOTHING: Final = Tally(elements=0, taken=0, rejected=0, duplicates=0)
COLUMNS: Final = [name for name in PROMOTIONS.names if name != "file_id"]


@dataclass(slots=True)
class ReadPromotions:
    """What a document says of promotions, and what became of its elements."""

    layout: Layout
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    reader: ReaderName = "fast"
    header: dict[str, str] = field(default_factory=dict)
    declared: int | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    samples: list[Reject] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    notes: dict[str, None] = field(default_factory=dict)
    damaged: bool = False
    promotions: Tally = NOTHING
    items: Tally = NOTHING
    _begun: int = 0
    _items: Counter[str] = field(default_factory=Counter)

    @property
    def repeated(self) -> int:
        """How many elements of both sorts say nothing new; a `Sale` is both."""
        return self.items.duplicates + self.promotions.duplicates

    def take(self, raw: RawPromotions) -> Statements:
        """Note what one piece says beside its offers."""
        statements = statements_of(raw, before=self._begun)
        self.reader = "careful" if raw.reader == "careful" else self.reader
        self.header = dict(raw.header) | self.header
        self.declared = raw.declared if self.declared is None else self.declared
        self.reasons.update(statements.reasons)
        self.unknown.update(raw.unknown)
        self.notes |= dict.fromkeys((*raw.notes, *statements.notes))
        self.damaged = self.damaged or raw.damaged
        self._items.update(
            elements=len(raw.items), rejected=statements.rejected_items, unnamed=statements.unnamed_items
        )
        self._begun += raw.begun
        self.samples += statements.samples
        if broken := raw.begun - len(raw.rows):
            self.reasons[DAMAGED_ROW] += broken
            sample = f"{broken} promotions begin and do not end"
            self.samples.append(Reject(row_number=self._begun, reason=DAMAGED_ROW, sample=sample))
        self.samples = _chosen(self.samples)
        return statements

    def finish(self, offers: Offers) -> None:
        """Settle the rows and both accounts."""
        rows = offers.finish()
        stated, taken = offers.stated_elements(), offers.taken_elements(rows)
        self.promotions = Tally(
            elements=self._begun, taken=taken, rejected=self._begun - stated, duplicates=stated - taken
        )
        self.items = Tally(
            elements=self._items["elements"],
            taken=int(rows[ELEMENTS].list.len().sum()),
            rejected=self._items["rejected"],
            duplicates=offers.duplicate_items,
            unnamed=self._items["unnamed"],
        )
        self.rows = rows[COLUMNS]  # Polars would copy a frame in pieces to select from it


def no_promotions() -> pl.DataFrame:
    """Return the rows of a document that has none."""
    frame = pl.from_arrow(PROMOTIONS.empty_table())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is never a series
    return frame.select(COLUMNS)


def read_promotions(pieces: Iterable[bytes], layout: Layout, *, carefully: bool = False) -> ReadPromotions:
    """Read all pieces. A promotion that several of them speak of is one, with one hash."""
    read, offers = ReadPromotions(layout), Offers()
    for piece in pieces:
        offers.add(read.take(_read(piece, layout, read.notes, carefully=carefully)))
    read.finish(offers)
    return read


def _read(piece: bytes, layout: Layout, notes: dict[str, None], *, carefully: bool) -> RawPromotions:
    """Read a piece fast if it can be done; only the others are read carefully."""
    if not carefully:
        try:
            return read_promotions_fast(piece, layout)
        except CannotRead as why:
            notes.setdefault(str(why))
    return read_promotions_carefully(piece, layout)


def _chosen(samples: list[Reject]) -> list[Reject]:
    """Keep the first of each reason before the second of any."""
    turns: Counter[str] = Counter()
    ranked = []
    for one in samples:
        ranked.append((turns[one.reason], one.row_number, one))
        turns[one.reason] += 1
    best = sorted(ranked, key=lambda entry: entry[:2])[:MOST_SAMPLES]
    return [one for _, _, one in sorted(best, key=lambda entry: entry[1])]
