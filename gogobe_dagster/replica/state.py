"""What all portal families share: published files, faults, clock, and what a feed lists and serves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.corruption import corrupt
from gogobe_dagster.replica.faults import STORED, Fault, Faults
from gogobe_dagster.replica.publication import Publication, Publications

FOREIGN_CHAIN = "7291029710008"  # Quik: no portal publishes it since February 2026
WIPED_TO = 2  # Osher Ad at 06:47 listed 2 files, 204 the day before (docs/portals.md, Cerberus)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaState:
    """What a portal needs to answer."""

    feeds: Mapping[str, Feed]
    publications_by_feed: Mapping[str, Publications]
    faults: Faults
    clock: Callable[[], datetime]
    session_seconds: float
    """How long a Cerberus session lives without a request."""
    link_seconds: float
    """How long a signed Shufersal link lives."""

    def feeds_of(self, family: Family) -> list[Feed]:
        """Return the feeds of a family that this replica publishes."""
        return [self.feeds[key] for key in self.publications_by_feed if self.feeds[key].family is family]

    def listed(self, feed: Feed) -> list[Publication]:
        """Return what the feed's listing shows now, with the faults of listings and stored files."""
        shown = [self._as_stored(feed, publication) for publication in self._published(feed)]
        if not self.faults.active():
            return shown
        if self.faults.take("empty_listing", feed.key):
            return []
        if self.faults.take("folder_wiped", feed.key):
            shown = newest_first(shown)[:WIPED_TO]
        return [
            publication
            for publication in shown
            if not self.faults.take("empty_kind", feed.key, publication.name)
        ]

    def hides_newest(self, feed: Feed, rows: int, page: int, page_rows: int) -> bool:
        """Whether a paged listing lacks its newest row: it appears between page 1 and page 2."""
        fault = "row_inserted_while_paging"
        if rows <= page_rows or not self.faults.find(fault, feed.key):
            return False
        return page == 1 or not self.faults.take(fault, feed.key)

    def served(self, feed: Feed, name: str) -> Publication | None:
        """Return the file that a download of this exact name gives; counts faults of stored files."""
        found = next((publication for publication in self._published(feed) if publication.name == name), None)
        if found is None or self.faults.take("missing_file", feed.key, name):
            return None
        return self._as_stored(feed, found, find=self.faults.take)

    def _published(self, feed: Feed) -> list[Publication]:
        publications = self.publications_by_feed[feed.key].all()
        if self.faults.find("foreign_chain", feed.key):
            publications += foreign_files(publications, feed)
        return publications

    def _as_stored(
        self,
        feed: Feed,
        publication: Publication,
        find: Callable[[str, str, str], Fault | None] | None = None,
    ) -> Publication:
        if not self.faults.active():
            return publication
        find = find or self.faults.find
        for name in STORED:
            if find(name, feed.key, publication.name):
                publication = corrupt(publication, name)
        return publication


def newest_first(publications: Iterable[Publication]) -> list[Publication]:
    """Sort by time, newest first; files of the same time by name."""
    return sorted(
        sorted(publications, key=lambda publication: publication.name), key=_published_at, reverse=True
    )


def foreign_files(publications: Iterable[Publication], feed: Feed) -> list[Publication]:
    """Return a full price file under the chain id of another chain; empty if there is no full price file."""
    fulls = [
        publication
        for publication in publications
        if publication.kind is FileKind.FULL_PRICES and feed.chain_id in publication.name
    ]
    return [
        replace(publication, name=publication.name.replace(feed.chain_id, FOREIGN_CHAIN))
        for publication in fulls[:1]
    ]


def _published_at(publication: Publication) -> datetime:
    return publication.published_at
