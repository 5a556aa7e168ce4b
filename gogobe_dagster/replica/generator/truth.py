"""What a warehouse must know when it has imported everything that was published: for tests and checks."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds import Feed
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.replica.generator.market import Market, Priced
from gogobe_dagster.replica.generator.shops import Branch
from gogobe_dagster.replica.generator.timetable import Slot, slots


class Place(NamedTuple):
    """Where a price holds."""

    chain_id: str
    sub_chain_id: int
    store_id: int
    code: str


def published_prices(market: Market, feed: Feed, *, now: datetime, first_day: date) -> dict[Place, Priced]:
    """Return every current price of a feed as its files up to `now` tell it, `first_day`'s the oldest.

    What a store sells is what its last full listed; the prices are those of its last full or delta.
    """
    prices = {}
    for branch in market.branches(feed):
        full, last = _last_words(branch, now, first_day)
        if full is not None:
            for priced in market.prices(branch, last, sold_on=full.date()):
                key = Place(branch.chain_id, branch.sub_chain_id, branch.store_id, priced.product.code)
                prices[key] = priced
    return prices


def _last_words(branch: Branch, now: datetime, first_day: date) -> tuple[datetime | None, datetime]:
    """Return the stamps of the last full and of the last price file of either kind."""
    day = day_of(now)
    while day >= first_day:
        said = [slot for slot in slots(branch, day) if _is_price(slot) and slot.published_at <= now]
        fulls = [slot.stamp for slot in said if slot.kind is FileKind.FULL_PRICES]
        if fulls:
            return max(fulls), max(slot.stamp for slot in said)
        day -= timedelta(days=1)
    return None, now


def _is_price(slot: Slot) -> bool:
    return slot.kind.document is Document.PRICES
