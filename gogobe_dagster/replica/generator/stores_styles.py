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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoresStyle:
    """How a feed's list of stores is written on a day."""

    write: Callable[[Sequence[Store], datetime], bytes]
    name: Callable[[Store, datetime], str]
    """Name the list that begins with this store, published at this time."""
    is_packed: bool = True
    is_of_each_store: bool = False
    """Every store writes its own."""

    def pack(self, document: bytes) -> bytes:
        """Return the bytes as the portal serves them."""
        return gzipped(document) if self.is_packed else document


def stores_style(feed: Feed, day: date) -> StoresStyle:
    """Return how a feed writes its list of stores on a day."""
    if feed.family is Family.SHUFERSAL and day < SHUFERSAL_CHANGED:
        return StoresStyle(write=sap_stores, name=_classic_name)
    if feed.key in TIME_TWICE:
        return StoresStyle(write=matrix_stores, name=_laib_name)
    return STORES_OF_FAMILY[feed.family]


def _cerberus_name(first: Store, named_at: datetime) -> str:
    return f"Stores{first.chain_id}-000-{named_at:%Y%m%d-%H%M%S}.xml"


def _bina_name(first: Store, named_at: datetime) -> str:
    return f"StoresFull{first.chain_id}-000-{named_at:%Y%m%d%H%M}.gz"


def _new_name(first: Store, named_at: datetime) -> str:
    return f"Stores{first.chain_id}-000-{named_at:%Y%m%d-%H%M%S}.gz"


def _plain_name(first: Store, named_at: datetime) -> str:
    return f"Stores{first.chain_id}-000-{named_at:%Y%m%d%H%M}.xml"


def _laib_name(first: Store, named_at: datetime) -> str:
    return f"Stores{first.chain_id}-000-{named_at:%Y%m%d%H%M%S-%H%M%S}.gz"


def _of_all_stores_name(first: Store, named_at: datetime) -> str:
    return f"StoresFull{first.chain_id}-000-000-{named_at:%Y%m%d-%H%M%S}.gz"


def _single_store_name(first: Store, named_at: datetime) -> str:
    return f"Stores{first.chain_id}-000-{first.store_id:03}-{named_at:%Y%m%d-%H%M%S}"


def _sequence_name(first: Store, named_at: datetime) -> str:
    return f"Stores{first.chain_id}-000-{named_at:%Y%m%d}-025.gz"


def _classic_name(first: Store, named_at: datetime) -> str:
    return f"Stores{first.chain_id}-000-{named_at:%Y%m%d%H%M}.gz"


STORES_OF_FAMILY = {
    Family.CERBERUS: StoresStyle(write=cerberus_stores, name=_cerberus_name, is_packed=False),
    Family.BINA: StoresStyle(write=bina_stores, name=_bina_name),
    Family.SHUFERSAL: StoresStyle(write=chain_stores, name=_sequence_name),
    Family.PUBLISH_PRICE: StoresStyle(write=cerberus_stores, name=_cerberus_name, is_packed=False),
    Family.SUPER_PHARM: StoresStyle(write=super_pharm_stores, name=_new_name),
    Family.LAIB: StoresStyle(write=laib_stores, name=_laib_name),
    Family.WOLT: StoresStyle(write=wolt_stores, name=_new_name),
    Family.MISHNAT_YOSEF: StoresStyle(write=bina_stores, name=_plain_name, is_packed=False),
    Family.NETIV_HAHESED: StoresStyle(write=bina_stores, name=_bina_name),
    Family.HAZI_HINAM: StoresStyle(write=hazi_hinam_stores, name=_of_all_stores_name),
    Family.CITY_MARKET: StoresStyle(write=city_market_stores, name=_single_store_name, is_of_each_store=True),
}
