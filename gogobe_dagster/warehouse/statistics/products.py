"""What is known of each product over all chains, written beside it: chosen facts, conflicts, chains, stores.

Everything is found again each time, from the tables alone, and only what differs is written. A product that
no chain states any more keeps what was known of it.
"""

from typing import Final

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.warehouse.bulk_io.pg_copy import stage
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.tables import chain_product, product
from gogobe_dagster.warehouse.statistics.gs1_prefixes import country_of
from gogobe_dagster.warehouse.statistics.product_choice import CHOSEN, STATEMENTS, choose
from gogobe_dagster.warehouse.statistics.product_conflicts import find_conflicts

AT_ONCE = 50_000
"""Keys of products whose statements are in memory at a time: some 100 MB."""
FOUND: Final = (*CHOSEN, "gs1_country", "conflict")
_STAGED = (
    "product_key integer, name text, brand text, base_unit text, base_quantity numeric(14, 6),"
    " is_weighted boolean, gs1_country text, conflict text"
)
_KNOWN, _NEW = (", ".join(f"{alias}.{name}" for name in FOUND) for alias in ("p", "f"))
_WRITE = f"""
update product p set ({", ".join(FOUND)}) = row({_NEW}) from found_product f
where p.product_key = f.product_key and ({_KNOWN}) is distinct from ({_NEW})
"""  # noqa: S608 - columns of ours
_COUNT = """
update product p set chains = c.chains, stores = c.stores
from (
    select product_key, count(s.stores)::int as chains, coalesce(sum(s.stores), 0)::int as stores
    from product left join (
        select product_key, stores from product_statistics where last_day is null
    ) s using (product_key)
    group by product_key
) c where p.product_key = c.product_key and (p.chains, p.stores) is distinct from (c.chains, c.stores)
"""


def update_products(engine: sa.Engine) -> None:
    """Bring what is known of every product up to date, a range of keys at a time. Idempotent."""
    with engine.connect() as connection:
        newest = connection.scalar(sa.select(sa.func.max(product.c.product_key))) or 0
    for first in range(1, newest + 1, AT_ONCE):
        with engine.begin() as connection:
            lock(connection, AdvisoryLock.STATISTICS)
            _write_range(connection, first)
    with engine.begin() as connection:
        lock(connection, AdvisoryLock.STATISTICS)
        connection.execute(sa.text(_COUNT))


def _write_range(connection: sa.Connection, first: int) -> None:
    keys = chain_product.c.product_key.between(first, first + AT_ONCE - 1)
    columns = [chain_product.c[name] for name in STATEMENTS]
    said = connection.execute(sa.select(*columns).where(keys))
    statements = pl.DataFrame([tuple(row) for row in said], schema=STATEMENTS, orient="row")
    gtins = sa.select(product.c.product_key, product.c.gtin).where(
        product.c.product_key.between(first, first + AT_ONCE - 1), product.c.gtin.is_not(None)
    )
    countries = [(key, country_of(gtin)) for key, gtin in connection.execute(gtins)]
    known = pl.DataFrame(
        countries, schema={"product_key": pl.Int32(), "gs1_country": pl.String()}, orient="row"
    )
    found = choose(statements).join(known, on="product_key", how="left")
    found = found.join(find_conflicts(statements), on="product_key", how="left")
    stage(connection, "found_product", _STAGED, found.select("product_key", *FOUND))
    connection.execute(sa.text(_WRITE))
