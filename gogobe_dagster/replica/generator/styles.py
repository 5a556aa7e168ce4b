"""How a feed writes its files: name layout, document layout, container. Stores files are in `stores_styles`.

Each choice was seen on that portal (docs/portals.md). Where a chain mixes two layouts, half of its stores
write one and half the other.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.replica.corruption import zipped
from gogobe_dagster.replica.generator.documents import UTF8_BOM, gzipped
from gogobe_dagster.replica.generator.prices_xml import (
    BINA_PRICES,
    CITY_MARKET_PRICES,
    CLASSIC_PRICES,
    DECLARED_NEW_PRICES,
    LOWER_CASE_PRICES,
    NEW_PRICES,
    WOLT_PRICES,
    PriceDialect,
)
from gogobe_dagster.replica.generator.promotions_xml import (
    BINA_PROMOTIONS_DIALECT,
    CLASSIC_GROUPED_PROMOTIONS,
    CLASSIC_PROMOTIONS,
    DECLARED_NEW_PROMOTIONS,
    LOWER_CASE_PROMOTIONS,
    MATRIX_SALES,
    NEW_PROMOTIONS,
    REPEATED_PROMOTIONS,
    WOLT_PROMOTIONS,
    PromotionDialect,
)
from gogobe_dagster.replica.generator.stores import Store

SHUFERSAL_CHANGED = date(2026, 7, 1)  # nested Stores, five-part names
LAIB_CHANGED = date(2026, 1, 1)  # before it promotions were a row an item
KIND_NAMES = {
    FileKind.PRICES: "Price",
    FileKind.FULL_PRICES: "PriceFull",
    FileKind.PROMOTIONS: "Promo",
    FileKind.FULL_PROMOTIONS: "PromoFull",
}
ALL_NEW = {"dor_alon", "king_store"}
ALL_CLASSIC = {
    "keshet",
    "good_pharm",
    "zol_vebegadol",
    "super_bareket",
    "mishnat_yosef_bina",
    "city_market_kg",
}
LOWER_CASE_ROOT = {"tiv_taam"}
ZIP_IN_GZ = {"maayan_2000", "good_pharm", "city_market_kg"}
UPPER_CASE_EXTENSION = {"king_store"}
TIME_TWICE = {"het_cohen"}


class Names(StrEnum):
    """Name layouts, as docs/portals.md, "Name layouts", calls them."""

    CLASSIC = "classic"
    DATED = "dated"
    TIME_TWICE = "time twice"
    LOWER_CASE = "lower case"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one store's price and promotion files are written on a day."""

    names: Names
    prices: PriceDialect
    promotions: PromotionDialect
    has_bom: bool
    is_zip: bool = False
    full_extension: str = ".gz"
    delta_extension: str = ".gz"
    store_digits: int = 3
    promotions_have_sub_chain: bool = True

    def name(self, kind: FileKind, store: Store, named_at: datetime) -> str:
        """Return the published name of a price or promotion file."""
        extension = self.full_extension if kind.is_full else self.delta_extension
        store = store if kind.document is Document.PRICES else self.promoting(store)
        start = f"{KIND_NAMES[kind]}{store.chain_id}"
        if self.names is Names.DATED:
            store_numbers = f"{store.sub_chain_id:03}-{store.store_id:0{self.store_digits}}"
            return f"{start}-{store_numbers}-{named_at:%Y%m%d-%H%M%S}{extension}"
        if self.names is Names.TIME_TWICE:
            return f"{start}-000-{store.store_id}-{named_at:%Y%m%d%H%M%S-%H%M%S}{extension}"
        name = f"{start}-{store.store_id:03}-{named_at:%Y%m%d%H%M}{extension}"
        return name.lower() if self.names is Names.LOWER_CASE else name

    def promoting(self, store: Store) -> Store:
        """Return the store as its promotion files name it."""
        return store if self.promotions_have_sub_chain else replace(store, sub_chain_id=0)

    def pack(self, document: bytes, name: str) -> bytes:
        """Return the bytes as the portal serves them."""
        document = UTF8_BOM + document if self.has_bom else document
        return zipped(document, name) if self.is_zip else gzipped(document)


CLASSIC = Style(
    names=Names.CLASSIC, prices=CLASSIC_PRICES, promotions=CLASSIC_PROMOTIONS, has_bom=True
)  # fmt: skip
NEW = Style(names=Names.DATED, prices=NEW_PRICES, promotions=NEW_PROMOTIONS, has_bom=True)
LOWER = Style(names=Names.CLASSIC, prices=LOWER_CASE_PRICES, promotions=LOWER_CASE_PROMOTIONS, has_bom=True)
REPEATED = replace(LOWER, promotions=REPEATED_PROMOTIONS)
PUBLISH_PRICE = Style(
    names=Names.DATED, prices=NEW_PRICES, promotions=NEW_PROMOTIONS, has_bom=True, store_digits=4
)
SUPER_PHARM = Style(names=Names.DATED, prices=NEW_PRICES, promotions=NEW_PROMOTIONS, has_bom=False)
ONLINE = Style(
    names=Names.LOWER_CASE, prices=CLASSIC_PRICES, promotions=CLASSIC_PROMOTIONS, has_bom=True, is_zip=True
)
LAIB = Style(
    names=Names.DATED, prices=DECLARED_NEW_PRICES, promotions=DECLARED_NEW_PROMOTIONS, has_bom=False
)  # fmt: skip
WOLT = Style(names=Names.DATED, prices=WOLT_PRICES, promotions=WOLT_PROMOTIONS, has_bom=False)
YOSEF = Style(
    names=Names.CLASSIC, prices=BINA_PRICES, promotions=BINA_PROMOTIONS_DIALECT, has_bom=False
)  # fmt: skip
HAZI_HINAM = Style(
    names=Names.DATED,
    prices=CLASSIC_PRICES,
    promotions=CLASSIC_GROUPED_PROMOTIONS,
    has_bom=True,
    delta_extension=".xml.gz",
)
CITY_MARKET = Style(
    names=Names.CLASSIC,
    prices=CITY_MARKET_PRICES,
    promotions=LOWER_CASE_PROMOTIONS,
    has_bom=False,
    full_extension="",
    delta_extension="",
)
NETIV_HAHESED = Style(
    names=Names.DATED,
    prices=BINA_PRICES,
    promotions=BINA_PROMOTIONS_DIALECT,
    has_bom=False,
    full_extension=".GZ",
    delta_extension=".GZ",
    promotions_have_sub_chain=False,
)
OF_FAMILY = {
    Family.PUBLISH_PRICE: PUBLISH_PRICE,
    Family.SUPER_PHARM: SUPER_PHARM,
    Family.LAIB: LAIB,
    Family.WOLT: WOLT,
    Family.MISHNAT_YOSEF: YOSEF,
    Family.HAZI_HINAM: HAZI_HINAM,
    Family.NETIV_HAHESED: NETIV_HAHESED,
}
"""The families whose stores all write alike."""
OF_FEED = {key: replace(LAIB, names=Names.TIME_TWICE) for key in TIME_TWICE}


def style_of(feed: Feed, store: Store, day: date) -> Style:
    """Return how a store of a feed writes on a day."""
    is_new = feed.key in ALL_NEW or (feed.key not in ALL_CLASSIC and store.store_id % 2 == 0)
    if feed.family is Family.SHUFERSAL:
        # promotions of 2025 were seen flat and once for each item
        return NEW if day >= SHUFERSAL_CHANGED else LOWER if store.store_id % 2 else REPEATED
    if feed.family is Family.BINA:
        return _bina(feed, is_new=is_new)
    if feed.family is Family.CERBERUS:
        return _cerberus(feed, store, is_new=is_new)
    if feed.family is Family.CITY_MARKET:
        names = Names.DATED if is_new else Names.CLASSIC
        return replace(CITY_MARKET, names=names, is_zip=not is_new)
    style = OF_FEED.get(feed.key) or OF_FAMILY[feed.family]
    if feed.family is Family.LAIB and day < LAIB_CHANGED:
        return replace(style, promotions=MATRIX_SALES)
    return style


def store_label(feed: Feed, store: Store) -> str:
    """Return the store as the portal writes it; some write none, some its name apart."""
    if feed.family in {Family.CERBERUS, Family.WOLT, Family.MISHNAT_YOSEF, Family.NETIV_HAHESED}:
        return ""
    if feed.family in {Family.LAIB, Family.PUBLISH_PRICE, Family.SUPER_PHARM}:
        return store.name
    if feed.family is Family.HAZI_HINAM:
        return f"{store.store_id:03}"
    if feed.family is Family.CITY_MARKET:
        return f"{store.chain_name}, {store.address} {store.city}"
    separator = " - " if feed.family is Family.SHUFERSAL else " "
    return f"{store.store_id}{separator}{store.name}"


def _cerberus(feed: Feed, store: Store, *, is_new: bool) -> Style:
    if feed.key in LOWER_CASE_ROOT:
        return LOWER
    if store.is_online:
        return ONLINE
    return NEW if is_new else CLASSIC


def _bina(feed: Feed, *, is_new: bool) -> Style:
    return Style(
        names=Names.DATED if is_new else Names.CLASSIC,
        prices=NEW_PRICES if is_new else BINA_PRICES,
        promotions=NEW_PROMOTIONS if is_new else BINA_PROMOTIONS_DIALECT,
        has_bom=False,
        is_zip=feed.key in ZIP_IN_GZ,
        delta_extension=".GZ" if feed.key in UPPER_CASE_EXTENSION else ".gz",
    )
