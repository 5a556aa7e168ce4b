"""What reading a file found out: what a reader hands to `normalise`, and the report that the ledger keeps.

Nothing is read or judged here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import polars as pl

from gogobe_dagster.parsing.dialects import Dialects
from gogobe_dagster.parsing.reject import Reject

ROW_NUMBER: Final = "row_number"

ReaderName = Literal["fast", "careful"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRows:
    """What a reader found: columns of the model, still as text, and what stood around them."""

    reader: ReaderName
    dialects: Dialects
    dialect: str
    """Where the rows live in this file, such as `Root/Items/Item`."""
    rows: pl.DataFrame
    """`row_number` and text columns; a column that the file does not have is absent."""
    header: Mapping[str, str]
    declared: int | None
    """The list's own `Count`."""
    broken: int = 0
    """Rows that begin and do not end: cut off, or torn by wrong markup."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    damaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Who the document says it speaks of. None: not said, or not readable."""

    chain_id: str | None = None
    chain_name: str | None = None
    sub_chain_id: int | None = None
    store_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of one sort of elements. Always: elements == taken + rejected + duplicates + unnamed."""

    elements: int
    taken: int
    rejected: int
    duplicates: int
    """Said again later, or in another element, and nothing new in it."""
    unnamed: int = 0
    """Items without a code: they name nothing, which is said on purpose (PORTALS §6.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseReport:
    """What became of a document. Of prices and stores always: items in it == rows + rejected + duplicates.

    The rows of promotions are offers, which are no elements: there `promotions` and `items` add up instead,
    each for itself. `rejected` counts statements and items, each with its reason.
    """

    reader: ReaderName
    dialect: str
    container: str
    encoding: str
    rows: int
    rejected: int
    duplicates: int
    reasons: dict[str, int]
    """Reason to number of rejected rows."""
    samples: list[Reject]
    """At most 20 a file, the first of each reason before the second of any."""
    unknown: dict[str, int]
    """Elements that hold something and that nobody reads."""
    damaged: bool
    notes: tuple[str, ...]
    """Stable words, such as count_mismatch or empty_document."""
    promotions: Tally | None = None
    """Of the elements that are a row each in the document: `Promotion` or `Sale`."""
    items: Tally | None = None
    """Of the items in promotions; a `Sale` is its own item."""
