"""How a feed writes its stores file: layout, name and container (docs/portals.md, Documents by layout)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.replica.generator.documents import gzipped
from gogobe_dagster.replica.generator.stores import Store
from gogobe_dagster.replica.generator.stores_xml import (
    bina_stores,
    cerberus_stores,
    chain_stores,
    city_market_stores,
    hazi_hinam_stores,
    laib_stores,
    matrix_stores,
    sap_stores,
    super_pharm_stores,
    wolt_stores,
)
from gogobe_dagster.replica.generator.styles import SHUFERSAL_CHANGED, TIME_TWICE

_DATED_XML = "Stores{chain}-000-{at:%Y%m%d-%H%M%S}.xml"
_CLASSIC_FULL = "StoresFull{chain}-000-{at:%Y%m%d%H%M}.gz"
_DATED = "Stores{chain}-000-{at:%Y%m%d-%H%M%S}.gz"
_CLASSIC_XML = "Stores{chain}-000-{at:%Y%m%d%H%M}.xml"
_TIME_TWICE = "Stores{chain}-000-{at:%Y%m%d%H%M%S-%H%M%S}.gz"
_ALL_STORES = "StoresFull{chain}-000-000-{at:%Y%m%d-%H%M%S}.gz"
_SINGLE_STORE = "Stores{chain}-000-{store:03}-{at:%Y%m%d-%H%M%S}"
_NUMBERED = "Stores{chain}-000-{at:%Y%m%d}-025.gz"
_CLASSIC = "Stores{chain}-000-{at:%Y%m%d%H%M}.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoresStyle:
    """How a feed's list of stores is written on a day."""

    write: Callable[[Sequence[Store], datetime], bytes]
    name_format: str
    """Of the file's name: `chain` and `store` of the first store in the list, `at` for the timestamp."""
    is_packed: bool = True
    is_of_each_store: bool = False
    """Every store writes its own."""

    def name(self, first: Store, named_at: datetime) -> str:
        """Return the name of the list that begins with this store."""
        return self.name_format.format(chain=first.chain_id, store=first.store_id, at=named_at)

    def pack(self, document: bytes) -> bytes:
        """Return the bytes as the portal serves them."""
        return gzipped(document) if self.is_packed else document


def stores_style(feed: Feed, day: date) -> StoresStyle:
    """Return how a feed writes its list of stores on a day."""
    if feed.family is Family.SHUFERSAL and day < SHUFERSAL_CHANGED:
        return StoresStyle(write=sap_stores, name_format=_CLASSIC)
    if feed.key in TIME_TWICE:
        return StoresStyle(write=matrix_stores, name_format=_TIME_TWICE)
    return STORES_OF_FAMILY[feed.family]


STORES_OF_FAMILY = {
    Family.CERBERUS: StoresStyle(write=cerberus_stores, name_format=_DATED_XML, is_packed=False),
    Family.BINA: StoresStyle(write=bina_stores, name_format=_CLASSIC_FULL),
    Family.SHUFERSAL: StoresStyle(write=chain_stores, name_format=_NUMBERED),
    Family.PUBLISH_PRICE: StoresStyle(write=cerberus_stores, name_format=_DATED_XML, is_packed=False),
    Family.SUPER_PHARM: StoresStyle(write=super_pharm_stores, name_format=_DATED),
    Family.LAIB: StoresStyle(write=laib_stores, name_format=_TIME_TWICE),
    Family.WOLT: StoresStyle(write=wolt_stores, name_format=_DATED),
    Family.MISHNAT_YOSEF: StoresStyle(write=bina_stores, name_format=_CLASSIC_XML, is_packed=False),
    Family.NETIV_HAHESED: StoresStyle(write=bina_stores, name_format=_CLASSIC_FULL),
    Family.HAZI_HINAM: StoresStyle(write=hazi_hinam_stores, name_format=_ALL_STORES),
    Family.CITY_MARKET: StoresStyle(
        write=city_market_stores, name_format=_SINGLE_STORE, is_of_each_store=True
    ),
}
