"""What a warehouse must contain after importing everything that was published: for tests and checks."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.generator.market import Priced, SyntheticMarket
from gogobe_dagster.replica.generator.promotions import Promotion
from gogobe_dagster.replica.generator.publishing import offered
from gogobe_dagster.replica.generator.schedule import Slot, slots
from gogobe_dagster.replica.generator.stores import Store


class PriceKey(NamedTuple):
    """The key of a price."""

    chain_id: str
    sub_chain_id: int
    store_id: int
    code: str


def published_prices(
    market: SyntheticMarket, feed: Feed, *, now: datetime, first_day: date
) -> dict[PriceKey, Priced]:
    """Return every current price of a feed, as in its files from `first_day` up to `now`.

    What a store sells is what its last full listed; the prices are those of its last full or delta.
    """
    prices = {}
    for store in market.stores(feed):
        published_at = _last_price_file_at(store, now, first_day)
        for priced in market.prices(store, published_at) if published_at else ():
            key = PriceKey(store.chain_id, store.sub_chain_id, store.store_id, priced.product.code)
            prices[key] = priced
    return prices


class PromotionKey(NamedTuple):
    """The key of a promotion in a store."""

    chain_id: str
    sub_chain_id: int
    store_id: int
    promotion_id: str


def published_promotions(
    market: SyntheticMarket, feed: Feed, *, now: datetime, day: date
) -> dict[PromotionKey, Promotion]:
    """Return the promotions of the stores of a feed, as in their files of `day` up to `now`.

    A full lists all that runs; a delta adds what has begun since the file before it.
    """
    running = {}
    for store in market.stores(feed):
        offers: list[Promotion] = []
        published = [slot for slot in slots(store, day) if not _is_price(slot) and slot.published_at <= now]
        for slot in sorted(published, key=lambda slot: slot.named_at):
            offers = [] if slot.kind.is_full else offers
            offers += offered(market, store, slot)
        for offer in offers:
            key = (store.chain_id, store.sub_chain_id, store.store_id, str(offer.promotion_id))
            running[PromotionKey(*key)] = offer
    return running


def _last_price_file_at(store: Store, now: datetime, first_day: date) -> datetime | None:
    """Return the time of the last price file of the last day with a full file; None if there is none yet.

    On every day the first full file comes before the deltas, so both are of the same day.
    """
    day = day_of(now)
    while day >= first_day:
        published = [slot for slot in slots(store, day) if _is_price(slot) and slot.published_at <= now]
        if published:
            return max(slot.named_at for slot in published)
        day -= timedelta(days=1)
    return None


def _is_price(slot: Slot) -> bool:
    return slot.kind.document is Document.PRICES
