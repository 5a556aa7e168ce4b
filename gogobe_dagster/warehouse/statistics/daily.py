"""Statistics of each product in each chain, day by day: prices, stores, and how many of them promote it.

A day's numbers are a pure function of the other tables: the prices that hold at its end, in Israel, and the
promotions of that day. So it does not matter in which order files came. Days on which the numbers of a
product are the same share one row, as periods do.

Why at night and by chain, and not with every load: a load knows one store, and a median needs all of them. A
day of a chain takes seconds for the millions of prices that it has, and no second during loads.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.warehouse.history.retention_watermark import HISTORY, removed_until
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock

_DUE = sa.text("select mark_id, since_day from statistics_due where chain_id = :chain_id")
_UNTIL = sa.text("select until_day from statistics_progress where chain_id = :chain_id")
_DONE = sa.text("delete from statistics_due where mark_id = any(:marks)")
_REACHED = sa.text("""
insert into statistics_progress values (:chain_id, :today)
on conflict (chain_id) do update set until_day = excluded.until_day
""")
# Rows that began since are found again; one that ended since may go on.
_REOPEN = (
    "delete from product_statistics where chain_id = :chain_id and first_day >= :since",
    """
    update product_statistics set last_day = null
    where chain_id = :chain_id and last_day >= cast(:since as date) - 1
    """,
)
_CREATE = """
create temporary table if not exists day_found (
    product_key integer, lowest_price numeric, median_price numeric, highest_price numeric, stores integer,
    promoted_stores integer
) on commit delete rows
"""
# Most promotions are in the same stores, so items are joined to sets of stores, not to stores.
_FIND = """
insert into day_found
with shelf as (
    select c.store_key, c.product_key, c.price from price_current c join store using (store_key)
    where chain_id = :chain_id and c.price > 0 and c.valid_from < :ends
    union all
    select p.store_key, p.product_key, p.price from price_past p join store using (store_key)
    where chain_id = :chain_id and p.price > 0 and p.valid_from < :ends and p.valid_to >= :ends
), stores_of as (
    select promotion_key, array_agg(store_key order by store_key) as stores
    from promotion_store join store using (store_key)
    where chain_id = :chain_id and valid_from < :ends and (valid_to is null or valid_to >= :ends)
    group by promotion_key
), store_set as (
    select row_number() over () as number, stores, array_agg(promotion_key) as promotions
    from stores_of group by stores
), promoted_in_set as (
    select distinct number, product_key
    from store_set cross join unnest(promotions) as promotion_key
    join promotion_offer o using (promotion_key) join promotion_item i using (promotion_key, offer_number)
    where not i.is_gift and o.is_active is not false
        and is_on_day(o.days, :day)
        and not o.needs_coupon and not o.needs_club and not o.is_compensation
        and (o.starts_at is null or o.starts_at < :ends) and (o.ends_at is null or o.ends_at >= :starts)
), promoted as (
    select distinct product_key, store_key
    from promoted_in_set join store_set using (number) cross join unnest(stores) as store_key
)
select product_key, min(price), percentile_disc(0.5) within group (order by price), max(price), count(*),
    count(promoted.store_key)
from shelf left join promoted using (store_key, product_key) group by product_key
"""
_SAME = """
f.product_key = s.product_key and f.lowest_price = s.lowest_price and f.median_price = s.median_price
    and f.highest_price = s.highest_price and f.stores = s.stores and f.promoted_stores = s.promoted_stores
"""
_END = f"""
update product_statistics s set last_day = cast(:day as date) - 1
where chain_id = :chain_id and last_day is null and not exists (select from day_found f where {_SAME})
"""  # noqa: S608 - ours
_BEGIN = """
insert into product_statistics (chain_id, product_key, first_day, lowest_price, median_price, highest_price,
    stores, promoted_stores)
select :chain_id, product_key, :day, lowest_price, median_price, highest_price, stores, promoted_stores
from day_found f where not exists (
    select from product_statistics s
    where s.chain_id = :chain_id and s.product_key = f.product_key and s.last_day is null
) order by product_key
"""


def update_chain(connection: sa.Connection, chain_id: str, *, today: date) -> date | None:
    """Find the days of a chain that may have changed, until today; return the first of them. Idempotent.

    Today is found as it is now, and again the next time. None: nothing of the chain was ever loaded.
    """
    lock(connection, AdvisoryLock.STATISTICS, chain_id)
    due = connection.execute(_DUE, {"chain_id": chain_id}).all()
    until = connection.scalar(_UNTIL, {"chain_id": chain_id})
    days = [day for day in (until, *(row.since_day for row in due)) if day is not None]
    if not days:
        return None
    since = _first_known(connection, min(*days, today))
    for statement in _REOPEN:
        connection.execute(sa.text(statement), {"chain_id": chain_id, "since": since})
    for statement in (_CREATE, "set local work_mem = '64MB'"):
        connection.execute(sa.text(statement))
    for day in _days(since, today):
        _find_day(connection, chain_id, day)
    connection.execute(_DONE, {"marks": [row.mark_id for row in due]})
    connection.execute(_REACHED, {"chain_id": chain_id, "today": today})
    return since


def _first_known(connection: sa.Connection, day: date) -> date:
    """Return the first day since then at whose end all prices are known: retention may have removed some."""
    until = removed_until(connection, HISTORY)
    return day if until is None else max(day, day_of(until))


def _find_day(connection: sa.Connection, chain_id: str, day: date) -> None:
    starts, ends = midnight(day), midnight(day + timedelta(days=1))
    values = {"chain_id": chain_id, "day": day, "starts": starts, "ends": ends}
    for statement in (_FIND, "analyze day_found", _END, _BEGIN, "truncate day_found"):
        connection.execute(sa.text(statement), values)


def midnight(day: date) -> datetime:
    """Return when a day begins in Israel."""
    return datetime.combine(day, time(), tzinfo=ISRAEL)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
