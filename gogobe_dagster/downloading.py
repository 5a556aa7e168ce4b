"""Downloads pending files of a feed, several at once, for as long as the portal delivers.

A failure of one file does not stop the others. When the portal refuses as a whole, or fails for several files
in a row, the rest of the list is left for later, and no attempt of any file is counted. The portal is then
left alone for a while by every process; the first request afterwards is for a single file.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event
from time import monotonic
from typing import Final

import stamina

from gogobe_dagster.errors import Code, FileError, PortalError
from gogobe_dagster.files.raw_store import StoredFile
from gogobe_dagster.portals.portal import Portal, RemoteFile
from gogobe_dagster.portals.request_policy import resend_wait
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.ledger.portal_pause import (
    PortalAccount,
    PortalPause,
    active_pause,
    end_pauses,
    find_pause,
    record_refusal,
)

ATTEMPTS: Final = 3
"""Within one run, for failures that may pass within seconds."""
LONGEST_WAIT: Final = 10.0
"""Seconds between two of them."""
FAILURES_IN_A_ROW: Final = 5
"""So many files in a row that are not delivered mean that the portal is to blame, and no file."""
PAUSE_CHECK_SECONDS: Final = 1.0
Outcome = StoredFile | PortalError | FileError
"""The outcome of a download: the stored file, or why the portal or the file failed."""


class Downloader:
    """One download of a feed's pending files. Used once, by one thread."""

    def __init__(self, portal: Portal, at: PortalAccount, resources: Resources) -> None:
        self._portal = portal
        self._at = at
        self._resources = resources
        self._is_stopped = Event()
        self._failed_in_a_row: list[tuple[LedgerFile, FileError]] = []
        self._next_check = 0.0
        self._refused_before = find_pause(resources.engine, at) is not None
        self.refusal: PortalError | None = None
        """How the portal refused this download."""
        self.pause: PortalPause | None = None
        """Why the rest of the files wait, also if another process was refused; None: nothing waits."""

    def run(self, files: Sequence[LedgerFile]) -> Iterator[tuple[LedgerFile, Outcome]]:
        """Download in a sliding window: a slow file does not delay the others.

        Files that were not requested have no outcome. Failures in a row are returned when it is known whether
        the files or the portal is to blame.
        """
        waiting = iter(files)
        in_flight: dict[Future[Outcome | None], LedgerFile] = {}
        with ThreadPoolExecutor(
            max_workers=self._portal.parallel_downloads, thread_name_prefix="download"
        ) as pool:
            while True:
                for file in islice(waiting, self._room(len(in_flight))):
                    in_flight[pool.submit(self._fetch, file)] = file
                if not in_flight:
                    break
                ended, _ = wait(in_flight, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield from self._judge(in_flight.pop(future), future.result())
        yield from self._failed_in_a_row

    def _room(self, in_flight: int) -> int:
        """Return how many more files may be requested now."""
        if self._is_stopped.is_set() or self._is_paused():
            return 0
        # twice the width, so that no worker waits while the ledger is written
        return (1 if self._refused_before else self._portal.parallel_downloads * 2) - in_flight

    def _is_paused(self) -> bool:
        """Whether another process was refused meanwhile."""
        if monotonic() >= self._next_check:
            self._next_check = monotonic() + PAUSE_CHECK_SECONDS
            self.pause = active_pause(self._resources.engine, self._at, now=self._resources.clock())
            if self.pause:
                self._is_stopped.set()
        return self.pause is not None

    def _fetch(self, file: LedgerFile) -> Outcome | None:
        if self._is_stopped.is_set():
            return None
        remote = RemoteFile(
            name=file.name,
            link=file.link,
            size=file.listed_size,
            size_tolerance=file.size_tolerance,
            modified_at=file.modified_at,
        )
        store, limit = self._resources.raw_store, self._resources.download_limit
        caller = stamina.RetryingCaller(attempts=ATTEMPTS, wait_initial=0.5, wait_max=LONGEST_WAIT)
        retrying = caller.on(self._resend_wait)
        try:
            return retrying(lambda: store.save(self._portal.fetch(remote), limit=limit))
        except (PortalError, FileError) as error:
            return error

    def _resend_wait(self, error: Exception) -> bool | float:
        """Request a file again only while the portal seems well: otherwise its failure is no accident."""
        is_well = not (self._refused_before or self._failed_in_a_row or self._is_stopped.is_set())
        return is_well and resend_wait(error, LONGEST_WAIT)

    def _judge(self, file: LedgerFile, outcome: Outcome | None) -> Iterator[tuple[LedgerFile, Outcome]]:
        """Return the outcomes that are certain now, of this file and of those before it."""
        if outcome is None:
            return
        if isinstance(outcome, PortalError):
            yield from self._blame_portal(outcome)
            yield file, outcome
        elif isinstance(outcome, FileError) and _may_be_the_portals(outcome):
            self._failed_in_a_row.append((file, outcome))
            is_ill = self._refused_before or self._is_stopped.is_set()
            if is_ill or len(self._failed_in_a_row) >= FAILURES_IN_A_ROW:
                reason = f"{len(self._failed_in_a_row)} files in a row, the last one: {outcome.reason}"
                yield from self._blame_portal(PortalError(outcome.code, reason))
        else:
            yield from self._failed_in_a_row
            self._failed_in_a_row.clear()
            self._forget_refusals()
            yield file, outcome

    def _blame_portal(self, error: PortalError) -> Iterator[tuple[LedgerFile, PortalError]]:
        self._is_stopped.set()
        if self.pause is None:
            self.refusal, now = error, self._resources.clock()
            self.pause = record_refusal(self._resources.engine, self._at, error, now=now)
        for file, failure in self._failed_in_a_row:
            yield file, PortalError(failure.code, failure.reason)
        self._failed_in_a_row.clear()

    def _forget_refusals(self) -> None:
        if self._refused_before and not self._is_stopped.is_set():
            self._refused_before = False
            end_pauses(self._resources.engine, self._at, until=self._resources.clock())


def _may_be_the_portals(error: FileError) -> bool:
    """Whether the portal is to blame if it happens to several files in a row."""
    return error.code.is_passing or error.code is Code.NOT_FOUND
