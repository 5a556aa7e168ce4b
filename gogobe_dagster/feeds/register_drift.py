"""How the official register differs from ours: new, gone and changed rows. Pure: no portal is asked here."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gogobe_dagster.feeds.model import DisabledFeed, Feed
from gogobe_dagster.feeds.official_register import Door, OfficialRow, door_of


class Change(StrEnum):
    """What happened to a row."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference. `ours` is empty for a new row, `official` for one that is gone."""

    change: Change
    feed: str
    legal_name: str
    ours: str
    official: str


def drift(
    rows: Sequence[OfficialRow], feeds: Sequence[Feed], disabled: Collection[DisabledFeed]
) -> list[Drift]:
    """Compare the official rows with our feeds, door by door.

    A door of ours that is gone while its company has a new one has moved: one changed row. A door that we
    know to be dead is none: the official register printed Quik's for months after its host had gone.
    """
    dead = {feed.was_at for feed in disabled}
    official = {door.place: (row, door) for row in rows for door in row.doors if door.place not in dead}
    ours = {door_of(feed).place: feed for feed in feeds}
    new = {place: row for place, (row, _) in official.items() if place not in ours}
    found: list[Drift] = []
    for place, feed in ours.items():
        if place in official:
            found += _other_password(feed, official[place][1])
        elif moved := _door_of_company(feed, new):
            found.append(_changed(feed, place, moved))
            del new[moved]
        else:
            found.append(_difference(Change.GONE, feed.legal_name, feed=feed.key, ours=place))
    found += [_difference(Change.NEW, row.legal_name, official=place) for place, row in new.items()]
    return found


def _other_password(feed: Feed, official: Door) -> Iterable[Drift]:
    if official.password != feed.password:
        ours, theirs = (f"password {word or '(none)'}" for word in (feed.password, official.password))
        yield _changed(feed, ours, theirs)


def _door_of_company(feed: Feed, new: dict[str, OfficialRow]) -> str | None:
    name = _plain(feed.legal_name)
    return next((place for place, row in new.items() if name and _plain(row.legal_name) == name), None)


def _changed(feed: Feed, ours: str, official: str) -> Drift:
    return _difference(Change.CHANGED, feed.legal_name, feed=feed.key, ours=ours, official=official)


def _difference(
    change: Change, legal_name: str, *, feed: str = "", ours: str = "", official: str = ""
) -> Drift:
    return Drift(change=change, feed=feed, legal_name=legal_name, ours=ours, official=official)


def _plain(legal_name: str) -> str:
    """Return a name without what it adds in brackets, and however it spaces and quotes."""
    return " ".join(re.sub(r"\([^)]*\)|[\"'״׳]", " ", legal_name).split())
