"""What the tables of a dataset are, and how each is cut into files.

Columns are those of the views, with their meanings. What stands in the names of folders is not in the files:
readers add it, and some refuse a column that is in both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gogobe_dagster.warehouse.schema.tables import chain_product, locality
from gogobe_dagster.warehouse.schema.views import VIEWS

VERSION: Final = 1
"""Of the tables, their columns and their cut; another one has everything written again."""
_MEANINGS: Final = {view.name: view.columns for view in VIEWS}
DAY = "day"
MONTH = "month"
CHAIN = "chain_id"
FILE = "data.parquet"
"""The name of every file, in the folder of its table or part."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DatasetTable:
    """One table."""

    name: str
    title: str
    query: str
    """In which `{chain_id}`, `{start}` and `{end}` stand for the values of a file."""
    meanings: Mapping[str, str]
    """By column, at least for those of the query."""
    parts: tuple[str, ...] = ()
    """What its folders are named for, from the outermost; without any it is one file."""
    kinds: tuple[str, ...] = field(default=("prices", "full_prices", "stores"))
    """Kinds of files that change it."""
    is_statistics: bool = False
    """Whether it has what is found at night, so that it changes then as well."""


def _columns(view: str, *names: str) -> str:
    missing = set(names) - _MEANINGS[view].keys()
    assert not missing, missing  # noqa: S101 - found when the module is imported
    return ", ".join(names)


def _all_columns(view: str) -> str:
    """Return those that the name of the folder does not say."""
    return ", ".join(name for name in _MEANINGS[view] if name not in {CHAIN, "chain_name"})


_STORE = ("sub_chain_id", "store_id", "store_name", "locality_code", "locality_name", "store_key")
_PRODUCT = ("gtin", "code", "product_name", "product_key")
_PRICE = ("price", "published_unit_price", "valid_from", "file_id")
_PERIOD = ("price", "published_unit_price", "price_set_at", "valid_from", "valid_to", "file_id")
PRICES = DatasetTable(
    name="prices",
    title="What each product cost in each store at the end of a day in Israel.",
    query=f"""
select {_columns("price_periods", *_PRODUCT, *_STORE, *_PRICE)}
from price_periods
where chain_id = {{chain_id}} and valid_from < {{end}} and (valid_to is null or valid_to >= {{end}})
order by gtin, code, store_key
""",
    meanings=_MEANINGS["price_periods"],
    parts=(DAY, CHAIN),
)
CURRENT_PRICES = DatasetTable(
    name="current_prices",
    title="What each product costs in each store, as the newest files say.",
    query=f"""
select {_all_columns("current_prices")}
from current_prices where chain_id = {{chain_id}} order by gtin, code, store_key
""",
    meanings=_MEANINGS["current_prices"],
    parts=(CHAIN,),
)
PRICE_PERIODS = DatasetTable(
    name="price_periods",
    title="Periods in which a price did not change, by the month in which they ended.",
    query=f"""
select {_columns("price_periods", *_PRODUCT, *_STORE, *_PERIOD, "closed_by_file_id")} from price_periods
where chain_id = {{chain_id}} and valid_to >= {{start}} and valid_to < {{end}}
order by gtin, code, store_key, valid_from
""",
    meanings=_MEANINGS["price_periods"],
    parts=(MONTH, CHAIN),
)
PROMOTIONS = DatasetTable(
    name="promotions",
    title="Offers in force when the dataset was made: a row for each store, offer and product.",
    query=f"""
select {_all_columns("promotions_now")}
from promotions_now where chain_id = {{chain_id}} order by gtin, code, store_key, promotion_key, offer_number
""",
    meanings=_MEANINGS["promotions_now"],
    parts=(CHAIN,),
    kinds=("promotions", "full_promotions", "prices", "full_prices", "stores"),
)
STORES = DatasetTable(
    name="stores",
    title="All stores, with their localities and how fresh what is known of them is.",
    query="""
select c.chain_id, c.chain_name, c.sub_chain_id, c.sub_chain_name, c.store_id, c.store_name, c.city,
    c.locality_code, c.locality_name, c.district, l.latitude, l.longitude, c.store_type, c.is_online,
    c.listing_status, c.prices, c.newest_full_at, c.first_seen_at, c.last_seen_at, c.store_key
from store_coverage c left join locality l using (locality_code) order by c.store_key
""",
    meanings={
        **{name: str(locality.c[name].comment) for name in ("latitude", "longitude")},
        **_MEANINGS["store_coverage"],
    },
)
PRODUCTS = DatasetTable(
    name="products",
    title="All products, as each chain describes them.",
    query="""
select d.chain_id, c.name as chain_name, p.gtin, d.code, d.name as product_name, d.manufacturer, d.country,
    d.description, d.quantity, d.unit_quantity, d.unit_of_measure, d.is_weighted, d.quantity_in_package,
    d.base_unit, d.base_quantity, d.content_source, d.no_content_reason, d.attributes_as_of, d.product_key
from chain_product d join chain c using (chain_id) join product p using (product_key)
order by p.gtin, d.chain_id, d.code
""",
    meanings={
        **{column.name: str(column.comment) for column in chain_product.columns},
        **{name: _MEANINGS["current_prices"][name] for name in ("chain_name", "gtin", "product_name")},
    },
)
_IS_IN_MONTH = """
chain_id = {chain_id}
and day >= ({start} at time zone 'Asia/Jerusalem')::date and day < ({end} at time zone 'Asia/Jerusalem')::date
"""


def _daily(view: str, title: str) -> DatasetTable:
    """Return a view with a row per day, chain and product, as a file per month and chain."""
    return DatasetTable(
        name=view,
        title=title,
        query=f"""
select {_all_columns(view)} from {view} where {_IS_IN_MONTH} order by gtin, code, product_key, day
""",
        meanings=_MEANINGS[view],
        parts=(MONTH, CHAIN),
        is_statistics=True,
    )


PRODUCT_DAILY = _daily(
    "product_daily", "Lowest, median and highest price of each product in each chain, day by day."
)
CHAIN_PRICE_CHANGES = _daily(
    "chain_price_changes", "Products whose median price in a chain changed from one day to the next."
)
CHAIN_PRICE_INDEX = DatasetTable(
    name="chain_price_index",
    title="How dear each chain is, by week and month: 100 is the country in the base month.",
    query="select * from chain_price_index order by period, starts_on, chain_id",
    meanings=_MEANINGS["chain_price_index"],
    is_statistics=True,
)
TABLES: Final = (
    *(PRICES, CURRENT_PRICES, PRICE_PERIODS, PROMOTIONS, STORES, PRODUCTS),
    *(PRODUCT_DAILY, CHAIN_PRICE_CHANGES, CHAIN_PRICE_INDEX),
)
