"""Differences between the official register and our feeds: new, removed and changed accounts.

A pure comparison: the page is downloaded by `portals.gov_register`.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gogobe_dagster.feeds.model import DisabledFeed, Feed
from gogobe_dagster.feeds.official_register import OfficialRow, PortalAccount, official_account_of


class DriftKind(StrEnum):
    """How an account differs."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference. `ours` is empty for a new account, `official` for one that is gone."""

    change: DriftKind
    feed: str
    legal_name: str
    ours: str
    official: str


def drift(
    rows: Sequence[OfficialRow], feeds: Sequence[Feed], disabled: Collection[DisabledFeed]
) -> list[Drift]:
    """Compare the official rows with our feeds, account by account.

    An account of ours that is gone while its company has a new one has moved: that is one change, not two.
    Former addresses of disabled feeds are ignored: the official register keeps dead addresses for months. So
    is the absence of a feed that is known not to be official.
    """
    former = {feed.former_address for feed in disabled}
    accounts = [(row, account) for row in rows for account in row.accounts if account.label not in former]
    official = {account.label: (row, account) for row, account in accounts}
    ours = {official_account_of(feed).label: feed for feed in feeds}
    new = {label: row for label, (row, _) in official.items() if label not in ours}
    found: list[Drift] = []
    for label, feed in ours.items():
        if label in official:
            found += _other_password(feed, official[label][1])
        elif moved := _account_of_company(feed, new):
            found.append(_changed(feed, label, moved))
            del new[moved]
        elif feed.is_official:
            found.append(_difference(DriftKind.GONE, feed.legal_name, feed=feed.key, ours=label))
    found += [_difference(DriftKind.NEW, row.legal_name, official=label) for label, row in new.items()]
    return found


def _other_password(feed: Feed, official: PortalAccount) -> Iterable[Drift]:
    if official.password != feed.password:
        ours, theirs = (f"password {text or '(none)'}" for text in (feed.password, official.password))
        yield _changed(feed, ours, theirs)


def _account_of_company(feed: Feed, new: dict[str, OfficialRow]) -> str | None:
    name = _comparable(feed.legal_name)
    return next((label for label, row in new.items() if name and _comparable(row.legal_name) == name), None)


def _changed(feed: Feed, ours: str, official: str) -> Drift:
    return _difference(DriftKind.CHANGED, feed.legal_name, feed=feed.key, ours=ours, official=official)


def _difference(
    change: DriftKind, legal_name: str, *, feed: str = "", ours: str = "", official: str = ""
) -> Drift:
    return Drift(change=change, feed=feed, legal_name=legal_name, ours=ours, official=official)


def _comparable(legal_name: str) -> str:
    """Return a name without additions in brackets, quotation marks and repeated spaces."""
    return " ".join(re.sub(r"\([^)]*\)|[\"'״׳]", " ", legal_name).split())
