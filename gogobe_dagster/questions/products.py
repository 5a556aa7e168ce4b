"""Questions about products: search, prices, history, promotions, comparison, baskets.

A product is a GTIN, or, for a code that only one chain knows, `CHAIN_ID:CODE`.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError
from gogobe_dagster.questions.conditions import conditions
from gogobe_dagster.questions.filters import IS_ONLINE, MATCHES, Stores
from gogobe_dagster.questions.pages import FIRST_PAGE, Page, Paging, page
from gogobe_dagster.questions.reader import Reader, Row

MAX_COMPARED = 20
MAX_BASKET = 200
MAX_BASKET_STORES = 100
MAX_HISTORY_STORES = 20
ALL_STORES = Stores()

_BY_GTIN = "select product_key from product where gtin = search_gtin(:product)"
_BY_CODE = """
select product_key from product
where chain_id = split_part(:product, ':', 1) and code = split_part(:product, ':', 2)
"""
_PRODUCT = """
select p.gtin, p.chain_id, p.code, p.product_key,
    (select jsonb_object_agg(coalesce(c.name, c.chain_id), cp.name)
     from chain_product cp join chain c using (chain_id)
     where cp.product_key = p.product_key and cp.name is not null) as names
from product p where p.product_key = :product_key
"""
_CHEAPEST = "select * from {view} where product_key = :product_key"
PRICE_COLUMNS = (
    *(
        "chain_id",
        "chain_name",
        "sub_chain_id",
        "store_id",
        "store_name",
        "locality_name",
        "district",
        "address",
    ),
    *("is_online", "gtin", "code", "product_name", "price", "comparable_price", "base_unit", "valid_from"),
    *("confirmed_at", "latitude", "longitude", "store_key", "file_id"),
)
# The page is cut before names are joined and comparable prices divided: a product has thousands of prices.
_PRICES = f"""
with chosen as materialized (
    select store_key from price_current join store using (store_key) left join locality using (locality_code)
    where product_key = :product_key and price > 0 and {MATCHES} and {IS_ONLINE}
    and (cast(:after_price as numeric) is null
        or (price, store_key) > (cast(:after_price as numeric), cast(:after_store_key as integer)))
    order by price, store_key limit :rows
)
select {", ".join(PRICE_COLUMNS)} from chosen join current_prices using (store_key)
where product_key = :product_key order by price, store_key
"""
HISTORY_COLUMNS = (
    *(
        "chain_id",
        "chain_name",
        "store_id",
        "store_name",
        "gtin",
        "code",
        "product_name",
        "valid_from",
        "valid_to",
    ),
    *("price", "store_key", "file_id", "closed_by_file_id"),
)
_HISTORY = f"""
select {", ".join(HISTORY_COLUMNS)} from price_periods
where store_key = any(:store_keys) and product_key = :product_key
and (cast(:since as timestamptz) is null or valid_to is null or valid_to > :since)
and (cast(:until as timestamptz) is null or valid_from < :until)
and (cast(:after_valid_from as timestamptz) is null
    or (valid_from, store_key) > (cast(:after_valid_from as timestamptz), cast(:after_store_key as integer)))
order by valid_from, store_key limit :rows
"""
OFFER_COLUMNS = (
    *(
        "chain_id",
        "chain_name",
        "store_id",
        "store_name",
        "locality_name",
        "district",
        "promotion_id",
        "description",
    ),
    *("gtin", "code", "product_name", "effective_unit_price", "price_basis", "effective_comparable_price"),
    *("base_unit", "regular_price", "min_total_quantity", "max_quantity", "redemption_limit"),
    *("min_purchase_amount", "min_basket_amount", "needs_club", "needs_coupon", "is_compensation", "days"),
    *("no_price_reason", "remarks", "starts_at", "ends_at", "valid_from", "store_key", "promotion_key"),
    "offer_number",
)
_OFFERS = f"""
select {", ".join(OFFER_COLUMNS)} from promotions_now
where product_key = :product_key and not is_gift and {MATCHES}
and (cast(:after_store_key as integer) is null or (store_key, promotion_key, offer_number)
    > (cast(:after_store_key as integer), cast(:after_promotion_key as bigint),
        cast(:after_offer_number as integer)))
order by store_key, promotion_key, offer_number limit :rows
"""
_COMPARED = f"""
select gtin, chain_id, chain_name, min(product_name) as product_name, min(price) as lowest_price,
    percentile_disc(0.5) within group (order by price) as median_price, max(price) as highest_price,
    count(*) as stores, min(confirmed_at) as confirmed_at
from current_prices
where product_key = any(:product_keys) and price > 0 and {MATCHES} and not is_online
group by gtin, product_key, chain_id, chain_name order by product_key, lowest_price, chain_id
"""
STATISTICS_COLUMNS = (
    *("day", "chain_id", "chain_name", "gtin", "code", "product_name", "lowest_price", "median_price"),
    *("highest_price", "stores", "promoted_stores"),
)
_STATISTICS = f"""
select {", ".join(STATISTICS_COLUMNS)} from product_daily
where product_key = :product_key and (cast(:chain_id as text) is null or chain_id = :chain_id)
and (cast(:since as date) is null or day >= :since) and (cast(:until as date) is null or day < :until)
and (cast(:after_day as date) is null or (day, chain_id) > (cast(:after_day as date), :after_chain_id))
order by day, chain_id limit :rows
"""
DISCOUNT_COLUMNS = (
    *("chain_id", "chain_name", "store_id", "store_name", "locality_name", "district", "promotion_id"),
    *("description", "gtin", "code", "product_name", "effective_unit_price", "price_basis", "regular_price"),
    *("lowest_30_days", "median_30_days", "lowest_90_days", "median_90_days", "days_known"),
    *("is_below_30_days", "is_below_90_days", "percent_off_shelf", "percent_off_median_30"),
    *("percent_off_median_90", "min_total_quantity", "needs_coupon", "needs_club", "is_compensation"),
    *("starts_at", "ends_at", "store_key", "promotion_key", "offer_number"),
)
# The page is cut before usual prices are found, which takes as long for each row as the rest together.
_DISCOUNTS = f"""
with chosen as materialized (
    select store_key, promotion_key, offer_number from promotions_now
    where product_key = :product_key and not is_gift and effective_unit_price is not null and {MATCHES}
    and (cast(:after_store_key as integer) is null or (store_key, promotion_key, offer_number)
        > (cast(:after_store_key as integer), cast(:after_promotion_key as bigint),
            cast(:after_offer_number as integer)))
    order by store_key, promotion_key, offer_number limit :rows
)
select {", ".join(f"found.{column}" for column in DISCOUNT_COLUMNS)} from chosen
cross join lateral (
    select * from real_discounts r where r.product_key = :product_key and r.store_key = chosen.store_key
    and r.promotion_key = chosen.promotion_key and r.offer_number = chosen.offer_number
) found
order by chosen.store_key, chosen.promotion_key, chosen.offer_number
"""
USUAL_COLUMNS = (
    "store_key",
    "lowest_30_days",
    "median_30_days",
    "lowest_90_days",
    "median_90_days",
    "days_known",
)
_USUAL = f"""
select {", ".join(USUAL_COLUMNS)} from unnest(cast(:store_keys as integer[])) as store_key
cross join lateral usual_prices(store_key, :product_key, now()) usual
order by store_key
"""
_BASKET = """
select * from basket(
    cast(:items as jsonb), :locality, :district, :latitude, :longitude, :radius_km, :club, :coupon, :online
) limit :rows
"""


def search(reader: Reader, text: str, limit: int = 20) -> list[Row]:
    """Return the products whose names fit best, as `search_products` finds them."""
    return reader.ask("select * from search_products(:text, :limit)", text=text, limit=limit)


def product_key(reader: Reader, product: str) -> int:
    """Return the key of a product. Raises `QuestionError` for one that nobody has published."""
    found = reader.ask_once(_BY_CODE if ":" in product else _BY_GTIN, product=product)
    if not found:
        raise QuestionError(AnswerCode.UNKNOWN_PRODUCT, f"no chain has published the product {product}")
    return int(found[0]["product_key"])


def product(reader: Reader, name: str) -> Row:
    """Return a product: its names, and where it is cheapest in shops and online."""
    key = product_key(reader, name)
    [found] = reader.ask(_PRODUCT, product_key=key)
    views = {"cheapest": "cheapest_prices", "cheapest_online": "cheapest_online_prices"}
    where = {
        field: next(iter(reader.ask(_CHEAPEST.format(view=view), product_key=key)), None)
        for field, view in views.items()
    }
    return {**found, "names": found["names"] or {}, **where}


def prices(
    reader: Reader,
    name: str,
    stores: Stores = ALL_STORES,
    *,
    paging: Paging = FIRST_PAGE,
) -> Page:
    """Return what a product costs in each store now, the cheapest first. A price of 0 is none."""
    key = ("price", "store_key")
    chosen = {**stores.parameters, "is_online": stores.is_online, **paging.parameters(key)}
    rows = reader.ask(_PRICES, product_key=product_key(reader, name), **chosen)
    return page(rows, paging, key)


def history(
    reader: Reader,
    name: str,
    store_keys: Sequence[int],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page:
    """Return the periods of a product's price in some stores, the oldest first."""
    key = ("valid_from", "store_key")
    chosen = {"store_keys": list(store_keys), "since": since, "until": until, **paging.parameters(key)}
    rows = reader.ask(_HISTORY, product_key=product_key(reader, name), **chosen)
    return page(rows, paging, key)


def statistics(
    reader: Reader,
    name: str,
    *,
    chain_id: str | None = None,
    since: date | None = None,
    until: date | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page:
    """Return what a product cost in each chain, day by day, the oldest day first."""
    key = ("day", "chain_id")
    chosen = {"chain_id": chain_id, "since": since, "until": until, **paging.parameters(key)}
    rows = reader.ask(_STATISTICS, product_key=product_key(reader, name), **chosen)
    return page(rows, paging, key)


def promotions(
    reader: Reader,
    name: str,
    stores: Stores = ALL_STORES,
    *,
    paging: Paging = FIRST_PAGE,
) -> Page:
    """Return the offers on a product now, with their conditions as sentences."""
    key = ("store_key", "promotion_key", "offer_number")
    chosen = {**stores.parameters, **paging.parameters(key)}
    rows = reader.ask(_OFFERS, product_key=product_key(reader, name), **chosen)
    return page([{**row, "conditions": conditions(row)} for row in rows], paging, key)


def discounts(
    reader: Reader,
    name: str,
    stores: Stores = ALL_STORES,
    *,
    paging: Paging = FIRST_PAGE,
) -> Page:
    """Return the offers on a product beside what it has cost in the same store."""
    key = ("store_key", "promotion_key", "offer_number")
    chosen = {**stores.parameters, **paging.parameters(key)}
    return page(reader.ask(_DISCOUNTS, product_key=product_key(reader, name), **chosen), paging, key)


def usual_prices(reader: Reader, name: str, store_keys: Sequence[int]) -> list[Row]:
    """Return what a product has cost in some stores in the last 30 and 90 days."""
    chosen = sorted(set(store_keys))
    return reader.ask(_USUAL, product_key=product_key(reader, name), store_keys=chosen)


def compare(reader: Reader, names: Sequence[str], stores: Stores = ALL_STORES) -> list[Row]:
    """Return what each chain's shops ask for each product."""
    keys = [product_key(reader, name) for name in names]
    return reader.ask(_COMPARED, product_keys=keys, **stores.parameters)


def basket(
    reader: Reader,
    items: Sequence[Mapping[str, Any]],
    *,
    locality: str | None = None,
    district: str | None = None,
    point: tuple[Decimal, Decimal] | None = None,
    radius_km: Decimal = Decimal(10),
    with_club: bool = False,
    with_coupon: bool = False,
    with_online: bool = False,
    limit: int = 20,
) -> list[Row]:
    """Return what these items cost in each store, the cheapest first; see the function `basket`."""
    latitude, longitude = point or (None, None)
    code = Stores(locality=locality).parameters["locality_code"]
    chosen = {
        "locality": None if code is None else str(code),
        "district": district,
        "latitude": latitude,
        "longitude": longitude,
        "radius_km": radius_km,
        "club": with_club,
        "coupon": with_coupon,
        "online": with_online,
    }
    lines = [{"gtin": item["gtin"], "quantity": float(item["quantity"])} for item in items]
    return reader.ask(_BASKET, items=json.dumps(lines), rows=limit, **chosen)
