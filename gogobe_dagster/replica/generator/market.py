"""What is sold where, at which price, since when: pure functions of a seed and a moment. This is the truth.

Prices walk a ladder of five steps, one step a cycle of days, at a minute between 06:00 and 21:30; so a
price, and when it was set, can be told for any moment without a history. Money is in agorot.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, cached_property

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.replica.generator.catalogue import Product, catalogue
from gogobe_dagster.replica.generator.seeded_random import draw
from gogobe_dagster.replica.generator.shops import Branch, branches

FULL_SIZE_ITEMS = 15_000
FEWEST_ITEMS, FEWEST_STORES = 30, 3
OPENING_MINUTE, OPEN_MINUTES = 6 * 60, 15 * 60 + 30
SPREAD = 0x9E3779B97F4A7C15  # 2^64 / the golden ratio: neighbours land far apart
SEASON_DAYS, SEASONS = 45, 7


@dataclass(frozen=True, slots=True)
class Priced:
    """A product in a store at a moment."""

    product: Product
    agorot: int
    priced_at: datetime

    @property
    def price(self) -> Decimal:
        """Publications price in ILS."""
        return Decimal(self.agorot) / 100


@dataclass(frozen=True, slots=True)
class Stocked:
    """How one store sells one product: the ladder of its prices and the days on which they change."""

    product: Product
    base: int
    step: int
    cycle_days: int
    phase: int
    stride: int
    spread: int
    season: int | None
    """None: sold all year; otherwise away for one season in seven."""

    def is_sold(self, day: date) -> bool:
        """Whether the store has it on that day."""
        return self.season is None or (day.toordinal() // SEASON_DAYS + self.season) % SEASONS != 0

    def changes_on(self, day: date) -> bool:
        """Whether the price changes on that day."""
        return (day.toordinal() - self.phase) % self.cycle_days == 0

    def at(self, moment: datetime) -> Priced:
        """Return the price at a moment (Israel time) and since when it holds."""
        day = moment.toordinal()
        cycle = (day - self.phase) // self.cycle_days
        changed_at = self._changed_at(cycle)
        if changed_at > moment:
            cycle -= 1
            changed_at = self._changed_at(cycle)
        rung = (self.spread + cycle * self.stride) % 5 - 2
        return Priced(self.product, self.base + rung * self.step, changed_at)

    def _changed_at(self, cycle: int) -> datetime:
        return opening_moment(self.phase + cycle * self.cycle_days, self.spread + cycle)


class SyntheticMarket:
    """Every chain, store and price of one seed and scale. Scale 1 is about as large as the real portals."""

    def __init__(
        self, *, seed: int = 1, scale: float = 0.02, stores: int | None = None, items: int | None = None
    ) -> None:
        """`stores` (of each feed) and `items` say a number where the scale's does not suit."""
        self.seed = seed
        self._scale = scale
        self._stores = stores
        self._items = items or max(FEWEST_ITEMS, round(FULL_SIZE_ITEMS * scale))
        self.branches = cache(self._branches)
        self.stocked = cache(self._stocked)

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """Everything that any chain sells."""
        return catalogue(self._items)

    def _branches(self, feed: Feed) -> tuple[Branch, ...]:
        number = self._stores or min(feed.stores, max(FEWEST_STORES, round(feed.stores * self._scale)))
        return branches(feed, number=number, seed=self.seed)

    def _stocked(self, branch: Branch) -> tuple[Stocked, ...]:
        return tuple(self._stocked_by_chance(branch))

    def _stocked_by_chance(self, branch: Branch) -> Iterator[Stocked]:
        for product in self.products:
            in_chain = draw(self.seed, branch.feed, product.code)
            in_store = draw(self.seed, branch.feed, branch.store_id, product.code)
            if in_chain % 100 < 88 and in_store % 100 < 92:  # noqa: PLR2004 - shares in percent
                own_price = in_chain // 100 % 5 == 0  # one in five has its own price in every store
                yield _stock(product, in_store if own_price else in_chain)

    def prices(self, branch: Branch, moment: datetime) -> list[Priced]:
        """Return what a store sells on that day, with the prices of the moment."""
        moment = moment.astimezone(ISRAEL)
        return [stocked.at(moment) for stocked in self.stocked(branch) if stocked.is_sold(moment.date())]

    def changed(self, branch: Branch, since: datetime, until: datetime) -> list[Priced]:
        """Return what got another price after `since` and up to `until`, both of one day."""
        until = until.astimezone(ISRAEL)
        day = until.date()
        changing = (it for it in self.stocked(branch) if it.changes_on(day) and it.is_sold(day))
        return [priced for priced in (it.at(until) for it in changing) if priced.priced_at > since]


def opening_moment(day: int, chance: int) -> datetime:
    """Return a minute of that day (an ordinal) at which shops are open."""
    minute = OPENING_MINUTE + (chance * SPREAD >> 20) % OPEN_MINUTES
    return datetime.combine(date.fromordinal(day), time(minute // 60, minute % 60), ISRAEL)


def _stock(product: Product, chance: int) -> Stocked:
    base = round(product.usual_price * (88 + chance // 1000 % 25) / 1000) * 10
    if chance // 7 % 3:  # two prices in three end in 90 agorot
        base = base // 100 * 100 + 90
    cycle_days = 3 + chance // 11 % 8 if product.is_weighted else 7 + chance // 11 % 54
    return Stocked(
        product=product,
        base=base,
        step=max(10, round(base / 250) * 10),
        cycle_days=cycle_days,
        phase=chance // 13 % cycle_days,
        stride=1 + chance // 17 % 4,
        spread=chance,
        season=chance // 19 % SEASONS if chance // 23 % 10 == 0 else None,
    )
