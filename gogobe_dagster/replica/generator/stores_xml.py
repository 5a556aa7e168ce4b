"""Store lists, as each chain writes them: nested in sub-chains, or flat (SAP's form, Matrix's `Branches`)."""

import codecs
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from gogobe_dagster.replica.generator.documents import DECLARATION, UTF8_BOM, text
from gogobe_dagster.replica.generator.stores import Store


def cerberus_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """UTF-16LE with BOM, no declaration, one line, cities as locality codes."""
    return codecs.BOM_UTF16_LE + _nested("Root", stores, at, number="{:03}", zip_tag="ZipCode").encode(
        "utf-16-le"
    )


def chain_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """Shufersal since July 2026: several sub-chains, root `Chain`, UTF-8 with BOM."""
    return UTF8_BOM + _nested("Chain", stores, at, number="{}", zip_tag="ZIPCode").encode()


def hazi_hinam_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """UTF-8 with BOM, `…ID`, sub-chain 000."""
    return UTF8_BOM + _nested("Root", stores, at, number="{:03}", zip_tag="ZIPCode").encode()


def city_market_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """UTF-8 with BOM, with the element names of the program that made it; one store in a file."""
    nested = _nested("Root", stores, at, number="{:03}", zip_tag="ZipCode")
    for ours, theirs in (
        ("<SubChains>", "<SubChainsXMLObject>"),
        ("</SubChains>", "</SubChainsXMLObject>"),
        ("<Stores>", "<Stores><SubChainStoresXMLObject>"),
        ("</Stores>", "</SubChainStoresXMLObject></Stores>"),
    ):
        nested = nested.replace(ours, theirs)
    return UTF8_BOM + nested.encode()


def super_pharm_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """UTF-8 without BOM, `…ID`."""
    return _nested("Root", stores, at, number="{:03}", zip_tag="ZipCode").encode()


def bina_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """UTF-8 without BOM or declaration, `…Id`, cities by name."""
    first = stores[0]
    head = f"<ChainId>{first.chain_id}</ChainId>" + _chain_and_time(first, at, "%H:%M:%S")
    sub_chains = "".join(
        f"<SubChain><SubChainId>{number}</SubChainId><SubChainName>{text(name)}</SubChainName><Stores>"
        + "".join(
            f"<Store><StoreId>{store.store_id}</StoreId>{_body(store, store.city, 'ZipCode')}</Store>"
            for store in group
        )
        + "</Stores></SubChain>"
        for (number, name), group in _by_sub_chain(stores)
    )
    return f"<Root>{head}<SubChains>{sub_chains}</SubChains></Root>".replace("><", ">\r\n<").encode()


def wolt_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """UTF-8 without BOM, declared."""
    return (DECLARATION + _nested("Root", stores, at, number="{:03}", zip_tag="ZIPCode")).encode()


def laib_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """UTF-8 without BOM or declaration; the ids are spelled in two ways."""
    nested = _nested("Root", stores, at, number="{:03}", zip_tag="ZIPCode")
    return nested.replace("SubChainID>", "SubChainId>").encode()


def matrix_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """Laib until 2026, Het Cohen still: flat, declared, fields that are always there and often empty."""
    rows = "".join(
        f"<Branch><ChainID>{store.chain_id}</ChainID><SubChainID>{store.sub_chain_id:03}</SubChainID>"
        f"<StoreID>{store.store_id:03}</StoreID><BikoretNo /><StoreType>{store.store_type}</StoreType>"
        f"<ChainName>{text(store.chain_name)}</ChainName><SubChainName>{text(store.sub_chain_name)}</SubChainName>"
        f"<StoreName>{text(store.name)}</StoreName><Address>{text(store.address)}</Address>"
        f"<City>{text(store.city)}</City><ZIPCode>{store.zip_code}</ZIPCode>"
        "<LastUpdateDate>01/01/0001 00:00:00</LastUpdateDate><Latitude /><Longitude /></Branch>"
        for store in stores
    )
    head = f'<Store Date="{at:%d/%m/%y}" Time="{at:%H:%M:%S}">'
    return f"{DECLARATION}{head}<Branches>{rows}</Branches></Store>".replace("><", ">\r\n<").encode()


def sap_stores(stores: Sequence[Store], at: datetime) -> bytes:
    """Shufersal until mid-2026: SAP's flat upper-case form, UTF-8 with BOM."""
    rows = "".join(_sap_row(store) for store in stores)
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<asx:abap xmlns:asx="http://www.sap.com/abapxml" version="1.0">'
        f"<asx:values><CHAINID>{stores[0].chain_id}</CHAINID><STORES>{rows}</STORES>"
        f"<LASTUPDATEDATE>{at:%Y-%m-%d}</LASTUPDATEDATE></asx:values></asx:abap>"
    )
    return UTF8_BOM + document.encode()


def _nested(root: str, stores: Sequence[Store], at: datetime, *, number: str, zip_tag: str) -> str:
    first = stores[0]
    head = f"<ChainID>{first.chain_id}</ChainID>" + _chain_and_time(first, at, "%H:%M:%S.000")
    sub_chains = "".join(
        f"<SubChain><SubChainID>{number.format(sub_chain)}</SubChainID><SubChainName>{text(name)}</SubChainName>"
        "<Stores>"
        + "".join(
            f"<Store><StoreID>{number.format(store.store_id)}</StoreID>"
            f"{_body(store, str(store.city_code), zip_tag)}</Store>"
            for store in group
        )
        + "</Stores></SubChain>"
        for (sub_chain, name), group in _by_sub_chain(stores)
    )
    return f"<{root}>{head}<SubChains>{sub_chains}</SubChains></{root}>"


def _chain_and_time(store: Store, at: datetime, clock: str) -> str:
    return (
        f"<ChainName>{text(store.chain_name)}</ChainName><LastUpdateDate>{at:%Y-%m-%d}</LastUpdateDate>"
        f"<LastUpdateTime>{at.strftime(clock)}</LastUpdateTime>"
    )


def _by_sub_chain(stores: Sequence[Store]) -> list[tuple[tuple[int, str], list[Store]]]:
    def sub_chain(store: Store) -> tuple[int, str]:
        return store.sub_chain_id, store.sub_chain_name

    return [(key, list(group)) for key, group in groupby(sorted(stores, key=sub_chain), key=sub_chain)]


def _body(store: Store, city: str, zip_tag: str) -> str:
    return (
        f"<BikoretNo>{store.check_digit}</BikoretNo><StoreType>{store.store_type}</StoreType>"
        f"<StoreName>{text(store.name)}</StoreName><Address>{text(store.address)}</Address>"
        f"<City>{text(city)}</City><{zip_tag}>{store.zip_code}</{zip_tag}>"
    )


def _sap_row(store: Store) -> str:
    return (
        f"<STORE><SUBCHAINID>{store.sub_chain_id}</SUBCHAINID><STOREID>{store.store_id}</STOREID>"
        f"<BIKORETNO>{store.check_digit}</BIKORETNO><STORETYPE>{store.store_type}</STORETYPE>"
        f"<CHAINNAME>{text(store.chain_name)}</CHAINNAME><SUBCHAINNAME>{text(store.sub_chain_name)}</SUBCHAINNAME>"
        f"<STORENAME>{text(store.name)}</STORENAME><ADDRESS>{text(store.address)}</ADDRESS>"
        f"<CITY>{text(store.city)}</CITY><ZIPCODE>{store.zip_code}</ZIPCODE></STORE>"
    )
