"""The dialects of all documents, as tables: which tags feed which column, and where the rows are.

Tags are compared in lower case and without a namespace. A new spelling of a field is one word here, and a
new element around rows is one pair. Reports name a dialect by its path from the root to the row, such as
`Root/Items/Item`; the comments have the names of docs/portals.md, Documents by layout. How values are read
is in `normalization`.
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
    """What a row may contain besides its own fields: groups, items, lists of values."""

    groups: frozenset[Place]
    items: frozenset[Place]
    gifts: frozenset[Place]
    """Items that are gifts by their position."""
    item_columns: Mapping[str, tuple[str, ...]]
    """Columns that only items have; a row with an item code of its own is its own item."""
    wrappers: frozenset[str]
    """Elements that only group fields of the row, group or item around them."""
    repeated: frozenset[str]
    """Columns of which all values are kept, not only the first."""

    @property
    def places(self) -> frozenset[Place]:
        """The positions of groups, items and gifts."""
        return self.groups | self.items | self.gifts

    @property
    def containers(self) -> frozenset[str]:
        """Elements inside a row that contain others."""
        return self.wrappers | {holder for holder, _ in self.places}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialects:
    """All spellings of one document."""

    document: Document
    places: tuple[Place, ...]
    identifying_tags: frozenset[str]
    """A row has at least one of these: they distinguish documents whose rows have the same position."""
    columns: Mapping[str, tuple[str, ...]]
    """Tags by column of the model, the preferred one first. The first text that is not blank counts."""
    header: Mapping[str, tuple[str, ...]]
    """Tags by column, of fields that stand once, around the rows."""
    ignored: frozenset[str]
    """Fields that have no column on purpose. Any other unknown field with text is reported."""
    inherited: tuple[str, ...] = ()
    """Columns that a row takes from the elements around it, if it does not have them itself."""
    nested: Nested | None = None
    """What a row contains, where it is more than fields."""

    @property
    def known(self) -> frozenset[str]:
        """Tags that are read, or ignored on purpose."""
        tags = [tag for mapping in (self.columns, self.header) for tags in mapping.values() for tag in tags]
        return self.ignored.union(tags)

    def __repr__(self) -> str:
        return f"<dialects of {self.document}>"

    def is_known(self, tag: str) -> bool:
        """Whether the tag is read, or ignored on purpose."""
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
    identifying_tags=frozenset({"itemcode", "itemprice"}),
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
        "published_unit_price": ("unitofmeasureprice", "unitprice"),
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
    identifying_tags=frozenset({"storename"}),
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
    identifying_tags=frozenset({"promotionid"}),
    # A promotion, its group and its item may each have these: the innermost counts.
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
        "discounted_price_per_mida": ("discountedpricepermida",),
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
        # Bina writes the clubs inside the restrictions, the others beside them.
        wrappers=frozenset({"additionalrestrictions", "clubs", "remarks"}),
        repeated=frozenset({"club_ids", "remarks"}),
    ),
)

MISPLACED: Final = frozenset({"isgiftitem"})
"""Item fields that chains since 2026 also write in promotions: 1, or even 4, where there is no gift."""

ALL: Final = (PROMOTIONS, STORES, PRICES)
"""In the order of detection: a flat promotion (Matrix's `Sale`) has item codes as well."""

PLACES: Final = frozenset(place for dialects in ALL for place in dialects.places)

CONTAINERS: Final = frozenset(
    {"root", "prices", "promos", "chain", "store", "stores", "branches", "orderxml", "envelope", "header"}
    | {"details", "abap", "values", "subchains", "subchain", "subchainsxmlobject", "newdataset"}
    | {holder for holder, _ in PLACES}
)
"""Elements that may stand around rows, or alone in a document without rows."""

NULL_TEXTS: Final = frozenset(
    {"", "לא ידוע", "לא מנהל יחידת מידה", "אין", "0=אין", "unknown", "Unknown", "UNKNOWN"}
    | {"null", "NULL", "N/A", "n/a", "-", "--", "---", ".", ",", "''", '""'}
)
"""What chains write for "unknown", and programs for nothing."""
ZEROS: Final = frozenset("0" * length for length in range(2, 33))
"""What stands for nothing where a code, a name or a unit is expected."""
EVERYBODY: Final = frozenset({"כלל הלקוחות", "כל הלקוחות", "כולם"})
"""Names of the club with the code 0."""


def find_dialects(place: Place, tags: Iterable[str]) -> Dialects | None:
    """Return the dialects for a row by its position and the tags in it, both in lower case."""
    inside = frozenset(tags)
    return next(
        (dialects for dialects in ALL if place in dialects.places and dialects.identifying_tags & inside),
        None,
    )


def find_dialects_by_list(tag: str) -> Dialects | None:
    """Return the dialects by the element that would hold rows, if only one document uses it."""
    found = [dialects for dialects in ALL if tag in {holder for holder, _ in dialects.places}]
    return found[0] if len(found) == 1 else None


def spellings(dialects: Dialects, tags: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the tags that feed a column, each with it; of one column the preferred spelling first."""
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
