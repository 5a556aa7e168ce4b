"""The story: what a feed publishes becomes rows in the tables. Each chapter is one function.

discover    list the portal, write every name into the ledger
download    fetch what the ledger lacks into the raw store
plan        split what is fetched into batches
parse       read a batch into the lake
load        bring what is parsed into the tables

Each chapter does what is pending and says what it did; a second time it finds nothing to do. A file
that fails is recorded with its code and never stops the others. Nothing here knows Dagster.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from math import inf
from operator import attrgetter

import stamina

from gogobe_dagster.clock import day_of
from gogobe_dagster.errors import Code, CodedError, ContentError, FileError, PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.raw_store import StoredFile
from gogobe_dagster.identity import Subject, identify, sight
from gogobe_dagster.lake.parquet_lake import LakeBatch
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster.portals.base import Portal, RemoteFile
from gogobe_dagster.resources import Resources
from gogobe_dagster.sizes import chunk_by_size
from gogobe_dagster.warehouse.ledger.model import LedgerFile, ParsedEntry, Recorded
from gogobe_dagster.warehouse.load.loader import LoadReport, load_prices, load_promotions, load_stores
from gogobe_dagster.warehouse.load.sub_chain_lookup import sub_chains
from gogobe_dagster.warehouse.schema.enums import FileState

TRIES = 3
LOADERS = {
    Document.STORES: load_stores,
    Document.PRICES: load_prices,
    Document.PROMOTIONS: load_promotions,
}


def discover(feed: Feed, days: Collection[date], resources: Resources, *, budget: float = inf) -> Recorded:
    """List the portal, also for the past days asked where it can, and record every name it shows.

    Files of other days that the listing shows are recorded too, for the runs of those days. Raises
    `PortalError`; then nothing is recorded but the failure. `budget`: seconds for all pages together.
    """
    now = resources.clock()
    stale_after = timedelta(days=resources.settings.stale_after_days)
    try:
        listed = list_portal(feed, days, resources, budget=budget)
    except PortalError as error:
        resources.ledger.record_failure(feed.key, error, now=now)
        raise
    sightings = [sight(file, feed, now=now, asked=days, stale_after=stale_after) for file in listed]
    return resources.ledger.record(feed.key, sightings, now=now)


def list_portal(
    feed: Feed, days: Collection[date], resources: Resources, *, budget: float = inf
) -> list[RemoteFile]:
    """Ask a portal what it shows, each name once. Raises `PortalError`, also when it shows nothing at all.

    A past day may truly be empty; a portal without a single file is one that was wiped or turned us
    away politely (PORTALS §4.2.3: Osher Ad's folder is emptied and refilled in the morning).
    """
    with resources.portal(feed, budget=budget) as portal:
        asked = _askable(days, portal, resources.clock())
        listed = {file.name: file for day in asked for file in portal.list_files(day)}
    if not listed and None in asked:
        reason = f"the portal lists no file at all; {feed.name} has about {feed.stores} stores"
        raise PortalError(Code.LISTING_EMPTY_UNEXPECTED, reason)
    return list(listed.values())


def _askable(days: Collection[date], portal: Portal, now: datetime) -> list[date | None]:
    """Ask for today without a day; ask for past days only where the portal offers them."""
    past = sorted(day for day in days if day < day_of(now)) if portal.offers_past_days else []
    return [*past, None] if len(past) < len(days) else [*past]


def not_offered(feed: Feed, days: Collection[date], resources: Resources) -> list[date]:
    """Return the past days that the portal cannot be asked for and of which the ledger has no file.

    Nobody knows what was published then: such a day is `past_day_not_offered`, never an empty one.
    """
    with resources.portal(feed) as portal:
        if portal.offers_past_days:
            return []
    past = {day for day in days if day < day_of(resources.clock())}
    return sorted(past - {file.day for file in resources.ledger.of_days(feed.key, past)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """What a round of downloads did."""

    fetched: int
    failed: int
    bytes: int
    stopped_by: PortalError | None
    """The portal as a whole went away; the files not tried stay pending."""


def download(feed: Feed, days: Collection[date], resources: Resources) -> Downloads:
    """Fetch the pending files of these days into the raw store, as many at once as the portal bears.

    Each file's fate is in the ledger soon after it is known; a killed run fetches a few files again.
    """
    ledger, clock = resources.ledger, resources.clock
    max_attempts = resources.settings.max_attempts
    sizes: list[int] = []
    failed, stopped_by = 0, None
    with resources.portal(feed) as portal:
        for file, outcome in _fetch_all(ledger.to_download(feed.key, days), portal, resources):
            if isinstance(outcome, StoredFile):
                ledger.mark_downloaded(file.id, sha256=outcome.sha256, size=outcome.size, now=clock())
                sizes.append(outcome.size)
            elif isinstance(outcome, PortalError):
                # the portal's fault, which must not use up the file's attempts
                ledger.mark_untried(file.id, outcome, now=clock())
                stopped_by = outcome
            else:
                ledger.mark_failed(file.id, outcome, now=clock(), max_attempts=max_attempts)
                failed += 1
    if stopped_by:
        ledger.record_failure(feed.key, stopped_by, now=clock())
    return Downloads(fetched=len(sizes), failed=failed, bytes=sum(sizes), stopped_by=stopped_by)


def _fetch_all(
    files: Sequence[LedgerFile], portal: Portal, resources: Resources
) -> Iterator[tuple[LedgerFile, StoredFile | CodedError]]:
    """Fetch in a window that slides: a slow file holds up none but itself.

    A portal that goes away is met by the files in the window, not by every file.
    """
    width, waiting = portal.parallel_downloads, iter(files)
    under_way: dict[Future[StoredFile | CodedError], LedgerFile] = {}
    with ThreadPoolExecutor(max_workers=width, thread_name_prefix="download") as pool:
        is_gone = False
        while True:
            # twice the width, so that no worker waits while the ledger is written
            for file in () if is_gone else islice(waiting, width * 2 - len(under_way)):
                under_way[pool.submit(_fetch, file, portal, resources)] = file
            if not under_way:
                return
            ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
            is_gone |= any(isinstance(one.result(), PortalError) for one in ended)
            yield from [(under_way.pop(one), one.result()) for one in ended]


def _fetch(file: LedgerFile, portal: Portal, resources: Resources) -> StoredFile | CodedError:
    remote = RemoteFile(
        name=file.name,
        link=file.link,
        size=file.listed_size,
        size_slack=file.size_slack,
        modified_at=file.modified_at,
    )
    store, limit = resources.raw_store, resources.download_limit
    patient = stamina.RetryingCaller(attempts=TRIES, wait_initial=0.5, wait_max=10).on(_can_retry)
    try:
        return patient(lambda: store.save(portal.fetch(remote), limit=limit))
    except CodedError as error:
        return error


def _can_retry(error: Exception) -> bool:
    return isinstance(error, CodedError) and error.retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Files of one feed and day that are parsed together into one lake file a document."""

    feed: str
    day: date
    file_ids: tuple[int, ...]

    @property
    def key(self) -> str:
        """The same files make the same key, so that a repeated batch overwrites itself in the lake."""
        ids = ",".join(map(str, sorted(self.file_ids)))
        return hashlib.sha256(ids.encode()).hexdigest()[:16]


def plan(feed: Feed, days: Collection[date], resources: Resources) -> list[Batch]:
    """Split the fetched files into batches by compressed size; a run with little to do gets one a day."""
    pending = sorted(resources.ledger.to_parse(feed.key, days), key=attrgetter("day"))
    return [
        Batch(feed=feed.key, day=day, file_ids=tuple(file.id for file in some))
        for day, files in groupby(pending, key=attrgetter("day"))
        for some in chunk_by_size(
            files,
            lambda file: file.size or 0,
            max_size=resources.batch_bytes,
            max_items=resources.settings.batch_files,
        )
    ]


def parse(batch: Batch, feed: Feed, resources: Resources) -> list[ParsedEntry]:
    """Read the batch's files into the lake and note them in the ledger, in one transaction at the end.

    A file that cannot be read is quarantined with its code and the others go on. Files that another
    run has taken further are left alone; a batch that was killed half-way is simply done again.
    """
    ledger, entries = resources.ledger, []
    unsaid = sub_chains(resources.engine, feed, batch.day)
    with ExitStack() as open_batches:
        writers: dict[Document, LakeBatch] = {}
        files = [file for file in ledger.files(batch.file_ids) if file.state is FileState.DOWNLOADED]
        served = ((file.name, _served(file, resources)) for file in files)
        for file, read in zip(files, read_files(served, limit=resources.document_limit), strict=True):
            try:
                parsed = _or_raise(read)
                subject = identify(file, parsed, feed, unsaid)
            except FileError as error:
                ledger.mark_failed(file.id, error, now=resources.clock(), max_attempts=1)
                continue
            document = parsed.document
            if document not in writers:
                writer = resources.lake.batch(document, feed=batch.feed, day=batch.day, key=batch.key)
                writers[document] = open_batches.enter_context(writer)
            writers[document].add(file.id, parsed.rows)
            entries.append(_entry(file, parsed, subject, lake_path=writers[document].path))
    ledger.mark_parsed(entries, now=resources.clock())
    return entries


def _served(file: LedgerFile, resources: Resources) -> bytes | ContentError:
    if file.sha256 is None:
        return ContentError(Code.RAW_FILE_MISSING, "the ledger has no hash of this file")
    try:
        return resources.raw_store.read(file.sha256)
    except ContentError as error:
        return error


def _or_raise(read: ParsedFile | ContentError) -> ParsedFile:
    if isinstance(read, ContentError):
        raise read
    return read


def _entry(file: LedgerFile, parsed: ParsedFile, subject: Subject, *, lake_path: str) -> ParsedEntry:
    report = parsed.report
    return ParsedEntry(
        file_id=file.id,
        chain_id=subject.chain_id,
        sub_chain_id=subject.sub_chain_id,
        store_id=subject.store_id,
        lake_path=lake_path,
        rows=report.rows,
        rejected=report.rejected,
        duplicates=report.duplicates,
        reasons=report.reasons,
        samples=report.samples,
        unknown=report.unknown,
        reader=report.reader,
        dialect=report.dialect,
        container=report.container,
        encoding=report.encoding,
        is_damaged=report.damaged,
        notes=(*report.notes, *subject.notes),
    )


def unparsed(planned: Collection[int], resources: Resources) -> list[LedgerFile]:
    """Return the planned files that no batch took further."""
    return [file for file in resources.ledger.files(planned) if file.state is FileState.DOWNLOADED]


def load(document: Document, feed: Feed, days: Collection[date], resources: Resources) -> LoadReport:
    """Bring the parsed files of these days into the tables; rows and ledger commit together."""
    files = resources.ledger.to_load(feed.key, days, document)
    return LOADERS[document](resources.engine, files, resources.lake, now=resources.clock())
