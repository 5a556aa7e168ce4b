"""Publishes what feeds publish on a day, up to the time of the clock. Idempotent."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.promotions import Promotion, promotions, started
from gogobe_dagster.replica.generator.schedule import Slot, slots, stores_slot
from gogobe_dagster.replica.generator.shops import Branch
from gogobe_dagster.replica.generator.stores_styles import stores_style
from gogobe_dagster.replica.generator.styles import Style, store_label, style_of
from gogobe_dagster.replica.publication import Publication, Publications


def publish_day(
    publications_by_feed: Mapping[str, Publications],
    feeds: Iterable[Feed],
    *,
    day: date,
    market: SyntheticMarket,
    now: datetime,
) -> list[Publication]:
    """Publish what these feeds have published on `day` until `now`; return what is new.

    A file that is already there is left alone, so calling it again as time passes adds the deltas.
    """
    added = []
    for feed in feeds:
        publications = publications_by_feed[feed.key]
        new = list(_new_files(publications, feed, day, market, now))
        publications.put(*new)
        added += new
    return added


def publish_days(
    publications_by_feed: Mapping[str, Publications],
    feeds: Iterable[Feed],
    *,
    first_day: date,
    market: SyntheticMarket,
    now: datetime,
) -> list[Publication]:
    """Publish every day from `first_day` up to `now`, oldest first; return what is new."""
    feeds = list(feeds)
    days = (first_day + timedelta(days=later) for later in range((day_of(now) - first_day).days + 1))
    return [
        file
        for day in days
        for file in publish_day(publications_by_feed, feeds, day=day, market=market, now=now)
    ]


def _new_files(
    publications: Publications, feed: Feed, day: date, market: SyntheticMarket, now: datetime
) -> Iterator[Publication]:
    yield from _stores_files(publications, feed, day, market, now)
    for branch in market.branches(feed):
        style = style_of(feed, branch, day)
        for slot in slots(branch, day):
            name = style.name(slot.kind, branch, slot.stamp)
            if slot.published_at <= now and name not in publications:
                document = _document(market, style, branch, slot)
                if document is not None:
                    yield Publication(
                        name=name,
                        content=style.pack(document, name),
                        published_at=slot.published_at,
                        kind=slot.kind,
                        store_id=branch.store_id,
                        store_label=store_label(feed, branch),
                    )


def _stores_files(
    publications: Publications, feed: Feed, day: date, market: SyntheticMarket, now: datetime
) -> Iterator[Publication]:
    """A file for every chain id of the feed (Kiryat Gat's host carries three), or for every store."""
    style = stores_style(feed, day)
    ordered = sorted(market.branches(feed), key=lambda branch: (branch.chain_id, branch.store_id))

    def of_one_list(branch: Branch) -> tuple[str, int | None]:
        return branch.chain_id, branch.store_id if style.is_of_each_store else None

    for (chain_id, store_id), group in groupby(ordered, key=of_one_list):
        branches, slot = list(group), stores_slot(chain_id, day)
        name = style.name(branches[0], slot.stamp)
        if slot.published_at <= now and name not in publications:
            yield Publication(
                name=name,
                content=style.pack(style.write(branches, slot.stamp)),
                published_at=slot.published_at,
                kind=slot.kind,
                store_id=store_id,
                store_label=store_label(feed, branches[0]) if store_id else "",
            )


def offered(market: SyntheticMarket, branch: Branch, slot: Slot) -> list[Promotion]:
    """Return what a store's promotion file of a slot lists."""
    if slot.kind.is_full:
        return promotions(market, branch, slot.stamp)
    return started(market, branch, slot.since, slot.stamp)


def _document(market: SyntheticMarket, style: Style, branch: Branch, slot: Slot) -> bytes | None:
    """Return the document of a slot; None for a delta with nothing to say."""
    is_full = slot.kind.is_full
    if slot.kind.document is Document.PRICES:
        items = (
            market.prices(branch, slot.stamp) if is_full else market.changed(branch, slot.since, slot.stamp)
        )
        return style.prices.write(branch, items) if items or is_full else None
    offers = offered(market, branch, slot)
    return style.promotions.write(style.promoting(branch), offers) if offers or is_full else None
