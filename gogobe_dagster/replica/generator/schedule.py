"""When a feed publishes which file: the slots of a day. The market decides whether a delta has rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.replica.generator.seeded_random import draw
from gogobe_dagster.replica.generator.stores import Store

FIRST_FULL = time(3, 10)  # before stores open, and never in the hour that daylight saving moves
FULLS_WITHIN_MINUTES = 140
LATER_FULLS = {"rami_levy": (time(13, 20), time(17, 50)), "osher_ad": (time(13, 20), time(17, 50))}
NO_DELTAS = {"wolt_market"}
NO_PROMOTIONS = {"mishnat_yosef_worker"}
NO_PROMOTION_DELTAS = {"super_pharm"}  # seen in April 2026: only PromoFull
STORES_AT = time(3, 5)
PRICE_HOURS = range(7, 23)  # the last is after the last change of a day, at 21:30
PROMOTION_HOURS = range(8, 23, 2)
PROMOTIONS_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A time at which a store publishes a kind of file."""

    kind: FileKind
    named_at: datetime
    """The timestamp in the file's name."""
    published_at: datetime
    """When the portal shows it, a little later."""
    since: datetime
    """A delta lists what changed after this time."""


def slots(store: Store, day: date) -> Iterator[Slot]:
    """Return a store's slots of a day: fulls, then deltas, each by time."""
    return (slot for slot in _all_slots(store, day) if _publishes(store.feed, slot.kind))


def _publishes(feed: str, kind: FileKind) -> bool:
    is_promotion = kind.document is Document.PROMOTIONS
    if is_promotion and feed in NO_PROMOTIONS:
        return False
    without_deltas = NO_DELTAS | NO_PROMOTION_DELTAS if is_promotion else NO_DELTAS
    return kind.is_full or feed not in without_deltas


def _all_slots(store: Store, day: date) -> Iterator[Slot]:
    fulls = [_first_full(store, day)]
    fulls += [_at(day, later) + _minutes(store, day, 20) for later in LATER_FULLS.get(store.feed, ())]
    for named_at in fulls:
        yield _slot(store, FileKind.FULL_PRICES, named_at, named_at)
        yield _slot(store, FileKind.FULL_PROMOTIONS, named_at + PROMOTIONS_AFTER, named_at)
    yield from _deltas(store, day, FileKind.PRICES, PRICE_HOURS, fulls[0])
    yield from _deltas(store, day, FileKind.PROMOTIONS, PROMOTION_HOURS, fulls[0] + PROMOTIONS_AFTER)


def stores_slot(chain_id: str, day: date) -> Slot:
    """Return when the list of stores of a chain appears."""
    named_at = _at(day, STORES_AT) + timedelta(seconds=draw(chain_id, day, "stores") % 60)
    return Slot(
        kind=FileKind.STORES, named_at=named_at, published_at=named_at + timedelta(minutes=1), since=named_at
    )


def _deltas(store: Store, day: date, kind: FileKind, hours: range, since: datetime) -> Iterator[Slot]:
    minute = draw(store.feed, store.store_id, kind.value) % 60
    for hour in hours:
        named_at = _at(day, time(hour, minute, minute))
        yield _slot(store, kind, named_at, since)
        since = named_at


def _first_full(store: Store, day: date) -> datetime:
    return _at(day, FIRST_FULL) + _minutes(store, day, FULLS_WITHIN_MINUTES)


def _minutes(store: Store, day: date, within: int) -> timedelta:
    drawn = draw(store.feed, store.store_id, day, "full")
    return timedelta(minutes=drawn % within, seconds=drawn // 1000 % 60)


def _slot(store: Store, kind: FileKind, named_at: datetime, since: datetime) -> Slot:
    lag = timedelta(seconds=20 + draw(store.feed, store.store_id, named_at, kind.value) % 160)
    return Slot(kind=kind, named_at=named_at, published_at=named_at + lag, since=since)


def _at(day: date, time_of_day: time) -> datetime:
    return datetime.combine(day, time_of_day, ISRAEL)
