"""What the ledger takes and returns, as plain values.

Nothing here imports SQLAlchemy or Polars, so that any module may name these types without loading them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gogobe_dagster.errors import EXPECTED_CODES, Code, CodedError
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.parsing.reject import Reject
from gogobe_dagster.warehouse.schema.enums import FileState


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A line of a listing and what its name says."""

    name: str
    link: str
    size: int | None
    size_tolerance: int
    modified_at: datetime | None
    publication_day: date
    kind: FileKind | None = None
    chain_id: str | None = None
    sub_chain_id: int | None = None
    store_id: int | None = None
    published_at: datetime | None = None
    problem: CodedError | None = None
    """Why it is not to be imported; it is recorded as quarantined from the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingResult:
    """What a listing told: `listed` is the sum of the next three; `quarantined` are some of the new ones."""

    listed: int
    new: int
    known: int
    republished: int
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFile:
    """One file as the ledger knows it. The columns of the table `file` say what each field means."""

    id: int
    feed: str
    name: str
    revision: int
    link: str
    listed_size: int | None
    size_tolerance: int
    modified_at: datetime | None
    publication_day: date
    kind: FileKind | None
    chain_id: str | None
    sub_chain_id: int | None
    store_id: int | None
    published_at: datetime | None
    state: FileState
    code: str | None
    reason: str | None
    attempts: int
    sha256: str | None
    size: int | None
    lake_path: str | None
    is_damaged: bool
    is_complete: bool
    rows: int | None
    rejected: int | None
    duplicates: int | None
    retry_at: datetime | None = None

    @property
    def is_left_out(self) -> bool:
        """Whether it is not in the tables on purpose, so that nobody has to act."""
        return self.state is FileState.SUPERSEDED or self.code in EXPECTED_CODES


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """What reading a file gave, and where its rows are in the lake."""

    file_id: int
    chain_id: str
    sub_chain_id: int
    store_id: int | None
    lake_path: str
    rows: int
    rejected: int
    duplicates: int
    reject_reasons: Mapping[str, int]
    samples: Sequence[Reject]
    unknown_elements: Mapping[str, int]
    unreadable_fields: Mapping[str, int]
    reader: str
    dialect: str
    container: str
    encoding: str
    is_damaged: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """How many files of one feed are in which state. The view `feed_health` describes each number."""

    feed: str
    discovered: int
    downloaded: int
    parsed: int
    loaded: int
    superseded: int
    quarantined: int
    rows: int
    newest_full_at: datetime | None
    last_loaded_at: datetime | None
    listed_at: datetime | None
    listing_code: str | None
    """Why the last listing failed; None: it succeeded."""

    @property
    def listed(self) -> int:
        """How many files the portal listed."""
        return self.discovered + self.downloaded + self.parsed + self.settled

    @property
    def settled(self) -> int:
        """How many of them are in a final state: loaded, superseded or quarantined."""
        return self.loaded + self.superseded + self.quarantined


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFiles:
    """Which failed files are meant; what is empty restricts nothing.

    Files that were left out on purpose, such as those of another chain, are meant only by their code.
    """

    names: Collection[str] = ()
    """File names; `*` stands for any characters."""
    codes: Collection[Code] = ()
    feeds: Collection[str] = ()
    days: Collection[date] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeued:
    """How many files were put back, and how many could not be, by code."""

    to_download: dict[str, int]
    to_parse: dict[str, int]
    unavailable: dict[str, int]
    """Neither listed by the portal nor in the raw store."""

    @property
    def files(self) -> int:
        """How many files were put back."""
        return sum(self.to_download.values()) + sum(self.to_parse.values())
