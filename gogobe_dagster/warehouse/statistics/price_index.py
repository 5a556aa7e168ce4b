"""The price index of each chain by week and month: a fixed basket of widely sold GTINs.

The method is written down in docs/data.md. Everything follows from `product_statistics`, and is computed from
it each time: the basket has few products, so the values of a year take seconds.
"""

from datetime import date

import sqlalchemy as sa

MOST_PRODUCTS = 500
"""Products of the basket."""
_BASE_MONTH = sa.text("""
select case when first_day > month + 14 and next_month <= until_day then next_month else month end
from (
    select first_day, date_trunc('month', first_day)::date as month,
        (date_trunc('month', first_day) + interval '1 month')::date as next_month
    from (select min(first_day) as first_day from product_statistics) first
) known, (select max(until_day) as until_day from statistics_progress) last
""")
_IS_OF_MONTH = sa.text("select exists (select from index_product where base_month = :base_month)")
# How many days of a row are within the days from :starts to before :ends.
_DAYS = """
least(coalesce(s.last_day, g.until_day), cast({ends} as date) - 1) - greatest(s.first_day, {starts}) + 1
"""
_OVERLAPS = "s.first_day < {ends} and coalesce(s.last_day, g.until_day) >= {starts}"
_OF_MONTH = {"starts": "cast(:base_month as date)", "ends": "cast(:base_month as date) + interval '1 month'"}
_OF_PERIOD = {"starts": "period.starts_on", "ends": "period.ends_on"}
_CHOOSE = f"""
insert into index_product (product_key, base_month, base_price)
with sold as (
    select product_key, s.chain_id, sum(median_price * ({_DAYS.format(**_OF_MONTH)}))
        / sum({_DAYS.format(**_OF_MONTH)}) as price, max(s.stores) as stores
    from product_statistics s join statistics_progress g using (chain_id) join product using (product_key)
    where gtin is not null and {_OVERLAPS.format(**_OF_MONTH)}
    group by product_key, s.chain_id
)
select product_key, :base_month, exp(avg(ln(price) order by sold.chain_id))
from sold join product using (product_key) group by product_key, gtin
having count(*) * 2 >= (select count(distinct sold.chain_id) from sold)
order by count(*) desc, sum(sold.stores) desc, gtin limit :most
"""  # noqa: S608 - ours
_COMPUTE = f"""
insert into price_index (chain_id, period, starts_on, price_index, products)
with day as (
    select day::date as day from (select min(first_day) as first_day from product_statistics) first,
        (select max(until_day) as until_day from statistics_progress) last,
        generate_series(first_day::timestamp, until_day::timestamp, interval '1 day') as day
), period as (
    select distinct 'week' as period, day - extract(dow from day)::int as starts_on,
        day - extract(dow from day)::int + 7 as ends_on from day
    union all
    select distinct 'month', date_trunc('month', day)::date,
        (date_trunc('month', day) + interval '1 month')::date
    from day
), mean as (
    select period.period, period.starts_on, s.chain_id, b.product_key, b.base_price,
        sum(s.median_price * ({_DAYS.format(**_OF_PERIOD)})) / sum({_DAYS.format(**_OF_PERIOD)}) as price
    from index_product b join product_statistics s using (product_key)
    join statistics_progress g using (chain_id) join period on {_OVERLAPS.format(**_OF_PERIOD)}
    group by 1, 2, 3, 4, 5
)
select mean.chain_id, period, starts_on,
    round(100 * exp(avg(ln(price / base_price) order by gtin)), 2), count(*)
from mean join product using (product_key) group by mean.chain_id, period, starts_on
"""  # noqa: S608 - ours


def update_index(connection: sa.Connection, *, since: date) -> None:
    """Compute the index again. `since`: the first day whose statistics changed."""
    base_month = connection.scalar(_BASE_MONTH)
    if base_month is None:
        return
    is_chosen = connection.scalar(_IS_OF_MONTH, {"base_month": base_month})
    if not is_chosen or (since.year, since.month) <= (base_month.year, base_month.month):
        connection.execute(sa.text("delete from index_product"))
        connection.execute(sa.text(_CHOOSE), {"base_month": base_month, "most": MOST_PRODUCTS})
    connection.execute(sa.text("delete from price_index"))
    connection.execute(sa.text(_COMPUTE))
