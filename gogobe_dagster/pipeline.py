"""The import in five steps, one function each.

discover    list the portal and record every file name in the ledger
download    download pending files into the raw store
plan        group downloaded files into batches
parse       parse a batch into the lake
load        load parsed files into the tables

Each step does what is pending and returns what it did; repeating it does nothing. A file that fails is
recorded with its code and does not stop the others. A partial run passes a `FileSelection` to the steps
after the first; files that it does not take stay pending. Nothing here knows Dagster.
"""

from collections.abc import Collection
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from itertools import groupby
from math import inf
from operator import attrgetter

from gogobe_dagster.clock import day_of
from gogobe_dagster.downloading import Downloader
from gogobe_dagster.errors import Code, ContentError, FileError, PortalError, Trait
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.raw_store import StoredFile
from gogobe_dagster.files.selection import EVERYTHING, FileSelection
from gogobe_dagster.identity import FileIdentity, classify_listing, identify, within_limits
from gogobe_dagster.lake.parquet_lake import LakeBatch
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster.parsing.reader_errors import only_content_errors
from gogobe_dagster.portals.portal import Portal, RemoteFile
from gogobe_dagster.resources import Resources
from gogobe_dagster.sizes import chunk_by_size
from gogobe_dagster.step_results import Batch, Downloads
from gogobe_dagster.warehouse.ledger.model import LedgerFile, ListingResult, ParsedEntry
from gogobe_dagster.warehouse.ledger.portal_pause import active_pause, record_refusal
from gogobe_dagster.warehouse.load.load_report import LoadReport
from gogobe_dagster.warehouse.load.loader import load_prices, load_promotions, load_stores
from gogobe_dagster.warehouse.schema.enums import OPEN_STATES, FileState

LOADERS = {
    Document.STORES: load_stores,
    Document.PRICES: load_prices,
    Document.PROMOTIONS: load_promotions,
}


def discover(
    feed: Feed, days: Collection[date], resources: Resources, *, budget: float = inf
) -> ListingResult:
    """List the portal, for past days as well where it offers them, and record every listed file.

    Files of days that were not requested are recorded too, for the runs of those days. `budget`: seconds for
    all pages together. Raises `PortalError`; then only the failure is recorded. A portal that has refused
    lately is not asked: the error says until when. Of a listing beyond `within_limits` only a part is
    recorded, and the feed's last listing has the code.
    """
    now, at = resources.clock(), resources.portal_account(feed)
    stale_after = timedelta(days=resources.settings.stale_after_days)
    if pause := active_pause(resources.engine, at, now=now):
        raise pause.error
    try:
        listed = list_portal(feed, days, resources, budget=budget)
    except PortalError as error:
        resources.ledger.record_failure(feed.key, error, now=now)
        if Trait.PAUSE in error.code.traits:
            record_refusal(resources.engine, at, error, now=now)
        raise
    sightings = [
        classify_listing(file, feed, now=now, requested=days, stale_after=stale_after) for file in listed
    ]
    taken, excess = within_limits(sightings)
    recorded = resources.ledger.record(feed.key, taken, now=now)
    if excess:
        resources.ledger.record_failure(feed.key, excess, now=now)
    return recorded


def list_portal(
    feed: Feed, days: Collection[date], resources: Resources, *, budget: float = inf
) -> list[RemoteFile]:
    """Return the files that a portal lists, each name once. Raises `PortalError`, also if it lists none.

    A past day may really be empty. A portal that lists nothing today was emptied for a while (Osher Ad does
    so in the morning) or refuses us without saying so.
    """
    with resources.portal(feed, budget=budget) as portal:
        requests = _listing_days(days, portal, resources.clock())
        listed = {file.name: file for day in requests for file in portal.list_files(day)}
    if not listed and None in requests:
        reason = f"the portal lists no file at all; {feed.name} has about {feed.stores} stores"
        raise PortalError(Code.LISTING_EMPTY_UNEXPECTED, reason)
    return list(listed.values())


def _listing_days(days: Collection[date], portal: Portal, now: datetime) -> list[date | None]:
    """Return the days to list: None for today, and past days if the portal offers them."""
    past = sorted(day for day in days if day < day_of(now)) if portal.offers_past_days else []
    return [*past, None] if len(past) < len(days) else [*past]


def not_offered(feed: Feed, days: Collection[date], resources: Resources) -> list[date]:
    """Return the past days that the portal does not offer and that have no file in the ledger.

    What was published then is unknown: such a day is reported as `past_day_not_offered`, never as empty.
    """
    with resources.portal(feed) as portal:
        if portal.offers_past_days:
            return []
    past = {day for day in days if day < day_of(resources.clock())}
    return sorted(past - {file.publication_day for file in resources.ledger.of_days(feed.key, past)})


def selected(
    feed: Feed, days: Collection[date], resources: Resources, selection: FileSelection
) -> list[LedgerFile]:
    """Return the importable files of these days that a run takes, whatever has become of them so far."""
    closed = {FileState.QUARANTINED, FileState.SUPERSEDED}
    files = resources.ledger.of_days(feed.key, days)
    return selection.take(file for file in files if file.state not in closed)


def left_out(
    feed: Feed, days: Collection[date], resources: Resources, selection: FileSelection
) -> list[LedgerFile]:
    """Return the pending files of these days that a partial run leaves to a later one."""
    if not selection.is_partial:
        return []
    pending = [file for file in resources.ledger.of_days(feed.key, days) if file.state in OPEN_STATES]
    taken = {file.id for file in selected(feed, days, resources, selection)}
    return [file for file in pending if file.id not in taken]


def _taken(
    pending: list[LedgerFile],
    feed: Feed,
    days: Collection[date],
    resources: Resources,
    selection: FileSelection,
) -> list[LedgerFile]:
    others = {file.id for file in left_out(feed, days, resources, selection)}
    return [file for file in pending if file.id not in others]


def to_download(
    feed: Feed, days: Collection[date], resources: Resources, selection: FileSelection = EVERYTHING
) -> list[LedgerFile]:
    """Return the files that `download` tries."""
    pending = resources.ledger.to_download(feed.key, days, now=resources.clock())
    return _taken(pending, feed, days, resources, selection)


def download(
    feed: Feed, days: Collection[date], resources: Resources, selection: FileSelection = EVERYTHING
) -> Downloads:
    """Download the pending files of these days, as many at once as the portal allows.

    The ledger is updated after each file; after a killed run only a few files are downloaded again.
    """
    ledger, clock = resources.ledger, resources.clock
    max_attempts = resources.settings.max_attempts
    sizes: list[int] = []
    failed = 0
    pending = to_download(feed, days, resources, selection)
    with resources.portal(feed) as portal:
        downloader = Downloader(portal, resources.portal_account(feed), resources)
        for file, outcome in downloader.run(pending):
            if isinstance(outcome, StoredFile):
                ledger.mark_downloaded(file.id, sha256=outcome.sha256, size=outcome.size, now=clock())
                sizes.append(outcome.size)
            elif isinstance(outcome, PortalError):
                ledger.mark_untried(file.id, outcome, now=clock())
            else:
                ledger.mark_failed(file.id, outcome, now=clock(), max_attempts=max_attempts)
                failed += 1
    if downloader.refusal:
        ledger.record_failure(feed.key, downloader.refusal, now=clock())
    return Downloads(
        fetched=len(sizes),
        failed=failed,
        bytes=sum(sizes),
        waiting=len(pending) - len(sizes) - failed,
        pause=downloader.pause,
    )


def plan(
    feed: Feed, days: Collection[date], resources: Resources, selection: FileSelection = EVERYTHING
) -> list[Batch]:
    """Group the downloaded files into batches of a limited compressed size, at least one per day."""
    to_parse = resources.ledger.to_parse(feed.key, days)
    taken = _taken(to_parse, feed, days, resources, selection)
    pending = sorted(taken, key=attrgetter("publication_day"))
    return [
        Batch(feed=feed.key, day=day, file_ids=tuple(file.id for file in chunk))
        for day, files in groupby(pending, key=attrgetter("publication_day"))
        for chunk in chunk_by_size(
            files,
            lambda file: file.size or 0,
            max_size=resources.batch_bytes,
            max_items=resources.settings.batch_files,
        )
    ]


def parse(batch: Batch, feed: Feed, resources: Resources) -> list[ParsedEntry]:
    """Parse the batch into the lake, then record it in the ledger in one transaction.

    A file that cannot be parsed is quarantined with its code, and the others go on; one whose bytes are lost
    is downloaded again. Files that another run has parsed already are skipped; a batch that was killed is
    parsed again as a whole.
    """
    ledger, entries = resources.ledger, []
    with ExitStack() as open_batches:
        writers: dict[Document, LakeBatch] = {}
        files = [file for file in ledger.files(batch.file_ids) if file.state is FileState.DOWNLOADED]
        contents = ((file.name, _content(file, resources)) for file in files)
        results = read_files(
            contents, limit=resources.document_limit, use_fast_reader=resources.settings.fast_reader
        )
        for file, result in zip(files, results, strict=True):
            try:
                with only_content_errors(file.name):
                    parsed = _unwrap(result)
                    identity = identify(file, parsed, feed)
            except FileError as error:
                _mark_unparsed(file, error, resources)
                continue
            document = parsed.document
            if document not in writers:
                writer = resources.lake.batch(document, feed=batch.feed, day=batch.day, key=batch.key)
                writers[document] = open_batches.enter_context(writer)
            writers[document].add(file.id, parsed.lake_rows)
            entries.append(_entry(file, parsed, identity, lake_path=writers[document].path))
    ledger.mark_parsed(entries, now=resources.clock())
    return entries


def _mark_unparsed(file: LedgerFile, error: FileError, resources: Resources) -> None:
    ledger = resources.ledger
    mark = ledger.mark_lost if error.code is Code.RAW_FILE_MISSING else ledger.mark_failed
    mark(file.id, error, now=resources.clock(), max_attempts=resources.settings.max_attempts)


def _content(file: LedgerFile, resources: Resources) -> bytes | ContentError:
    if file.sha256 is None:
        return ContentError(Code.RAW_FILE_MISSING, "the ledger has no hash of this file")
    try:
        return resources.raw_store.read(file.sha256)
    except ContentError as error:
        return error


def _unwrap(result: ParsedFile | ContentError) -> ParsedFile:
    if isinstance(result, ContentError):
        raise result
    return result


def _entry(file: LedgerFile, parsed: ParsedFile, identity: FileIdentity, *, lake_path: str) -> ParsedEntry:
    report = parsed.report
    return ParsedEntry(
        file_id=file.id,
        chain_id=identity.chain_id,
        sub_chain_id=identity.sub_chain_id,
        store_id=identity.store_id,
        lake_path=lake_path,
        rows=report.rows,
        rejected=report.rejected,
        duplicates=report.duplicates,
        reject_reasons=report.reasons,
        samples=report.samples,
        unknown_elements=report.unknown,
        unreadable_fields=report.unreadable,
        reader=report.reader,
        dialect=report.dialect,
        container=report.container,
        encoding=report.encoding,
        is_damaged=report.damaged,
        notes=(*report.notes, *identity.notes),
    )


def unparsed(planned: Collection[int], resources: Resources) -> list[LedgerFile]:
    """Return the planned files that no batch has parsed or quarantined."""
    return [file for file in resources.ledger.files(planned) if file.state is FileState.DOWNLOADED]


def load(
    document: Document,
    feed: Feed,
    days: Collection[date],
    resources: Resources,
    selection: FileSelection = EVERYTHING,
) -> LoadReport:
    """Load the parsed files of these days; rows and ledger states commit in one transaction."""
    to_load = resources.ledger.to_load(feed.key, days, document)
    files = _taken(to_load, feed, days, resources, selection)
    return LOADERS[document](resources.engine, files, resources.lake, now=resources.clock())
