"""How patiently and how politely a portal is treated: time limits, retries, parallel downloads."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TypeVar

import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from gogobe_dagster.errors import CodedError, PortalError, Trait
from gogobe_dagster.portals.network import NetworkOptions
from gogobe_dagster.portals.pace import Pace

T = TypeVar("T")
log = logging.getLogger(__name__)


def _log_retry(details: RetryDetails) -> None:
    """Say what failed. Stamina's own hook leaves that to handlers that print extra fields."""
    log.warning("trying again in %.1f s: %s", details.wait_for, details.caused_by)


set_on_retry_hooks([_log_retry])


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPolicy:
    """How a portal is treated (docs/portals.md, Requests), and how it is reached. Times are in seconds."""

    connect_timeout: float = 30
    listing_timeout: float = 60
    """How long a page may send nothing."""
    download_timeout: float = 120
    """How long a file may send nothing."""
    total_timeout: float = 900
    """How long one page, or a file of unknown size, may take in all."""
    page_rate: float = 200
    """Bytes a second that a page, its headers or a list over FTP must bring in every window."""
    file_rate: float = 2_000
    """The same of a file."""
    page_window: float = 60
    """Seconds over which the rate of a page is measured: some portals write a list with long pauses."""
    file_window: float = 60
    whole_file_rate: float = 8_000
    """Bytes a second by which a file of known size must be complete, beside one window."""
    budget: float = inf
    """How long all pages of one client may take together: a poll has to end in time."""
    max_pages: float = inf
    """How many pages one client may request before it raises `PageLimitReached`; a probe needs only one."""
    parallel: int = 4
    attempts: int = 4
    first_wait: float = 2
    longest_wait: float = 30
    network: NetworkOptions = field(default_factory=NetworkOptions)

    def head_pace(self) -> Pace:
        """Return the pace of a response's status and headers, which begins before they are awaited."""
        return self.page_pace(seconds=self.download_timeout + self.page_window)

    def page_pace(self, *, seconds: float | None = None) -> Pace:
        """Return the pace of one page, which begins now; by default it may take `total_timeout`."""
        seconds = self.total_timeout if seconds is None else seconds
        return Pace(rate=self.page_rate, window=self.page_window, seconds=seconds)

    def file_pace(self, size: int | None) -> Pace:
        """Return the pace of one file, which begins now."""
        known = self.total_timeout if size is None else self.file_window + size / self.whole_file_rate
        return Pace(rate=self.file_rate, window=self.file_window, seconds=known)


def with_retries(policy: RequestPolicy, work: Callable[[], T], *, until: float = inf) -> T:
    """Call `work` again, after growing waits, on errors that another try can cure and while time is left.

    `until` is a time of `monotonic()`.
    """
    wait, longest = policy.first_wait, min(policy.longest_wait, policy.budget / 6)
    caller = stamina.RetryingCaller(
        attempts=policy.attempts,
        timeout=None,
        wait_initial=wait,
        wait_max=longest,
        wait_jitter=wait / 2,
    )
    return caller(lambda error: until - monotonic() > longest and resend_wait(error, longest), work)


def resend_wait(error: Exception, longest: float) -> bool | float:
    """Whether the same request may be sent again soon; seconds, if the portal says after how long.

    A portal that asks for more than `longest` seconds is not asked again.
    """
    if not isinstance(error, CodedError):
        return False
    if isinstance(error, PortalError) and error.retry_after is not None:
        seconds = error.retry_after.total_seconds()
        return seconds if seconds <= longest else False
    return Trait.RESEND in error.code.traits
