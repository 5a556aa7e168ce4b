"""Chain, store and publication day of a file: by its name when listed, by its content when parsed.

The content has precedence over the name, and the name over the portal's label; a disagreement becomes a note.
Nothing here downloads, reads or stores.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from gogobe_dagster.clock import day_of
from gogobe_dagster.errors import (
    Code,
    ContentError,
    FileError,
    PortalError,
    UnknownFileName,
)
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.names import MAX_LENGTH, FileName
from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster.parsing.report import Header
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.warehouse.ledger.model import LedgerFile, ListedFile

MAX_LISTED_FILES = 100_000
"""Of one listing; the longest real ones have 4,000."""
MAX_UNKNOWN_NAMES = 1_000
"""Of one listing, because the ledger keeps every name for ever."""


def classify_listing(
    file: RemoteFile, feed: Feed, *, now: datetime, requested: Collection[date], stale_after: timedelta
) -> ListedFile:
    """Classify a listed file by its name, with a `problem` if it must not be imported.

    Its publication day is that of the timestamp in its name; if the name cannot be parsed, that of its
    modification or of `now`. A file older than `stale_after` is imported only if its day is in `requested`,
    and a file of a future day not before that day. A name too long for the ledger's index is cut.
    """
    seen = ListedFile(
        name=_short_name(file.name),
        link=file.link,
        size=file.size,
        size_tolerance=file.size_tolerance,
        modified_at=file.modified_at,
        publication_day=day_of(file.modified_at or now),
    )
    if seen.name != file.name:
        return replace(seen, problem=UnknownFileName(file.name, f"has {len(file.name):,} characters"))
    try:
        name = FileName.parse(file.name)
    except UnknownFileName as problem:
        return replace(seen, problem=problem)
    day = day_of(name.published_at)
    return replace(
        seen,
        publication_day=day,
        kind=name.kind,
        chain_id=_canonical_chain_id(name.chain_id, feed),
        sub_chain_id=name.sub_chain_id,
        store_id=name.store_id,
        published_at=name.published_at,
        problem=_foreign_chain(name, feed)
        or _stale_or_future(day, today=day_of(now), requested=requested, stale_after=stale_after),
    )


def _short_name(name: str) -> str:
    """Return the name, or its start and a hash: the same name listed again is the same file."""
    if len(name) <= MAX_LENGTH:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: MAX_LENGTH - len(digest) - 1]}…{digest}"


def within_limits(seen: Sequence[ListedFile]) -> tuple[list[ListedFile], PortalError | None]:
    """Return what is recorded of a listing, and the error to report if that is not all of it.

    Files whose names are understood come first.
    """
    known = [file for file in seen if file.kind is not None]
    unknown = [file for file in seen if file.kind is None]
    taken = [*known, *unknown[:MAX_UNKNOWN_NAMES]][:MAX_LISTED_FILES]
    if len(taken) == len(seen):
        return taken, None
    left = f"{len(seen) - len(taken):,} of {len(seen):,} files are not recorded"
    reason = f"{left}; {len(unknown):,} have names of no known pattern"
    return taken, PortalError(Code.LISTING_TOO_LONG, reason)


def _canonical_chain_id(chain_id: str, feed: Feed) -> str:
    return feed.chain_id if chain_id in feed.aliases else chain_id


def _foreign_chain(name: FileName, feed: Feed) -> FileError | None:
    if feed.owns(name.chain_id):
        return None
    reason = f"chain {name.chain_id} is not one of {feed.key}: {', '.join(feed.chain_ids)}"
    return FileError(Code.FOREIGN_CHAIN_IN_LISTING, reason)


def _stale_or_future(
    day: date, *, today: date, requested: Collection[date], stale_after: timedelta
) -> FileError | None:
    """A future day has no partition yet: its file is imported from the listing of that day."""
    if day > today:
        return FileError(Code.FUTURE_TIMESTAMP, f"published on {day}, a day that has not come yet")
    if day in requested or day >= today - stale_after:
        return None
    return FileError(Code.STALE_FILE, f"published on {day}; to import it, request that day")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIdentity:
    """The chain, sub-chain and store of a file's rows."""

    chain_id: str
    sub_chain_id: int
    store_id: int | None
    """None for a store list of the whole chain; its rows have their own store ids in any case."""
    notes: tuple[str, ...]


def identify(file: LedgerFile, parsed: ParsedFile, feed: Feed) -> FileIdentity:
    """Determine chain and store from the header, then from the name. Raises `ContentError` if impossible.

    A shortened chain id in the header (`72906`, as Laib prints it) is ignored in favour of the name's; a
    complete one of another chain is an error. A sub-chain or store of 0 means unknown in both; where neither
    states a sub-chain, `warehouse.load.store_numbers` goes by what the chain's other files say.
    """
    _check_document(file, parsed)
    header = parsed.header
    chain_id = _chain_of(file, parsed, feed)
    is_list = parsed.document is Document.STORES
    return FileIdentity(
        chain_id=chain_id,
        sub_chain_id=header.sub_chain_id or file.sub_chain_id or 0,
        store_id=_only_store_of_list(file, parsed, feed) if is_list else _store_of(file, header.store_id),
        notes=(Note.STORE_MISMATCH,) if _is_mismatch(file, header) else (),
    )


def _store_of(file: LedgerFile, in_header: int | None) -> int:
    stated = [store_id for store_id in (in_header, file.store_id) if store_id is not None]
    if not stated:
        raise ContentError(Code.SCHEMA_UNKNOWN, "neither the document nor the name contains a store id")
    return next(filter(None, stated), 0)


def _only_store_of_list(file: LedgerFile, parsed: ParsedFile, feed: Feed) -> int | None:
    """Return the only store that a store list is about; None if it is about the whole chain.

    The name has a store id and the rows contain no other one; with `lists_each_store`, the rows are enough.
    """
    shown = set(parsed.rows["store_id"])
    if file.store_id is not None and shown <= {file.store_id}:
        return file.store_id
    return min(shown) if feed.lists_each_store and len(shown) == 1 else None


def _check_document(file: LedgerFile, parsed: ParsedFile) -> None:
    if file.kind is None or parsed.document is not file.kind.document:
        reason = f"the name means {file.kind}, the content is {parsed.document}"
        raise ContentError(Code.HEADER_NAME_MISMATCH, reason)
    if not parsed.report.rows and not parsed.report.rejected and "NULL" in file.name.upper():
        raise ContentError(Code.NULL_FILE, "a placeholder without rows")


def _chain_of(file: LedgerFile, parsed: ParsedFile, feed: Feed) -> str:
    in_header = parsed.header.chain_id
    if in_header and feed.owns(in_header):
        return _canonical_chain_id(in_header, feed)
    if in_header and len(in_header) == len(feed.chain_id) and in_header.strip("0"):
        raise ContentError(Code.FOREIGN_CHAIN_IN_LISTING, f"the document is of chain {in_header}")
    return file.chain_id or feed.chain_id


def _is_mismatch(file: LedgerFile, header: Header) -> bool:
    """Whether header and name disagree: also if the header has a store 0 where the name has another.

    A sub-chain of 0 is no disagreement: most names have 0 whatever the header says.
    """
    store_differs = header.store_id is not None and file.store_id and header.store_id != file.store_id
    sub_chains = {header.sub_chain_id, file.sub_chain_id} - {None, 0}
    return bool(store_differs) or len(sub_chains) > 1
