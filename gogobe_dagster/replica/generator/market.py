"""What is sold where, at which price, since when: pure functions of a seed and a time.

A price takes one of five values and changes once per cycle of days, at a minute between 06:00 and 21:30. So a
price, and when it was set, is known for any time without a history. Money is in agorot.
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
from gogobe_dagster.replica.generator.stores import Store, make_stores

FULL_SIZE_ITEMS = 15_000
FEWEST_ITEMS, FEWEST_STORES = 30, 3
OPENING_MINUTE, OPEN_MINUTES = 6 * 60, 15 * 60 + 30
SPREAD = 0x9E3779B97F4A7C15  # 2^64 / the golden ratio: neighbours land far apart
SEASON_DAYS, SEASONS = 45, 7


@dataclass(frozen=True, slots=True)
class Priced:
    """A product in a store at a time."""

    product: Product
    agorot: int
    priced_at: datetime

    @property
    def price(self) -> Decimal:
        """Publications price in ILS."""
        return Decimal(self.agorot) / 100


@dataclass(frozen=True, slots=True)
class Stocked:
    """How one store sells one product: its five prices, and the days on which they change."""

    product: Product
    base: int
    step: int
    cycle_days: int
    phase: int
    stride: int
    spread: int
    season: int | None
    """None: sold all year; otherwise not sold in one season of seven."""

    def is_sold(self, day: date) -> bool:
        """Whether the store sells it on that day."""
        return self.season is None or (day.toordinal() // SEASON_DAYS + self.season) % SEASONS != 0

    def changes_on(self, day: date) -> bool:
        """Whether the price changes on that day."""
        return (day.toordinal() - self.phase) % self.cycle_days == 0

    def at(self, at: datetime) -> Priced:
        """Return the price at a time (Israel), and since when it holds."""
        day = at.toordinal()
        cycle = (day - self.phase) // self.cycle_days
        changed_at = self._changed_at(cycle)
        if changed_at > at:
            cycle -= 1
            changed_at = self._changed_at(cycle)
        rung = (self.spread + cycle * self.stride) % 5 - 2
        return Priced(self.product, self.base + rung * self.step, changed_at)

    def _changed_at(self, cycle: int) -> datetime:
        return time_in_opening_hours(self.phase + cycle * self.cycle_days, self.spread + cycle)


class SyntheticMarket:
    """Every chain, store and price of one seed and scale. Scale 1 is about as large as the real portals."""

    def __init__(
        self, *, seed: int = 1, scale: float = 0.02, stores: int | None = None, items: int | None = None
    ) -> None:
        """`stores` (per feed) and `items` replace the numbers that follow from the scale."""
        self.seed = seed
        self._scale = scale
        self._store_count = stores
        self._items = items or max(FEWEST_ITEMS, round(FULL_SIZE_ITEMS * scale))
        self.stores = cache(self._make_stores)
        self.stocked = cache(self._stocked)

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """Everything that any chain sells."""
        return catalogue(self._items)

    def _make_stores(self, feed: Feed) -> tuple[Store, ...]:
        number = self._store_count or min(feed.stores, max(FEWEST_STORES, round(feed.stores * self._scale)))
        return make_stores(feed, number=number, seed=self.seed)

    def _stocked(self, store: Store) -> tuple[Stocked, ...]:
        return tuple(self._draw_stocked(store))

    def _draw_stocked(self, store: Store) -> Iterator[Stocked]:
        for product in self.products:
            in_chain = draw(self.seed, store.feed, product.code)
            in_store = draw(self.seed, store.feed, store.store_id, product.code)
            if in_chain % 100 < 88 and in_store % 100 < 92:  # noqa: PLR2004 - shares in percent
                own_price = in_chain // 100 % 5 == 0  # one product in five has another price in every store
                yield _stock(product, in_store if own_price else in_chain)

    def prices(self, store: Store, at: datetime) -> list[Priced]:
        """Return what a store sells on that day, with the prices at that time."""
        at = at.astimezone(ISRAEL)
        return [stocked.at(at) for stocked in self.stocked(store) if stocked.is_sold(at.date())]

    def changed(self, store: Store, since: datetime, until: datetime) -> list[Priced]:
        """Return what changed its price after `since` and up to `until`, on the same day."""
        until = until.astimezone(ISRAEL)
        day = until.date()
        changing = (it for it in self.stocked(store) if it.changes_on(day) and it.is_sold(day))
        return [priced for priced in (it.at(until) for it in changing) if priced.priced_at > since]


def time_in_opening_hours(day: int, drawn: int) -> datetime:
    """Return a minute of that day (an ordinal) at which stores are open."""
    minute = OPENING_MINUTE + (drawn * SPREAD >> 20) % OPEN_MINUTES
    return datetime.combine(date.fromordinal(day), time(minute // 60, minute % 60), ISRAEL)


def _stock(product: Product, drawn: int) -> Stocked:
    base = round(product.usual_price * (88 + drawn // 1000 % 25) / 1000) * 10
    if drawn // 7 % 3:  # two prices in three end in 90 agorot
        base = base // 100 * 100 + 90
    cycle_days = 3 + drawn // 11 % 8 if product.is_weighted else 7 + drawn // 11 % 54
    return Stocked(
        product=product,
        base=base,
        step=max(10, round(base / 250) * 10),
        cycle_days=cycle_days,
        phase=drawn // 13 % cycle_days,
        stride=1 + drawn // 17 % 4,
        spread=drawn,
        season=drawn // 19 % SEASONS if drawn // 23 % 10 == 0 else None,
    )
