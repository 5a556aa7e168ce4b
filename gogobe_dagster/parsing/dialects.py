"""Every dialect of every document, as tables: which tags feed which column, and where rows live.

Tags are compared in lower case and without a namespace. A chain that spells a field in a new way is one
word here; a new wrapper around rows is one pair. How values are written is in `normalize`, how documents
are walked in `careful` and `fast`. The layouts have the names of docs/portals.md, Documents by layout.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gogobe_dagster.files.kinds import Document

Place = tuple[str, str]
"""The element that holds rows, and the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """What a row may hold beside its own fields: groups, items, lists of values."""

    groups: frozenset[Place]
    items: frozenset[Place]
    gifts: frozenset[Place]
    """Items that are gifts by where they stand."""
    item_columns: Mapping[str, tuple[str, ...]]
    """What is said of an item and of nothing else; a row with a code of its own is its own item."""
    wrappers: frozenset[str]
    """Elements that only hold fields of the row, group or item around them."""
    repeated: frozenset[str]
    """Columns of which every value counts, not the first."""

    @property
    def places(self) -> frozenset[Place]:
        """Where groups, items and gifts live."""
        return self.groups | self.items | self.gifts

    @property
    def containers(self) -> frozenset[str]:
        """Elements inside a row that hold others."""
        return self.wrappers | {holder for holder, _ in self.places}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialects:
    """All spellings of one document."""

    document: Document
    places: tuple[Place, ...]
    marks: frozenset[str]
    """A row has one of these: it tells documents apart that share a place."""
    columns: Mapping[str, tuple[str, ...]]
    """Column of the model to tags. Where a row has several, the first that says something counts."""
    header: Mapping[str, tuple[str, ...]]
    """What is said once, by elements around the rows."""
    ignored: frozenset[str]
    """Fields that are not worth a column. Any other unknown field is reported when it holds something."""
    inherited: tuple[str, ...] = ()
    """Columns that a row may leave to the elements around it."""
    nested: "Nested | None" = None
    """What stands inside a row, where a row is more than fields."""

    @property
    def known(self) -> frozenset[str]:
        """Tags that somebody reads, or decided not to."""
        tags = [tag for mapping in (self.columns, self.header) for tags in mapping.values() for tag in tags]
        return self.ignored.union(tags)

    def __repr__(self) -> str:
        return f"<dialects of {self.document}>"

    def is_known(self, tag: str) -> bool:
        """Whether somebody reads the tag, or decided not to."""
        known = (*self.columns.values(), *self.header.values(), self.ignored)
        return any(tag in tags for tags in known)


PRICES: Final = Dialects(
    document=Document.PRICES,
    places=(
        ("items", "item"),  # classic, lower-case root, upper-case ids
        ("products", "product"),  # Matrix: Laib until 2026
        ("details", "line"),  # order form: Super-Pharm until 2026
        ("newdataset", "item"),  # data set: Tiv Taam at times
    ),
    marks=frozenset({"itemcode", "itemprice"}),
    columns={
        "code": ("itemcode",),
        "article": ("itemid",),
        "is_barcode": ("itemtype",),
        "name": ("itemname", "itemnm"),
        "manufacturer": ("manufacturername", "manufacturename"),
        "country": ("manufacturecountry", "manufacturercountry"),
        "description": ("manufactureritemdescription", "manufactureitemdescription"),
        "unit_quantity": ("unitqty",),
        "quantity": ("quantity",),
        "unit_of_measure": ("unitofmeasure", "unitmeasure"),
        "is_weighted": ("bisweighted", "blsweighted", "isweighted"),  # bls: with a letter l, Super-Pharm
        "quantity_in_package": ("qtyinpackage",),
        "price": ("itemprice",),
        "unit_price": ("unitofmeasureprice", "unitprice"),
        "allows_discount": ("allowdiscount",),
        "status": ("itemstatus",),
        "price_set_at": ("priceupdatedate", "priceupdatetime"),
        "last_sold_at": ("lastsaledatetime",),  # upper-case ids, 2026
    },
    header={
        "chain_id": ("chainid",),
        "chain_name": ("chainname",),
        "sub_chain_id": ("subchainid",),
        "store_id": ("storeid",),
    },
    ignored=frozenset({"xmldocversion", "dllverno", "bikoretno", "lastupdatedate", "lastupdatetime"}),
)

STORES: Final = Dialects(
    document=Document.STORES,
    places=(
        ("stores", "store"),  # nested in SubChains, flat, upper and lower case
        ("branches", "branch"),  # Matrix: Laib until 2026
        ("details", "line"),  # order form: Super-Pharm until 2026
        ("subchainstoresxmlobject", "store"),  # City Market Shops
    ),
    marks=frozenset({"storename"}),
    columns={
        "chain_id": ("chainid",),
        "chain_name": ("chainname",),
        "sub_chain_id": ("subchainid",),
        "sub_chain_name": ("subchainname",),
        "store_id": ("storeid",),
        "check_digit": ("bikoretno",),
        "store_type": ("storetype",),
        "name": ("storename",),
        "address": ("address",),
        "city": ("city",),
        "zip_code": ("zipcode",),
    },
    header={"chain_id": ("chainid",), "chain_name": ("chainname",)},
    inherited=("chain_id", "chain_name", "sub_chain_id", "sub_chain_name"),
    ignored=frozenset({"xmldocversion", "dllverno", "lastupdatedate", "lastupdatetime", "header"}),
)

PROMOTIONS: Final = Dialects(
    document=Document.PROMOTIONS,
    places=(
        ("promotions", "promotion"),  # flat, grouped, or once for each item
        ("sales", "sale"),  # Matrix: Laib until 2026; one row per item
        ("details", "line"),  # order form: Super-Pharm until 2026
    ),
    marks=frozenset({"promotionid"}),
    # each of these may be said by the promotion, its group or its item: the innermost counts
    columns={
        "promotion_id": ("promotionid",),
        "group_id": ("groupid",),
        "description": ("promotiondescription",),
        "starts_at": ("promotionstartdatetime",),  # grouped; before 2026 as a day and an hour
        "start_date": ("promotionstartdate",),
        "start_hour": ("promotionstarthour",),
        "ends_at": ("promotionenddatetime",),
        "end_date": ("promotionenddate",),
        "end_hour": ("promotionendhour",),
        "updated_at": ("promotionupdatedate", "promotionupdatetime", "priceupdatedate"),
        "reward_type": ("rewardtype",),
        "discount_type": ("discounttype",),
        "discount_rate": ("discountrate",),
        "discounted_price": ("discountedprice",),
        "discounted_unit_price": ("discountedpricepermida",),
        "min_quantity": ("minqty",),
        "max_quantity": ("maxqty",),
        "min_purchase_amount": ("minpurchaseamnt", "minpurchaseamount"),
        "min_basket_amount": ("additionalminbasketamount", "additionalsminbasketamount"),
        "min_amount": ("minamount",),
        "max_amount": ("maxamount",),
        # one f in the classic layout, two in grouped promotions, a plural in Matrix
        "min_items_offered": ("minnoofitemofered", "minnoofitemoffered", "minnoofitemsoffered"),
        "gift_count": ("additionalgiftcount", "additionalsgiftcount"),
        "redemption_limit": ("redemptionlimit",),
        "weight_unit": ("weightunit",),
        "is_weighted": ("isweightedpromo", "iswheightedpromo", "bisweighted", "blsweighted"),
        "allows_multiple_discounts": ("allowmultiplediscounts",),
        "is_coupon": ("additionaliscoupon", "additionalscoupon"),
        "is_total": ("additionalistotal", "additionalstotals"),
        "is_active": ("additionalisactive",),
        "club_ids": ("clubid",),
        "days": ("promotiondays",),
        "remarks": ("remark", "remarks", "additionalrestrictions"),
    },
    header=PRICES.header,
    ignored=PRICES.ignored,
    nested=Nested(
        groups=frozenset({("groups", "group")}),
        items=frozenset({("promotionitems", "item"), ("promotionitems", "promotionitem")}),
        gifts=frozenset({("giftsitems", "item")}),  # Bina
        item_columns={
            "code": ("itemcode",),
            "is_barcode": ("itemtype",),
            "is_gift": ("isgiftitem",),
            "gift_price": ("giftitemprice",),
        },
        # Bina has its clubs inside the restrictions, the others beside them
        wrappers=frozenset({"additionalrestrictions", "clubs", "remarks"}),
        repeated=frozenset({"club_ids", "remarks"}),
    ),
)

MISPLACED: Final = frozenset({"isgiftitem"})
"""Item fields that K also writes at promotions, with 1 where there is no gift, and even with 4."""

ALL: Final = (PROMOTIONS, STORES, PRICES)
"""In the order of asking: a flat promotion (Matrix's `Sale`) has item codes as well."""

PLACES: Final = frozenset(place for dialects in ALL for place in dialects.places)

CONTAINERS: Final = frozenset(
    {"root", "prices", "promos", "chain", "store", "stores", "branches", "orderxml", "envelope", "header"}
    | {"details", "abap", "values", "subchains", "subchain", "subchainsxmlobject", "newdataset"}
    | {holder for holder, _ in PLACES}
)
"""What may stand around rows, or alone in a document that has none."""

NULL_TEXTS: Final = frozenset(
    {"", "לא ידוע", "לא מנהל יחידת מידה", "אין", "0=אין", "unknown", "Unknown", "UNKNOWN"}
    | {"null", "NULL", "N/A", "n/a", "-", "--", "---", ".", ","}
)
"""How chains write that they do not know, and what programs write for nothing."""


def find_dialects(place: Place, tags: Iterable[str]) -> Dialects | None:
    """Tell the document by where a row stands and by the tags in it; both in lower case."""
    inside = frozenset(tags)
    return next((dialects for dialects in ALL if place in dialects.places and dialects.marks & inside), None)


def find_dialects_by_list(tag: str) -> Dialects | None:
    """Tell the document by the element that would hold its rows, if only one document uses it."""
    found = [dialects for dialects in ALL if tag in {holder for holder, _ in dialects.places}]
    return found[0] if len(found) == 1 else None


def spellings(dialects: Dialects, tags: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return those tags that feed a column, with the column; of one column the preferred spelling first."""
    return _spellings(dialects, tuple(tags))


@lru_cache(maxsize=256)
def _spellings(dialects: Dialects, tags: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    ranked = [
        (rank, tag, column)
        for tag in tags
        for column, known in dialects.columns.items()
        for rank, spelling in enumerate(known)
        if spelling == local(tag).lower()
    ]
    return tuple((tag, column) for _, tag, column in sorted(ranked))


def local(name: str) -> str:
    """Return a tag without its namespace, as spelled."""
    return name.rpartition("}")[2].rpartition(":")[2]
