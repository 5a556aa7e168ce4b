"""The views, with the meaning of each of their columns. Their SQL is in the folder `sql`, one file per view.

A column that a view takes from a table has the meaning that it has there; only the others are described here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from gogobe_dagster.parsing.promotions.pricing.shopper_price_sql import COLUMNS
from gogobe_dagster.warehouse.schema.promotion_tables import (
    promotion,
    promotion_item,
    promotion_offer,
    promotion_store,
)
from gogobe_dagster.warehouse.schema.statistics_tables import (
    chain_discount,
    index_product,
    price_index,
    product_statistics,
)
from gogobe_dagster.warehouse.schema.tables import (
    chain_product,
    file,
    price_current,
    price_past,
    product,
    store,
)
from gogobe_dagster.warehouse.schema.watch_tables import product_match

SQL = Path(__file__).parent / "sql"
OFFER_EXPRESSIONS = {
    **COLUMNS,
    "is_in_force": "o.is_active is not false and (o.starts_at is null or o.starts_at <= now())"
    " and (o.ends_at is null or o.ends_at >= now())",
}
"""What stands for their names in braces, in SQL that reads `promotion_offer o`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view."""

    name: str
    comment: str
    columns: Mapping[str, str]
    """Meaning by column. A test compares the names with those of the view in the database."""

    expressions: Mapping[str, str] = field(default_factory=dict)
    """What stands in its SQL for a name in braces."""
    file: str = ""
    """Name of its SQL file, if it shares that of another view."""

    @property
    def sql(self) -> str:
        """The statement that creates or replaces it."""
        return read_sql(self.file or self.name, self.expressions)


def read_sql(file: str, expressions: Mapping[str, str]) -> str:
    """Return the SQL of a file, with these expressions for their names in braces."""
    text = (SQL / f"{file}.sql").read_text(encoding="utf-8")
    for name, expression in expressions.items():
        text = text.replace(f"{{{name}}}", expression)
    return text


def _from(table: sa.Table, *names: str) -> dict[str, str]:
    return {name: str(table.c[name].comment) for name in names}


_LOCALITY = {
    **_from(store, "locality_code"),
    "locality_name": "Name of this locality in Hebrew, the same in all chains; null if locality_code is.",
    "district": "District of this locality, in Hebrew; null if locality_code is.",
    "latitude": "Degrees (WGS84) of the middle of this locality, not of the store; null if there is none.",
    "longitude": "Degrees (WGS84) of the middle of this locality, not of the store; null if there is none.",
}
_STORE = {
    "chain_id": "Chain id.",
    "chain_name": "Name of the chain.",
    "sub_chain_id": "Sub-chain id; 0: none.",
    "store_id": "The store's number in its sub-chain.",
    "store_name": "Name of the store; null: no store list shows it.",
    "city": "City as published: a name, or a CBS locality code.",
    **_LOCALITY,
    "store_key": "Key of the store.",
}
_PRODUCT = {
    "gtin": "GTIN; null: a code of the chain's own.",
    "code": "Item code as the chain publishes it.",
    "product_name": "The chain's name of the product.",
    "product_key": "Key of the product.",
}
_COMMON = {"common_name": str(product.c.name.comment), **_from(product, "brand")}
_CHAIN_PRODUCT = {"chain_id": "Chain id.", "chain_name": "Name of the chain.", **_PRODUCT, **_COMMON}
_STATISTICS = _from(product_statistics, "lowest_price", "median_price", "highest_price", "stores")
_SUB_CHAIN_NAME = "Name of the sub-chain: the brand on the store."
_PERIOD = {
    **_from(price_past, "valid_from"),
    "valid_to": f"{str(price_past.c.valid_to.comment).removesuffix('.')}; null: it is still valid.",
    **_from(price_past, "price", "published_unit_price", "price_set_at", "file_id", "closed_by_file_id"),
}

_CONFIRMED_AT = (
    "When a file last stated this price, at least: valid_from, or the store's newest complete price file if"
    " that is newer, since it would have ended a price that it does not list. Deltas that repeat it do not"
    " count; a row of that full file without a readable price does."
)
_CONTENT = ("base_unit", "base_quantity")
_CHEAPEST = {
    "product_key": _PRODUCT["product_key"],
    "gtin": "GTIN; null: a code of one chain's own.",
    "code": "Item code as the cheapest chain publishes it.",
    "product_name": "The cheapest chain's name of it.",
    **_COMMON,
    "manufacturer": "Manufacturer as the cheapest chain publishes it.",
    "lowest_price": "Lowest shelf price in ILS.",
    "comparable_price": "ILS of one base_unit at this price, by the content that the cheapest chain"
    " publishes; null: it is not known.",
    **_from(chain_product, *_CONTENT),
    "stores_at_lowest": "Stores with the lowest price; the columns from confirmed_at to store_key are about"
    " the first of them.",
    "confirmed_at": _CONFIRMED_AT,
    "chain_id": "Chain id of the cheapest store.",
    "chain_name": "Name of its chain.",
    "sub_chain_id": "Its sub-chain id; 0: none.",
    "store_id": "Its number in its sub-chain.",
    "store_name": "Its name; null: no store list shows it.",
    "city": "Its city as published: a name, or a CBS locality code.",
    **_LOCALITY,
    "store_key": "Its key.",
    "highest_price": "Highest shelf price in ILS.",
    "stores": "Stores that sell it.",
    "chains": "Chains that sell it.",
}

VIEWS = (
    View(
        name="price_history",
        comment="Valid-time history: one row per period in which a price did not change, ended or not.",
        columns=_from(price_past, "store_key", "product_key") | _PERIOD,
    ),
    View(
        name="current_prices",
        comment="What each product costs in each store now, with names.",
        columns={
            **_STORE,
            **_PRODUCT,
            **_COMMON,
            "sub_chain_name": _SUB_CHAIN_NAME,
            **_from(store, "store_type", "is_online"),
            "confirmed_at": _CONFIRMED_AT,
            "address": "Street address.",
            "manufacturer": "Manufacturer as the chain publishes it.",
            **_from(price_current, "price", "published_unit_price", "price_set_at", "valid_from", "file_id"),
            **_from(chain_product, "unit_of_measure", "quantity", "unit_quantity", "is_weighted"),
            "comparable_price": "ILS of one base_unit: price / base_quantity; null: see no_content_reason,"
            " or the price is not above 0.",
            **_from(chain_product, *_CONTENT, "content_source", "no_content_reason"),
        },
    ),
    View(
        name="cheapest_prices",
        comment="Where in the country each product costs the least, and how much elsewhere. Prices of 0 and"
        " online stores are left out.",
        columns=_CHEAPEST,
        expressions={"view": "cheapest_prices", "is_in": "not at.is_online"},
    ),
    View(
        name="cheapest_online_prices",
        comment="The same for online stores alone: which has the lowest price, and how much others take.",
        columns=_CHEAPEST,
        expressions={"view": "cheapest_online_prices", "is_in": "at.is_online"},
        file="cheapest_prices",
    ),
    View(
        name="price_periods",
        comment="Price history with names: one row for every period in which a store's price did not change.",
        columns={
            **_STORE,
            **_PRODUCT,
            **_PERIOD,
            "comparable_price": "ILS of one base_unit, by the content that the chain states now; null: it is"
            " not known, or the price is not above 0.",
            **_from(chain_product, "base_unit"),
        },
    ),
    View(
        name="price_changes",
        comment="Every step from one price to the next. A product that left and came back made no step.",
        columns={
            **_STORE,
            **_PRODUCT,
            "changed_at": "When the new price was first published.",
            "old_price": "Price before, in ILS.",
            "new_price": "Price from then on, in ILS.",
            "difference": "new_price minus old_price; negative: it became cheaper.",
            "percent": "difference in percent of old_price; null: old_price is 0.",
            "old_comparable_price": "ILS of one base_unit at old_price, by the content that the chain states"
            " now; null: it is not known, or the price is not above 0.",
            "new_comparable_price": "The same at new_price.",
            **_from(chain_product, "base_unit"),
            "old_price_since": "Since when the old price was valid.",
            "file_id": "The file that published the new price.",
        },
    ),
    View(
        name="store_coverage",
        comment="What is known of each store, and how fresh it is.",
        columns={
            **_STORE,
            "sub_chain_name": _SUB_CHAIN_NAME,
            "listing_status": "listed: in the newest list, with prices; ghost: in the list, never a price"
            " file; delisted: left the list, has had prices; gone: left the list, never a price;"
            " unknown: price files, never in a list.",
            "prices": "Products that it sells now.",
            "newest_full_at": "Newest published_at of a loaded complete price file.",
            "newest_delta_at": "Newest published_at of a loaded delta.",
            "age": "Time since the newest price file was published; null: it never had one.",
            **_from(store, "first_seen_at", "last_seen_at", "store_type", "is_online"),
            "disagreements": "Loaded files that state no sub-chain, or whose header states another store"
            " or sub-chain than the name.",
            "other_sub_chains": "Other sub-chains with this store number. If there are any, files that state"
            " no sub-chain are a store of their own, in sub-chain 0.",
        },
    ),
    View(
        name="silent_stores",
        comment="Listed stores whose newest price file is over a day older than the newest of their chain.",
        columns={
            **_STORE,
            "newest_price_at": "Newest published_at of a loaded price file.",
            "newest_full_at": "Newest published_at of a loaded complete price file.",
            "chain_newest_at": "Newest published_at of a loaded price file of any store of the chain.",
            "silent_for": "chain_newest_at minus newest_price_at.",
            **_from(store, "is_online"),
        },
    ),
    View(
        name="promotions_now",
        comment="Promotions in force now: one row for each store, offer and product; conditions in columns.",
        columns={
            **_STORE,
            **_PRODUCT,
            "gtin": f"{_PRODUCT['gtin'].removesuffix('.')}, or the offer names no item.",
            "code": f"{_PRODUCT['code'].removesuffix('.')}; to look for a product, use gtin or product_key.",
            "product_name": "The chain's name of the product, or the common one if its price files lack it;"
            " null: in nobody's.",
            "product_key": f"{_PRODUCT['product_key'].removesuffix('.')}; null: the offer names no item.",
            "manufacturer": "Manufacturer as the chain publishes it.",
            "effective_unit_price": "ILS of a piece or kilogram under the offer, if its conditions are met;"
            " null: see no_price_reason.",
            "price_basis": "What effective_unit_price is for: piece or kilogram; null if absent.",
            "effective_comparable_price": "ILS of one base_unit under the offer, if its conditions are met;"
            " null: effective_unit_price or the content of the product is not known.",
            **_from(chain_product, "base_unit"),
            "no_price_reason": "Why effective_unit_price is null; the reasons are in docs/promotions.md.",
            "regular_price": "Shelf price in ILS in this store; null: it does not list the product.",
            "is_for_everybody": "Whether no club is asked for; null if absent.",
            "valid_from": "Timestamp of the first file with this version.",
            **_from(promotion_store, "promotion_id", "promotion_key"),
            **_from(promotion_item, "is_gift", "gift_price"),
            **_from(
                promotion_offer,
                *("offer_number", "group_id", "description", "starts_at", "ends_at", "reward_type"),
                *("discounted_price", "discount_rate", "min_quantity", "max_quantity", "is_weighted"),
                *("min_purchase_amount", "min_basket_amount", "club_ids", "is_coupon", "is_total"),
                *("allows_multiple_discounts", "redemption_limit", "days", "remarks"),
                *("min_total_quantity", "needs_coupon", "needs_club", "is_compensation"),
            ),
        },
        expressions=OFFER_EXPRESSIONS,
    ),
    View(
        name="published_files",
        comment="Every file that a portal ever listed, archived ones included, and what became of it.",
        columns=_from(
            file,
            *("file_id", "feed", "name", "kind", "publication_day", "published_at", "chain_id"),
            *("sub_chain_id", "store_id", "state", "code", "rows", "rejected", "size", "sha256", "loaded_at"),
        ),
    ),
    View(
        name="last_load",
        comment="One row that is another after every load.",
        columns={
            "loaded_at": "When a file was last loaded; null: not in the time for which events are kept.",
            "change": "A text that is another one after every load.",
        },
    ),
    View(
        name="real_discounts",
        comment="Promotions in force now beside what the product has cost in the same store: is a special"
        " one?",
        columns={
            **_STORE,
            **_PRODUCT,
            "effective_unit_price": "ILS of a piece or kilogram under the offer, if its conditions are met.",
            "price_basis": "What effective_unit_price is for: piece or kilogram.",
            "regular_price": "Shelf price in ILS in this store now; null: it does not list the product.",
            "lowest_30_days": "Lowest shelf price in this store in the last 30 days, in ILS.",
            "median_30_days": "Median of these prices; each counts for as long as it held.",
            "lowest_90_days": "Lowest shelf price in this store in the last 90 days, in ILS.",
            "median_90_days": "Median of these prices; each counts for as long as it held.",
            "days_known": "Days of the last 90 of which the price is known.",
            "is_below_30_days": "Whether the offer is cheaper than every shelf price of the last 30 days.",
            "is_below_90_days": "Whether the offer is cheaper than every shelf price of the last 90 days.",
            "percent_off_shelf": "By how many percent the offer is below regular_price; null: not known.",
            "percent_off_median_30": "By how many percent it is below median_30_days; negative: above.",
            "percent_off_median_90": "By how many percent it is below median_90_days; negative: above.",
            **_from(promotion_store, "promotion_id", "promotion_key"),
            **_from(
                promotion_offer,
                *("offer_number", "description", "starts_at", "ends_at", "min_total_quantity"),
                *("needs_coupon", "needs_club", "is_compensation"),
            ),
        },
    ),
    View(
        name="chain_discounts",
        comment="The offers of each chain that hold today beside what the chain has usually taken, as of the"
        " last statistics: which are its best?",
        expressions=OFFER_EXPRESSIONS,
        columns={
            **_CHAIN_PRODUCT,
            **_from(promotion, "promotion_id"),
            **_from(
                promotion_offer,
                *("description", "starts_at", "ends_at", "days", "min_total_quantity"),
                *("needs_coupon", "needs_club", "is_compensation"),
            ),
            **_from(
                chain_discount,
                *("effective_unit_price", "price_basis", "regular_price", "lowest_30_days", "median_30_days"),
                *("lowest_90_days", "median_90_days", "days_known", "percent_off_median_30"),
                *("percent_off_median_90", "stores", "promotion_key", "offer_number"),
            ),
            "is_below_30_days": "Whether the offer is cheaper than every shelf price of the last 30 days in"
            " any store of the chain.",
            "is_below_90_days": "Whether the offer is cheaper than every shelf price of the last 90 days in"
            " any store of the chain.",
        },
    ),
    View(
        name="product_daily",
        comment="What each product cost in each chain, day by day.",
        columns={
            "day": "Day in Israel; prices are those at its end, of today those when statistics were found.",
            **_CHAIN_PRODUCT,
            **_STATISTICS,
            "promoted_stores": str(product_statistics.c.promoted_stores.comment),
            "promoted_share": "promoted_stores / stores.",
        },
    ),
    View(
        name="chain_price_changes",
        comment="Products whose median price in a chain changed from one day to the next.",
        columns={
            "day": "The first day with the new price, in Israel.",
            **_CHAIN_PRODUCT,
            "old_median": "Median of the chain's shelf prices on the day before, in ILS.",
            "new_median": "Their median on the day, in ILS.",
            "difference": "new_median minus old_median; negative: it became cheaper.",
            "percent": "difference in percent of old_median.",
            **_from(product_statistics, "lowest_price", "highest_price", "stores"),
        },
    ),
    View(
        name="chain_price_index",
        comment="How dear each chain is, by week and month: 100 is the country in the base month.",
        columns={
            "chain_id": "Chain id.",
            "chain_name": "Name of the chain.",
            **_from(price_index, "period", "starts_on", "price_index", "products"),
            **_from(index_product, "base_month"),
            "basket_products": "Products of the basket.",
        },
    ),
    View(
        name="chain_only_products",
        comment="GTINs that one chain sells and another one does not, as of the last statistics.",
        columns={
            **{name: text for name, text in _CHAIN_PRODUCT.items() if name != "code"},
            "gtin": "GTIN.",
            "manufacturer": "Manufacturer as the chain publishes it.",
            "other_chain_id": "The chain that does not sell it.",
            "other_chain_name": "Name of that chain.",
            **_STATISTICS,
        },
    ),
    View(
        name="product_matches",
        comment="Products of chains' own codes that may be products of other chains: `gogobe matching`.",
        columns={
            **_from(product_match, "match_key", "decision", "decided_at"),
            "chain_id": "The chain whose own code it is.",
            "chain_name": "Name of the chain.",
            "code": "The code as the chain publishes it.",
            "product_name": "The chain's name of the product.",
            "other_gtin": "GTIN of what it may be; null: another chain's own code.",
            "other_chain_id": "The chain whose own code the other one is; null: a GTIN.",
            "other_chain_name": "Name of that chain.",
            "other_code": "The other one's code, if it is a chain's own.",
            "other_name": "Name of what it may be.",
            **_from(product_match, "is_end_of_gtin", "shared_words", "base_unit", "base_quantity", "brand"),
            "other_chains": "Chains that sell the other one, as of the last statistics.",
            **_from(product_match, "product_key", "other_key"),
        },
    ),
    View(
        name="matched_prices",
        comment="What accepted matches cost in each chain: one row per chain and product, as of the last"
        " statistics.",
        columns={
            "gtin": "GTIN of the matched product; null: all chains have codes of their own.",
            "common_name": "Name of the matched product.",
            "chain_id": "Chain id.",
            "chain_name": "Name of the chain.",
            "code": "Item code as the chain publishes it.",
            "product_name": "The chain's name of the product.",
            **_STATISTICS,
            "matched_key": "Key of the product that all of these are.",
            "product_key": "Key of the chain's product.",
        },
    ),
    View(
        name="feed_health",
        comment="One row per feed and publication day: its files by state, and how fresh they are.",
        columns={
            "feed": "Key of the feed.",
            **_from(file, "publication_day"),
            "discovered": "Files listed and not downloaded yet.",
            "downloaded": "Files downloaded and not parsed yet.",
            "parsed": "Files parsed and not loaded yet.",
            "loaded": "Files in the tables.",
            "superseded": "Files that the portal replaced before they were downloaded.",
            "quarantined": "Files that cannot be imported; each has a code and a reason.",
            "rows": "Rows of the loaded files, without the rejected ones.",
            "newest_full_at": "Newest published_at of a loaded full price file.",
            "last_loaded_at": "When a file was last loaded.",
            "load_age": "Time since last_loaded_at; null: never.",
            "pending_age": "Time since a listing first contained the oldest unfinished file;"
            " null: there is none.",
            "last_listed_at": "When a listing last contained one of these files.",
            "bytes": "Size in bytes of the files as downloaded.",
        },
    ),
)
"""In the order in which they can be created: a view comes after those that it reads."""
FUNCTIONS = ("search", "basket", "usual_prices", "partitions")
"""Files in `sql` with functions and triggers. They come before the views, which use them."""
