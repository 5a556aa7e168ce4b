"""How patiently and how politely a portal is treated: time limits, retries, parallel downloads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TypeVar

import stamina

from gogobe_dagster.errors import CodedError, PortalError, Trait
from gogobe_dagster.portals.network import NetworkOptions

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPolicy:
    """How a portal is treated (docs/portals.md, Requests), and how it is reached. Times are in seconds."""

    connect_timeout: float = 30
    listing_timeout: float = 60
    """How long a page may send nothing."""
    download_timeout: float = 120
    """How long a file may send nothing."""
    total_timeout: float = 900
    """How long one response may take in all: a portal that sends byte by byte must not hold a worker."""
    budget: float = inf
    """How long all pages of one client may take together: a poll has to end in time."""
    max_pages: float = inf
    """How many pages one client may request before it raises `PageLimitReached`; a probe needs only one."""
    parallel: int = 4
    attempts: int = 4
    first_wait: float = 2
    longest_wait: float = 30
    network: NetworkOptions = field(default_factory=NetworkOptions)


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
