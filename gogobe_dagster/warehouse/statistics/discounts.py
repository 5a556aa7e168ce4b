"""The offers of each chain that hold today, beside what it has usually taken: what `chain_discounts` shows.

`real_discounts` asks what each store has taken, which for all products of a chain would take minutes. Here
the chain's own daily statistics are the usual prices: they are few, and found already. So a chain takes
seconds, and its best offers are read from an index.
"""

from datetime import date, timedelta

import sqlalchemy as sa

from gogobe_dagster.parsing.promotions.pricing.shopper_price_sql import EFFECTIVE_UNIT_PRICE, PRICE_BASIS
from gogobe_dagster.warehouse.statistics.daily import midnight

DAYS, LONG_DAYS = 30, 90
"""How far back prices count, today included."""
_REMOVE = "delete from chain_discount where chain_id = :chain_id"
# The median is that of the days: a price counts for as many days as it was the chain's median.
_USUAL = f"""
period as (
    select product_key, lowest_price, median_price, last_day is null as is_sold,
        greatest(least(last_day, :today) - greatest(first_day, cast(:today as date) - {DAYS - 1}) + 1, 0)
            as days_30,
        least(last_day, :today) - greatest(first_day, cast(:today as date) - {LONG_DAYS - 1}) + 1 as days_90
    from product_statistics
    where chain_id = :chain_id and first_day <= :today
        and (last_day is null or last_day > cast(:today as date) - {LONG_DAYS})
), by_price as (
    select product_key, median_price, bool_or(is_sold) as is_sold,
        min(lowest_price) filter (where days_30 > 0) as lowest_30, min(lowest_price) as lowest_90,
        sum(days_30) as days_30, sum(days_90) as days_90
    from period group by product_key, median_price
), running as (
    select *, sum(days_30) over (partition by product_key order by median_price) as so_far_30,
        sum(days_90) over (partition by product_key order by median_price) as so_far_90,
        sum(days_30) over (partition by product_key) as all_30,
        sum(days_90) over (partition by product_key) as all_90
    from by_price
), usual as (
    select product_key, min(median_price) filter (where is_sold) as regular_price,
        min(lowest_30) as lowest_30_days, min(lowest_90) as lowest_90_days,
        min(median_price) filter (where days_30 > 0 and 2 * so_far_30 >= all_30) as median_30_days,
        min(median_price) filter (where 2 * so_far_90 >= all_90) as median_90_days,
        max(all_90) as days_known
    from running group by product_key having bool_or(is_sold)
)
"""  # noqa: S608 - ours
_FIND = f"""
insert into chain_discount (chain_id, product_key, promotion_key, offer_number, stores, effective_unit_price,
    price_basis, regular_price, lowest_30_days, median_30_days, lowest_90_days, median_90_days, days_known,
    percent_off_median_30, percent_off_median_90)
with {_USUAL.strip()}, promoted as (
    select promotion_key, count(*) as stores from promotion_store join store using (store_key)
    where chain_id = :chain_id and valid_from < :ends and (valid_to is null or valid_to >= :ends)
    group by promotion_key
), offered as (
    select u.*, o.promotion_key, o.offer_number, p.stores, unit.effective_unit_price, unit.price_basis
    from promoted p join promotion_offer o using (promotion_key)
    join promotion_item i using (promotion_key, offer_number) join usual u using (product_key)
    left join chain_product cp on cp.chain_id = :chain_id and cp.product_key = u.product_key
    cross join lateral (
        select {EFFECTIVE_UNIT_PRICE} as effective_unit_price, {PRICE_BASIS} as price_basis
        from (
            select o.reward_type, o.regular_price_share, o.fixed_unit_price, o.fixed_kilogram_price,
                o.is_by_weight, o.min_total_quantity, o.no_price_reason, i.is_gift, u.regular_price,
                cp.is_weighted as product_is_weighted
        ) known
    ) unit
    where o.is_active is not false and (o.starts_at is null or o.starts_at < :ends)
        and (o.ends_at is null or o.ends_at >= :starts)
)
select :chain_id, product_key, promotion_key, offer_number, stores, effective_unit_price, price_basis,
    regular_price, lowest_30_days, median_30_days, lowest_90_days, median_90_days, days_known,
    round(100 * (1 - effective_unit_price / median_30_days), 1),
    round(100 * (1 - effective_unit_price / median_90_days), 1)
from offered where effective_unit_price is not null
"""  # noqa: S608 - ours


def update_discounts(connection: sa.Connection, chain_id: str, *, today: date) -> None:
    """Replace a chain's rows, in the transaction that found its daily statistics until today."""
    starts, ends = midnight(today), midnight(today + timedelta(days=1))
    values = {"chain_id": chain_id, "today": today, "starts": starts, "ends": ends}
    for statement in (_REMOVE, _FIND):
        connection.execute(sa.text(statement), values)
