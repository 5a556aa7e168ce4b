"""What reading a file found: what a reader hands to `normalization`, and the report that the ledger keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import polars as pl

from gogobe_dagster.parsing.dialects import Dialects
from gogobe_dagster.parsing.reject import Reject

ROW_NUMBER: Final = "row_number"


class Reader(StrEnum):
    """Which reader read a document. A document that lxml read in part counts as read by lxml."""

    FAST = "fast"
    LXML = "lxml"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRows:
    """The rows of a document as text, named as the columns of the model, and what stands around them."""

    reader: Reader
    dialects: Dialects
    dialect: str
    """The path of the rows in this file, such as `Root/Items/Item`."""
    rows: pl.DataFrame
    """`row_number` and text columns; a column that the file does not have is absent."""
    header: Mapping[str, str]
    declared: int | None
    """The number of rows that the document declares (the attribute `Count` of the list)."""
    broken: int = 0
    """Rows that begin and do not end: cut off, or torn by wrong markup."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    damaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Whom the document is about. None if absent or unreadable."""

    chain_id: str | None = None
    chain_name: str | None = None
    sub_chain_id: int | None = None
    store_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of elements: elements == accepted + rejected + duplicates + without_code."""

    elements: int
    accepted: int
    rejected: int
    duplicates: int
    """Repeated later, or in another element, with nothing new."""
    without_code: int = 0
    """Items without a code. Chains write them on purpose, for promotions on whatever is bought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseReport:
    """What became of a document. For prices and stores: its items == rows + rejected + duplicates.

    The rows of promotions are offers, which are not elements: there `promotions` and `items` add up, each by
    itself. `rejected` counts the rejected terms and items, each with its reason.
    """

    reader: Reader
    dialect: str
    container: str
    encoding: str
    rows: int
    rejected: int
    duplicates: int
    reasons: dict[str, int]
    """The number of rejected rows by reason."""
    samples: list[Reject]
    """At most 20 per file, the first of each reason or field before the second of any."""
    unknown: dict[str, int]
    """Elements with text that no column reads."""
    unreadable: dict[str, int]
    """The number of optional values that cannot be read and are null, by column; their rows stay."""
    damaged: bool
    notes: tuple[str, ...]
    """Members of `Note`, such as count_mismatch or empty_document."""
    promotions: Counts | None = None
    """The elements that are one row each in the document: `Promotion` or `Sale`."""
    items: Counts | None = None
    """The items in promotions; a `Sale` is its own item."""
