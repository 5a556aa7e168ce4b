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
from gogobe_dagster.replica.generator.stores import Store
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
    for store in market.stores(feed):
        style = style_of(feed, store, day)
        for slot in slots(store, day):
            name = style.name(slot.kind, store, slot.named_at)
            if slot.published_at <= now and name not in publications:
                document = _document(market, style, store, slot)
                if document is not None:
                    yield Publication(
                        name=name,
                        content=style.pack(document, name),
                        published_at=slot.published_at,
                        kind=slot.kind,
                        store_id=store.store_id,
                        store_label=store_label(feed, store),
                    )


def _stores_files(
    publications: Publications, feed: Feed, day: date, market: SyntheticMarket, now: datetime
) -> Iterator[Publication]:
    """One file per chain id of the feed (Kiryat Gat's host has three), or per store."""
    style = stores_style(feed, day)
    ordered = sorted(market.stores(feed), key=lambda store: (store.chain_id, store.store_id))

    def list_key(store: Store) -> tuple[str, int | None]:
        return store.chain_id, store.store_id if style.is_of_each_store else None

    for (chain_id, store_id), group in groupby(ordered, key=list_key):
        stores, slot = list(group), stores_slot(chain_id, day)
        name = style.name(stores[0], slot.named_at)
        if slot.published_at <= now and name not in publications:
            yield Publication(
                name=name,
                content=style.pack(style.write(stores, slot.named_at)),
                published_at=slot.published_at,
                kind=slot.kind,
                store_id=store_id,
                store_label=store_label(feed, stores[0]) if store_id else "",
            )


def offered(market: SyntheticMarket, store: Store, slot: Slot) -> list[Promotion]:
    """Return what a store's promotion file of a slot lists."""
    if slot.kind.is_full:
        return promotions(market, store, slot.named_at)
    return started(market, store, slot.since, slot.named_at)


def _document(market: SyntheticMarket, style: Style, store: Store, slot: Slot) -> bytes | None:
    """Return the document of a slot; None for a delta without rows."""
    is_full = slot.kind.is_full
    if slot.kind.document is Document.PRICES:
        items = (
            market.prices(store, slot.named_at)
            if is_full
            else market.changed(store, slot.since, slot.named_at)
        )
        return style.prices.write(store, items) if items or is_full else None
    offers = offered(market, store, slot)
    return style.promotions.write(style.promoting(store), offers) if offers or is_full else None
