"""The work of `load` on the tables themselves: how large rows are, and a crowd of other prices in them."""

import psycopg

from gogobe_dagster_tests.benchmarks.price_loads import LoadSetup

CROWD = """
insert into price_current
    (store_key, product_key, price, published_unit_price, price_set_at, valid_from, file_id)
select 1000000 + number, product_key, 9.90, 19.80, valid_from, valid_from, file_id
from generate_series(1, %(stores)s) as number,
    (select distinct on (product_key) product_key, valid_from, file_id from price_current
     order by product_key limit 6000) as sold
order by 1, 2
"""
ROW_SIZES = """
select '{table}', (select count(*) from {table}), sum(pg_table_size(relid)), sum(pg_indexes_size(relid))
from (select '{table}'::regclass as relid union select relid from pg_partition_tree('{table}')) as parts
"""
TABLES = ("price_current", "price_past")


def crowd(setup: LoadSetup, template: str, database: str, number: int) -> None:
    """Make a copy with `number` current prices, most of them of stores that publish nothing."""
    setup.copy(template, database)
    with psycopg.connect(setup.server.admin_url(database), autocommit=True) as connection:
        products = connection.execute("select least(count(distinct product_key), 6000) from price_current")
        a_store = products.fetchone()
        missing = number - setup.count(database, "price_current")
        stores = max(missing, 0) // (a_store[0] if a_store else 1)
        connection.execute(CROWD, {"stores": stores})
        connection.execute("vacuum analyze price_current")


def row_sizes(setup: LoadSetup, database: str) -> dict[str, float | int | str]:
    """Return the bytes of table and of indexes that a row takes, after a vacuum."""
    sizes: dict[str, float | int | str] = {}
    with psycopg.connect(setup.server.admin_url(database), autocommit=True) as connection:
        for table in TABLES:
            connection.execute(f"vacuum analyze {table}")
            query = ROW_SIZES.replace("{table}", table)
            for name, rows, own, indexes in connection.execute(query):
                sizes |= {
                    f"{name}_row_bytes": round(own / rows),
                    f"{name}_index_bytes": round(indexes / rows),
                }
    return sizes
