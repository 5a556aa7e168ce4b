"""Who a file speaks of: which chain, store and day, by its name when listed and by its content once read.

Content goes before the name, the name before the portal's label (DESIGN §3 rule 8); disagreement is
noted, never silent. Nothing here fetches, reads or stores.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType

from gogobe_dagster.clock import day_of
from gogobe_dagster.errors import Code, ContentError, FileError, Trait, UnknownFileName
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.names import FileName
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.warehouse.ledger.model import LedgerFile, Sighting
from gogobe_dagster.warehouse.schema.enums import FileState

EXPECTED_CODES = frozenset(code for code in Code if Trait.EXPECTED in code.traits)


def sight(
    file: RemoteFile, feed: Feed, *, now: datetime, asked: Collection[date], stale_after: timedelta
) -> Sighting:
    """Say what a line of a listing is, and the reason if it is not to be imported.

    A file belongs to the day of the stamp in its name; one without a readable name to the day of the
    listing. A leftover older than `stale_after` is imported only when its day was asked for, and a file of
    a day that has not come when it has.
    """
    seen = Sighting(
        name=file.name,
        link=file.link,
        size=file.size,
        size_slack=file.size_slack,
        modified_at=file.modified_at,
        day=day_of(file.modified_at or now),
    )
    try:
        name = FileName.parse(file.name)
    except UnknownFileName as problem:
        return replace(seen, problem=problem)
    day = day_of(name.published_at)
    return replace(
        seen,
        day=day,
        kind=name.kind,
        chain_id=_meant(name.chain_id, feed),
        sub_chain_id=name.sub_chain_id,
        store_id=name.store_id,
        published_at=name.published_at,
        problem=_foreign(name, feed)
        or _untimely(day, today=day_of(now), asked=asked, stale_after=stale_after),
    )


def _meant(chain_id: str, feed: Feed) -> str:
    return feed.chain_id if chain_id in feed.aliases else chain_id


def _foreign(name: FileName, feed: Feed) -> FileError | None:
    if feed.owns(name.chain_id):
        return None
    reason = f"chain {name.chain_id} is not one of {feed.key}: {', '.join(feed.chain_ids)}"
    return FileError(Code.FOREIGN_CHAIN_IN_LISTING, reason)


def _untimely(day: date, *, today: date, asked: Collection[date], stale_after: timedelta) -> FileError | None:
    """A day that has not come is no partition yet; its file is taken by the listing of that day."""
    if day > today:
        return FileError(Code.FUTURE_TIMESTAMP, f"published on {day}, a day that has not come yet")
    if day in asked or day >= today - stale_after:
        return None
    return FileError(Code.STALE_FILE, f"published on {day}, a leftover; ask for that day to import it")


def is_expected_quarantine(file: LedgerFile) -> bool:
    """Whether a file is left out of the tables on purpose, so that nobody has to look at it."""
    return file.state is FileState.SUPERSEDED or file.code in EXPECTED_CODES


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The chain and store that a file's rows are about."""

    chain_id: str
    sub_chain_id: int
    store_id: int | None
    """None for a store list that speaks of the whole chain; its rows name their own stores in any case."""
    notes: tuple[str, ...]


def identify(
    file: LedgerFile, parsed: ParsedFile, feed: Feed, sub_chains: Mapping[int, int] = MappingProxyType({})
) -> Subject:
    """Settle chain and store by header, then name. Raises `ContentError` when the file is not what it claims.

    A shortened chain id (`72906`, as Laib prints it) gives way to the name's; a whole one of another
    chain does not belong here. `sub_chains` has those of stores where neither says it (`warehouse.branches`).
    """
    _check_document(file, parsed)
    header = parsed.header
    chain_id = _chain_of(file, parsed, feed)
    is_list = parsed.document is Document.STORES
    store_id = _listed_alone(file, parsed, feed) if is_list else _store_of(file, header.store_id)
    disagrees = _disagree(header.store_id, file.store_id) or _disagree(header.sub_chain_id, file.sub_chain_id)
    return Subject(
        chain_id=chain_id,
        sub_chain_id=header.sub_chain_id or file.sub_chain_id or sub_chains.get(store_id or 0, 0),
        store_id=store_id,
        notes=(Code.HEADER_NAME_MISMATCH.value,) if disagrees else (),
    )


def _store_of(file: LedgerFile, said: int | None) -> int:
    store_id = said if said is not None else file.store_id
    if store_id is None:
        raise ContentError(Code.SCHEMA_UNKNOWN, "neither the document nor the name says which store")
    return store_id


def _listed_alone(file: LedgerFile, parsed: ParsedFile, feed: Feed) -> int | None:
    """Return the store of which alone a store list speaks; None when it speaks of the whole chain.

    Its name says so, and its rows do not contradict; a feed whose stores list themselves needs no name.
    """
    shown = set(parsed.rows["store_id"])
    if file.store_id is not None and shown <= {file.store_id}:
        return file.store_id
    return min(shown) if feed.lists_each_store and len(shown) == 1 else None


def _check_document(file: LedgerFile, parsed: ParsedFile) -> None:
    if file.kind is None or parsed.document is not file.kind.document:
        reason = f"named as {file.kind}, holds {parsed.document}"
        raise ContentError(Code.HEADER_NAME_MISMATCH, reason)
    if not parsed.report.rows and not parsed.report.rejected and "NULL" in file.name.upper():
        raise ContentError(Code.NULL_FILE, "a placeholder without rows: nothing changed")


def _chain_of(file: LedgerFile, parsed: ParsedFile, feed: Feed) -> str:
    said = parsed.header.chain_id
    if said and feed.owns(said):
        return _meant(said, feed)
    if said and len(said) == len(feed.chain_id) and said.strip("0"):
        raise ContentError(Code.FOREIGN_CHAIN_IN_LISTING, f"the document says chain {said}")
    return file.chain_id or feed.chain_id


def _disagree(in_header: int | None, in_name: int | None) -> bool:
    """Zero is how both say that they do not know."""
    return bool(in_header) and bool(in_name) and in_header != in_name
