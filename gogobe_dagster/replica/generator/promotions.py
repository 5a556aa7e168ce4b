"""What is on offer where and until when: functions of the market and a time, like its prices."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.replica.generator.assortment import LINES
from gogobe_dagster.replica.generator.catalogue import Product
from gogobe_dagster.replica.generator.deals import Deal, make_deal
from gogobe_dagster.replica.generator.market import SyntheticMarket, time_in_opening_hours
from gogobe_dagster.replica.generator.seeded_random import draw
from gogobe_dagster.replica.generator.stores import Store

GROUP_PRODUCTS = 4
PERCENT_EVER_ON_OFFER = 45
FIRST_ID = 1_300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A deal on some products of one line."""

    promotion_id: int
    description: str
    starts_at: datetime
    ends_at: datetime
    deal: Deal
    is_for_club: bool
    products: tuple[Product, ...]

    @property
    def is_weighted(self) -> bool:
        """Whether it is about goods sold by weight."""
        return self.products[0].is_weighted


def promotions(market: SyntheticMarket, store: Store, at: datetime) -> list[Promotion]:
    """Return what is on offer in a store at a time, by number."""
    at = at.astimezone(ISRAEL)
    return list(_running(market, store, at))


def started(market: SyntheticMarket, store: Store, since: datetime, until: datetime) -> list[Promotion]:
    """Return the offers that began after `since` and up to `until`."""
    return [promotion for promotion in promotions(market, store, until) if promotion.starts_at > since]


def _running(market: SyntheticMarket, store: Store, at: datetime) -> Iterator[Promotion]:
    groups: defaultdict[int, list[Product]] = defaultdict(list)
    position = {product.code: number for number, product in enumerate(market.products)}
    for stocked in market.stocked(store):
        if stocked.is_sold(at.date()):
            groups[_group(position[stocked.product.code])].append(stocked.product)
    for group, products in sorted(groups.items()):
        drawn = draw(market.seed, store.feed, "promotion", group)
        if drawn % 100 < PERCENT_EVER_ON_OFFER:
            promotion = _promotion(group, drawn, tuple(products), at)
            if promotion.starts_at <= at <= promotion.ends_at:
                yield promotion


def _group(position: int) -> int:
    """Neighbours in the same product line share a promotion."""
    rank, line = divmod(position, len(LINES))
    return rank // GROUP_PRODUCTS * len(LINES) + line


def _promotion(group: int, drawn: int, products: tuple[Product, ...], at: datetime) -> Promotion:
    cycle_days = 14 + drawn // 7 % 28
    phase = drawn // 11 % cycle_days
    cycle = (at.toordinal() - phase) // cycle_days
    starts_at = time_in_opening_hours(phase + cycle * cycle_days, drawn + cycle)
    last_day = starts_at.date() + timedelta(days=4 + drawn // 13 % 10)
    first = products[0]
    deal = make_deal(drawn + cycle, usual_price=first.usual_price, is_weighted=first.is_weighted)
    return Promotion(
        promotion_id=FIRST_ID + group * 100 + cycle % 100,
        description=deal.description(LINES[first.line].name),
        starts_at=starts_at,
        ends_at=datetime.combine(last_day, time(23, 59), ISRAEL),
        deal=deal,
        is_for_club=drawn // 23 % 6 == 0,
        products=products,
    )
