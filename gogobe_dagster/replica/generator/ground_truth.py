"""What a warehouse must know when it has imported everything that was published: for tests and checks."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.generator.market import Priced, SyntheticMarket
from gogobe_dagster.replica.generator.promotions import Promotion
from gogobe_dagster.replica.generator.publishing import offered
from gogobe_dagster.replica.generator.schedule import Slot, slots
from gogobe_dagster.replica.generator.shops import Branch


class Place(NamedTuple):
    """Where a price holds."""

    chain_id: str
    sub_chain_id: int
    store_id: int
    code: str


def published_prices(
    market: SyntheticMarket, feed: Feed, *, now: datetime, first_day: date
) -> dict[Place, Priced]:
    """Return every current price of a feed as its files up to `now` tell it, `first_day`'s the oldest.

    What a store sells is what its last full listed; the prices are those of its last full or delta.
    """
    prices = {}
    for branch in market.branches(feed):
        last_word = _last_word(branch, now, first_day)
        for priced in market.prices(branch, last_word) if last_word else ():
            place = Place(branch.chain_id, branch.sub_chain_id, branch.store_id, priced.product.code)
            prices[place] = priced
    return prices


class Carried(NamedTuple):
    """Where a promotion holds."""

    chain_id: str
    sub_chain_id: int
    store_id: int
    promotion_id: str


def published_promotions(
    market: SyntheticMarket, feed: Feed, *, now: datetime, day: date
) -> dict[Carried, Promotion]:
    """Return what the stores of a feed carry as their promotion files of `day` up to `now` tell it.

    A full lists all that runs; a delta adds what has begun since the file before it.
    """
    carried = {}
    for branch in market.branches(feed):
        offers: list[Promotion] = []
        said = [slot for slot in slots(branch, day) if not _is_price(slot) and slot.published_at <= now]
        for slot in sorted(said, key=lambda one: one.stamp):
            offers = [] if slot.kind.is_full else offers
            offers += offered(market, branch, slot)
        for offer in offers:
            place = (branch.chain_id, branch.sub_chain_id, branch.store_id, str(offer.promotion_id))
            carried[Carried(*place)] = offer
    return carried


def _last_word(branch: Branch, now: datetime, first_day: date) -> datetime | None:
    """Return the stamp of the last price file of the last day that has a full; None: there is no full yet.

    On every day the first full comes before the deltas, so both speak of the same day.
    """
    day = day_of(now)
    while day >= first_day:
        said = [slot for slot in slots(branch, day) if _is_price(slot) and slot.published_at <= now]
        if said:
            return max(slot.stamp for slot in said)
        day -= timedelta(days=1)
    return None


def _is_price(slot: Slot) -> bool:
    return slot.kind.document is Document.PRICES
