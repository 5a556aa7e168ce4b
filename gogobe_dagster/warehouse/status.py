"""Questions that people ask the tables, answered as pandas frames. Money stays `Decimal`.

The views behind them are in the migration, for people who ask in SQL.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

_FLEET = "select * from fleet where cast(:days as date[]) is null or day = any(:days) order by feed, day"
_STORES = """
select c.chain_id, c.name as chain_name, count(*) as stores, count(*) filter (where s.is_listed) as listed,
    count(s.last_price_at) as with_prices, max(s.last_full_at) as newest_full
from chain c join store s using (chain_id) group by c.chain_id order by stores desc, c.chain_id
"""
_CHEAPEST = """
select chain_name, store_name, city, product_name, price, unit_price, unit_of_measure, valid_from, chain_id,
    sub_chain_id, store_id
from current_prices where gtin = :gtin and price > 0
order by price, chain_id, sub_chain_id, store_id limit :most
"""
_CHANGES = """
select changed_at, chain_id, store_name, product_name, gtin, code, old_price, new_price, difference
from price_changes where changed_at >= :since
order by changed_at desc, abs(difference) desc, product_key limit :most
"""
_SPREAD = """
with spread as (
    select product_key, count(*) as stores, min(price) as cheapest, max(price) as dearest
    from price_current where price > 0 group by product_key having count(*) >= :stores
)
select p.gtin, (select min(name) from chain_product d where d.product_key = s.product_key) as product_name,
    s.stores, s.cheapest, s.dearest, s.dearest - s.cheapest as difference
from spread s join product p using (product_key) where p.gtin is not null
order by s.dearest / s.cheapest desc, p.gtin limit :most
"""


def fleet_matrix(engine: sa.Engine, days: Collection[date] | None = None) -> pd.DataFrame:
    """Where the files of each feed and day stand; of all days unless given."""
    return _ask(engine, _FLEET, days=None if days is None else list(days))


def stores_by_chain(engine: sa.Engine) -> pd.DataFrame:
    """How many stores each chain has, how many its lists show, how many publish prices."""
    return _ask(engine, _STORES)


def cheapest_stores(engine: sa.Engine, gtin: str, *, most: int = 20) -> pd.DataFrame:
    """Where a product costs least now; its barcode as printed. A price of 0 is no offer."""
    return _ask(engine, _CHEAPEST, gtin=gtin.lstrip("0").zfill(13), most=most)


def price_changes(engine: sa.Engine, *, since: datetime, most: int = 50) -> pd.DataFrame:
    """Which prices changed since a moment, newest first, and of one moment the largest step first."""
    return _ask(engine, _CHANGES, since=since, most=most)


def widest_spread(engine: sa.Engine, *, stores: int = 2, most: int = 20) -> pd.DataFrame:
    """Which products, sold in so many stores at least, differ most in price from store to store."""
    return _ask(engine, _SPREAD, stores=stores, most=most)


def _ask(engine: sa.Engine, query: str, **parameters: Any) -> pd.DataFrame:
    with engine.connect() as connection:
        return pd.read_sql(sa.text(query), connection, params=parameters, coerce_float=False)
