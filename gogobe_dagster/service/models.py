"""What the answers look like. A field that is a column of a view has that column's meaning and type.

Money and quantities are decimals as text: a number of JSON would be a binary float in most programs.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, Field, create_model

from gogobe_dagster.questions import chains, imports, products, stores
from gogobe_dagster.warehouse.schema.tables import locality
from gogobe_dagster.warehouse.schema.views import VIEWS

_MEANINGS: Final = {view.name: view.columns for view in VIEWS}
_MONEY = dict.fromkeys(
    (
        *(
            "price",
            "comparable_price",
            "lowest_price",
            "highest_price",
            "median_price",
            "effective_unit_price",
        ),
        *("effective_comparable_price", "regular_price", "min_total_quantity", "max_quantity", "total"),
        *(
            "redemption_limit",
            "min_purchase_amount",
            "min_basket_amount",
            "regular_total",
            "comparable_total",
        ),
        *("base_quantity", "distance_km", "latitude", "longitude", "old_median", "new_median", "difference"),
        *("percent", "price_index", "lowest_30_days", "median_30_days", "lowest_90_days", "median_90_days"),
        *("days_known", "percent_off_shelf", "percent_off_median_30", "percent_off_median_90"),
    ),
    Decimal,
)
_TIMES = dict.fromkeys(
    (
        *(
            "valid_from",
            "valid_to",
            "confirmed_at",
            "starts_at",
            "ends_at",
            "newest_full_at",
            "newest_delta_at",
        ),
        *("first_seen_at", "last_seen_at", "published_at", "loaded_at", "last_loaded_at", "last_listed_at"),
    ),
    datetime,
)
_NUMBERS = dict.fromkeys(
    (
        *("sub_chain_id", "store_id", "store_key", "product_key", "promotion_key", "offer_number", "file_id"),
        *(
            "closed_by_file_id",
            "stores",
            "chains",
            "stores_at_lowest",
            "prices",
            "locality_code",
            "population",
        ),
        *(
            "promoted_stores",
            "products",
            "basket_products",
            "rows",
            "rejected",
            "size",
            "loaded",
            "quarantined",
            "pending",
            "lines",
            "missing",
        ),
    ),
    int,
)
_FLAGS = dict.fromkeys(
    (
        *("is_online", "needs_club", "needs_coupon", "is_compensation", "retry"),
        *("is_below_30_days", "is_below_90_days"),
    ),
    bool,
)
_DAYS = dict.fromkeys(("publication_day", "newest_day", "day", "starts_on", "base_month"), date)
TYPES: Final[Mapping[str, type]] = {**_MONEY, **_TIMES, **_NUMBERS, **_FLAGS, **_DAYS}
"""Of columns that are no text."""


def _model(name: str, columns: Mapping[str, str], **more: Any) -> type[BaseModel]:
    fields: dict[str, Any] = {
        column: (TYPES.get(column, str) | None, Field(description=meaning))
        for column, meaning in columns.items()
    }
    return create_model(name, **fields, **more)


def _of_view(name: str, view: str, columns: tuple[str, ...], **more: Any) -> type[BaseModel]:
    return _model(name, {column: _MEANINGS[view][column] for column in columns}, **more)


def _field(type_: Any, description: str) -> tuple[Any, Any]:
    return type_, Field(description=description)


def _page(rows: type[BaseModel]) -> type[BaseModel]:
    return create_model(
        f"PageOf{rows.__name__}",
        rows=_field(list[rows], "The rows of this page."),  # type: ignore[valid-type]
        next=_field(str | None, "`cursor` of the next page; null: this is the last one."),
    )


def _list(rows: type[BaseModel]) -> type[BaseModel]:
    return create_model(f"ListOf{rows.__name__}", rows=_field(list[rows], "All rows."))  # type: ignore[valid-type]


_STORE = _MEANINGS["current_prices"]
Price = _of_view("Price", "current_prices", products.PRICE_COLUMNS)
Period = _of_view("Period", "price_periods", products.HISTORY_COLUMNS)
Offer = _of_view(
    "Offer",
    "promotions_now",
    products.OFFER_COLUMNS,
    conditions=_field(list[str], "What has to be met for effective_unit_price; none: nothing."),
)
Statistic = _of_view("Statistic", "product_daily", products.STATISTICS_COLUMNS)
Discount = _of_view("Discount", "real_discounts", products.DISCOUNT_COLUMNS)
Usual = _of_view("Usual", "real_discounts", products.USUAL_COLUMNS)
Change = _of_view("Change", "chain_price_changes", chains.CHANGE_COLUMNS)
IndexValue = _of_view("IndexValue", "chain_price_index", chains.INDEX_COLUMNS)
OnlyProduct = _of_view("OnlyProduct", "chain_only_products", chains.ONLY_COLUMNS)
Chain = _model(
    "Chain",
    {
        "chain_id": _STORE["chain_id"],
        "chain_name": _STORE["chain_name"],
        "stores": "Stores of the chain, closed ones included.",
    },
)
Cheapest = _of_view("Cheapest", "cheapest_prices", tuple(_MEANINGS["cheapest_prices"]))
Product = _model(
    "Product",
    {
        "gtin": "GTIN; null: a code of one chain's own.",
        "chain_id": "The chain, if the code is a chain's own.",
        "code": "The code as published, if it is a chain's own.",
        "product_key": _STORE["product_key"],
    },
    names=_field(dict[str, str], "The product's name in each chain."),
    cheapest=_field(Cheapest | None, "Where shops have it for the least; null: no shop sells it."),
    cheapest_online=_field(Cheapest | None, "Where online stores have it for the least; null: none does."),
)
Found = _model(
    "Found",
    {
        "gtin": "GTIN; null: a code of one chain's own.",
        "name": "The name that fits best.",
        "product_key": _STORE["product_key"],
        "chains": "How many chains know it.",
    },
    names=_field(dict[str, str | None], "The product's name in each chain."),
)
Compared = _model(
    "Compared",
    {
        "gtin": _STORE["gtin"],
        "chain_id": _STORE["chain_id"],
        "chain_name": _STORE["chain_name"],
        "product_name": "A name of the product in this chain.",
        "lowest_price": "Lowest shelf price in ILS in the chosen shops of the chain.",
        "median_price": "Median of these prices.",
        "highest_price": "Highest of these prices.",
        "stores": "Shops of the chain that sell it.",
        "confirmed_at": "When a file last stated the price of the shop that has been silent the longest.",
    },
)
Store = _model(
    "Store",
    {
        **{
            name: _STORE[name]
            for name in ("chain_id", "chain_name", "sub_chain_id", "store_id", "store_name")
        },
        **{name: _STORE[name] for name in ("address", "locality_code", "locality_name", "district")},
        "latitude": "Degrees (WGS84) of the middle of its locality.",
        "longitude": "Degrees (WGS84) of the middle of its locality.",
        "is_online": _STORE["is_online"],
        "newest_full_at": _MEANINGS["store_coverage"]["newest_full_at"],
        "store_key": _STORE["store_key"],
    },
    distance_km=(
        Decimal | None,
        Field(default=None, description="Kilometres from the point; null: none given."),
    ),
)
Coverage = _of_view("Coverage", "store_coverage", stores.COVERAGE_COLUMNS)
Locality = _model(
    "Locality",
    {
        name: str(locality.c[name].comment)
        for name in (
            "locality_code",
            "name",
            "english_name",
            "district",
            "latitude",
            "longitude",
            "population",
        )
    },
)
Freshness = _model(
    "Freshness",
    {
        **{name: _MEANINGS["feed_health"][name] for name in ("feed", "newest_full_at", "last_loaded_at")},
        "last_listed_at": "When a listing of its portal last contained one of its files.",
        "newest_day": "Newest publication day.",
        "loaded": "Files in the tables.",
        "quarantined": "Files that cannot be imported.",
        "pending": "Files listed and not loaded yet.",
    },
)
PublishedFile = _of_view("PublishedFile", "published_files", imports.FILE_COLUMNS)
ErrorCode = _model(
    "ErrorCode",
    {
        "code": "Its stable name.",
        "fault": "Whose fault it is.",
        "retry": "Whether trying again can help.",
        "meaning": "What happened.",
        "action": "What to do.",
    },
)
BasketStore = _model(
    "BasketStore",
    {
        "store_key": _STORE["store_key"],
        "chain_id": _STORE["chain_id"],
        "chain_name": _STORE["chain_name"],
        "store_id": _STORE["store_id"],
        "store_name": _STORE["store_name"],
        "locality_name": _STORE["locality_name"],
        "district": _STORE["district"],
        "is_online": _STORE["is_online"],
        "lines": "Products of the basket that it sells.",
        "missing": "Products that it does not sell.",
        "total": "ILS for what it sells, promotions applied.",
        "regular_total": "The same at shelf prices.",
        "comparable_total": "total and, for each missing product, the median of what the other chosen stores"
        " take; null if none of them sells one.",
    },
    distance=(Decimal | None, Field(description="Kilometres from the point to the middle of its locality.")),
)
Health = create_model(
    "Health",
    status=_field(str, "ok: the database answers."),
    loaded_at=_field(datetime | None, "When a file was last loaded."),
)
Prices, Periods, Statistics, Offers, StorePage, CoveragePage, Files = map(
    _page, (Price, Period, Statistic, Offer, Store, Coverage, PublishedFile)
)
Discounts, Changes, Index, OnlyProducts = map(_page, (Discount, Change, IndexValue, OnlyProduct))
FoundList, ComparedList, LocalityList, FreshnessList, CodeList, BasketList, ChainList, UsualList = map(
    _list, (Found, Compared, Locality, Freshness, ErrorCode, BasketStore, Chain, Usual)
)
