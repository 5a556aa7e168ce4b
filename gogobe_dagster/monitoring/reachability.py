"""Probes portals: asks each once for the first page of its listing, and tells who refuses this machine.

Portals are asked as an import asks them, with login and browser headers, but for one page and without a
second try. Nothing here records or knows Dagster.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import groupby
from time import monotonic

from gogobe_dagster.errors import Code, CodedError, PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.portals.factory import base_url, connector_class, open_portal
from gogobe_dagster.portals.http_client import PageLimitReached
from gogobe_dagster.portals.http_errors import was_refused
from gogobe_dagster.portals.request_policy import RequestPolicy
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.portal_pause import active_pause
from gogobe_dagster.warehouse.ledger.portal_probes import PortalProbe
from gogobe_dagster.warehouse.schema.enums import Reach

PROBE_SECONDS = 30.0
"""How long one probe may take."""
PARALLEL_PORTALS = 8
POLICY = RequestPolicy(connect_timeout=10, listing_timeout=20, attempts=1, parallel=1)
REFUSALS = {Code.GEO_BLOCKED, Code.BOT_CHALLENGE}
REFUSING_STATUS = re.compile(r"\bstatus (403|451)\b")
UNREACHABLE = {Code.DNS_DEAD, Code.TLS_ERROR, Code.NO_CONNECTION, Code.CONNECTION_LOST}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What came back from one portal."""

    feed: Feed
    error: CodedError | None
    seconds: float


def probe_portals(
    feeds: Sequence[Feed], resources: Resources, *, seconds: float = PROBE_SECONDS
) -> Iterator[PortalProbe]:
    """Probe the portals of these feeds, several at a time; feeds on one portal one after another.

    A portal that cannot be reached is not asked again for its other feeds. Results come when all have
    ended, because a silent portal refuses this machine only if others answer it.
    """
    _ = resources.engine  # opened here: threads that share it must not open one each
    by_portal = sorted(feeds, key=lambda feed: base_url(feed, resources.settings))
    groups = groupby(by_portal, key=lambda feed: base_url(feed, resources.settings))
    with ThreadPoolExecutor(PARALLEL_PORTALS, thread_name_prefix="probe") as pool:
        asked = [pool.submit(_ask_all, list(group), resources, seconds) for _, group in groups]
        answers = [answer for ended in as_completed(asked) for answer in ended.result()]
    now = resources.clock()
    some_answer = any(_reach(answer.error, some_answer=False) is Reach.ANSWERS for answer in answers)
    for answer in sorted(answers, key=lambda answer: feeds.index(answer.feed)):
        yield PortalProbe(
            feed=answer.feed.key,
            probed_at=now,
            reach=_reach(answer.error, some_answer=some_answer),
            code=answer.error.code.value if answer.error else None,
            reason=answer.error.reason if answer.error else None,
            seconds=round(answer.seconds, 2),
        )


def _ask_all(feeds: Sequence[Feed], resources: Resources, seconds: float) -> list[_Answer]:
    answers = list[_Answer]()
    for feed in feeds:
        is_down = answers and answers[-1].error and answers[-1].error.code in UNREACHABLE
        answers.append(
            _Answer(feed=feed, error=answers[-1].error, seconds=0)
            if is_down
            else _ask(feed, resources, seconds)
        )
    return answers


def _ask(feed: Feed, resources: Resources, seconds: float) -> _Answer:
    """Ask once. A portal that has refused lately is left alone; its refusal is the answer."""
    if pause := active_pause(resources.engine, resources.portal_account(feed), now=resources.clock()):
        return _Answer(feed=feed, error=pause.error, seconds=0)
    started, error = monotonic(), None
    policy = replace(POLICY, max_pages=connector_class(feed).pages_until_listing)
    portal = open_portal(feed, resources.settings, policy=policy, clock=resources.clock, budget=seconds)
    try:
        portal.list_files()
    except PageLimitReached:
        pass  # the first page was there: there are more
    except PortalError as failure:
        error = failure
    finally:
        portal.close()
    return _Answer(feed=feed, error=error, seconds=monotonic() - started)


def _reach(error: CodedError | None, *, some_answer: bool) -> Reach:
    """Classify an answer. A portal that answers with an error of its own does answer."""
    if error is None:
        return Reach.ANSWERS
    if error.code in REFUSALS or REFUSING_STATUS.search(error.reason):
        return Reach.REFUSED
    if error.code not in UNREACHABLE:
        return Reach.ANSWERS
    is_silent = error.code in {Code.NO_CONNECTION, Code.CONNECTION_LOST} and not was_refused(error)
    return Reach.REFUSED if is_silent and some_answer else Reach.NO_ANSWER
