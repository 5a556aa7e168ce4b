"""The watch list: products whose changed prices are alerted, in all stores or in those of a locality.

Each store's price is compared with the one that was last alerted, or that it had when the watch began, and
is remembered in the transaction that sends the alert: an alert that nobody takes is sent again. One that was
taken is sent again only if the transaction cannot be committed after it. A store that begins to sell the
product changes nothing. A price is left for later while a file of the same timestamp waits to be loaded,
which may state another one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.monitoring.alerts import Alert, send
from gogobe_dagster.warehouse.schema.watch_tables import watch

MAX_STORES = 5
"""Store names in a line of an alert."""
MAX_LINES = 20
_NOW = """
with waiting as materialized (
    select distinct chain_id, store_id, published_at from file
    where state in ('discovered', 'downloaded', 'parsed') and kind in ('prices', 'full_prices')
), price_now as (
    select w.watch_key, s.store_key, c.price
    from watch w join product p using (gtin) join price_current c using (product_key)
    join store s on s.store_key = c.store_key
    where c.price > 0 and (w.locality_code is null or s.locality_code = w.locality_code)
        and not exists (
            select from waiting
            where waiting.chain_id = s.chain_id and waiting.store_id = s.store_id
                and waiting.published_at = c.valid_from
        )
)
"""
_UPSERT = """
insert into watch_price (watch_key, store_key, price) select watch_key, store_key, price from price_now
on conflict (watch_key, store_key) do update set price = excluded.price
where watch_price.price <> excluded.price
"""
_REMEMBER = sa.text(f"{_NOW} {_UPSERT}")
# One statement: what is loaded while it runs is neither alerted nor remembered. `known` is as it was before.
_CHANGED = sa.text(f"""
{_NOW}, remembered as ({_UPSERT})
select w.watch_key, w.gtin, p.name, l.name as locality, coalesce(c.name, s.chain_id) as chain,
    coalesce(s.name, 'store ' || s.store_id) as store, known.price as old_price, price_now.price as new_price
from price_now join watch_price known using (watch_key, store_key) join watch w using (watch_key)
join product p using (gtin) join store s using (store_key) join chain c on c.chain_id = s.chain_id
left join locality l on l.locality_code = w.locality_code
where known.price <> price_now.price
order by w.watch_key, chain, s.chain_id, new_price, old_price, s.sub_chain_id, s.store_id
""")  # noqa: S608 - ours
_LISTED = sa.text("""
select w.watch_key, w.gtin, p.name, l.name as locality, w.added_at, min(c.price) as lowest_price,
    count(c.price) as stores
from watch w left join product p using (gtin) left join locality l using (locality_code)
left join (price_current c join store s using (store_key)) on c.product_key = p.product_key and c.price > 0
    and (w.locality_code is null or s.locality_code = w.locality_code)
group by w.watch_key, p.name, l.name order by w.watch_key
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One line of the watch list, with what the product costs now."""

    watch_key: int
    gtin: str
    name: str | None
    """None: no chain has named the product."""
    locality: str | None
    """None: all stores."""
    added_at: datetime
    lowest_price: Decimal | None
    stores: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """What a watched product costs in a store that took another price before."""

    watch_key: int
    gtin: str
    name: str | None
    locality: str | None
    chain: str
    store: str
    old_price: Decimal
    new_price: Decimal


def add_watch(engine: sa.Engine, gtin: str, locality_code: int | None, *, now: datetime) -> int | None:
    """Watch a GTIN from now on; return the number of the watch, or None if it is watched already."""
    with engine.begin() as connection:
        values = {"gtin": gtin, "locality_code": locality_code, "added_at": now}
        upsert = insert(watch).values(values).on_conflict_do_nothing().returning(watch.c.watch_key)
        watch_key: int | None = connection.scalar(upsert)
        if watch_key is not None:
            connection.execute(_REMEMBER)
    return watch_key


def remove_watch(engine: sa.Engine, watch_key: int) -> bool:
    """Watch it no more; return whether it was watched."""
    with engine.begin() as connection:
        return bool(connection.execute(sa.delete(watch).where(watch.c.watch_key == watch_key)).rowcount)


def watches(engine: sa.Engine) -> list[Watched]:
    """Return the watch list."""
    with engine.connect() as connection:
        return [Watched(**row._asdict()) for row in connection.execute(_LISTED)]


def alert_watched(engine: sa.Engine, url: str) -> Alert | None:
    """Send one alert about all changes since the last one; return it, or None if there are none.

    Raises `AlertNotSent` if it is not accepted: the changes are then sent by the next call.
    """
    with engine.begin() as connection:
        # one sender at a time; who adds or removes a watch meanwhile waits
        connection.execute(sa.text("select from watch for update")).all()
        changes = [PriceChange(**row._asdict()) for row in connection.execute(_CHANGED)]
        alert = _alert(changes) if changes else None
        if alert:
            send(alert, url)
    return alert


def _alert(changes: Sequence[PriceChange]) -> Alert:
    lines = list(_lines(changes))
    left_out = [f"… and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else []
    products = len({change.gtin for change in changes})
    title = f"gogobe: {products} watched price{'' if products == 1 else 's'} changed"
    is_good = all(change.new_price < change.old_price for change in changes)
    return Alert(title=title, body="\n".join([*lines[:MAX_LINES], *left_out]), is_good=is_good)


def _lines(changes: Iterable[PriceChange]) -> Iterator[str]:
    """Write one line for the stores of a chain that took the same step."""
    for _, group in groupby(
        changes, key=lambda change: (change.watch_key, change.chain, change.new_price, change.old_price)
    ):
        some = list(group)
        first, stores = some[0], ", ".join(change.store for change in some[:MAX_STORES])
        more = f" and {len(some) - MAX_STORES} more" if len(some) > MAX_STORES else ""
        step = f"{first.old_price.normalize():f} → {first.new_price.normalize():f}"
        yield f"{first.name or first.gtin} ({first.gtin}): {step} at {first.chain}: {stores}{more}"
