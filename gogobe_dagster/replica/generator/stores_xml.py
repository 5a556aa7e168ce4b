"""Store lists, as each chain writes them: nested in sub-chains, or flat (SAP's form, Matrix's `Branches`)."""

import codecs
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from gogobe_dagster.replica.generator.documents import DECLARATION, UTF8_BOM, text
from gogobe_dagster.replica.generator.shops import Branch


def cerberus_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """UTF-16LE with BOM, no declaration, one line, cities as locality codes."""
    return codecs.BOM_UTF16_LE + _nested("Root", branches, at, number="{:03}", zip_tag="ZipCode").encode(
        "utf-16-le"
    )


def chain_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """Shufersal since July 2026: several sub-chains, root `Chain`, UTF-8 with BOM."""
    return UTF8_BOM + _nested("Chain", branches, at, number="{}", zip_tag="ZIPCode").encode()


def hazi_hinam_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """UTF-8 with BOM, `…ID`, sub-chain 000."""
    return UTF8_BOM + _nested("Root", branches, at, number="{:03}", zip_tag="ZIPCode").encode()


def city_market_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """UTF-8 with BOM, in the words of the program that made it; one shop in a file."""
    nested = _nested("Root", branches, at, number="{:03}", zip_tag="ZipCode")
    for ours, theirs in (
        ("<SubChains>", "<SubChainsXMLObject>"),
        ("</SubChains>", "</SubChainsXMLObject>"),
        ("<Stores>", "<Stores><SubChainStoresXMLObject>"),
        ("</Stores>", "</SubChainStoresXMLObject></Stores>"),
    ):
        nested = nested.replace(ours, theirs)
    return UTF8_BOM + nested.encode()


def super_pharm_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """UTF-8 without BOM, `…ID`."""
    return _nested("Root", branches, at, number="{:03}", zip_tag="ZipCode").encode()


def bina_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """UTF-8 without BOM or declaration, `…Id`, cities by name."""
    first = branches[0]
    head = f"<ChainId>{first.chain_id}</ChainId>" + _chain_and_time(first, at, "%H:%M:%S")
    sub_chains = "".join(
        f"<SubChain><SubChainId>{number}</SubChainId><SubChainName>{text(name)}</SubChainName><Stores>"
        + "".join(
            f"<Store><StoreId>{branch.store_id}</StoreId>{_body(branch, branch.city, 'ZipCode')}</Store>"
            for branch in group
        )
        + "</Stores></SubChain>"
        for (number, name), group in _by_sub_chain(branches)
    )
    return f"<Root>{head}<SubChains>{sub_chains}</SubChains></Root>".replace("><", ">\r\n<").encode()


def wolt_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """UTF-8 without BOM, declared."""
    return (DECLARATION + _nested("Root", branches, at, number="{:03}", zip_tag="ZIPCode")).encode()


def laib_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """UTF-8 without BOM or declaration; the ids are spelled in two ways."""
    nested = _nested("Root", branches, at, number="{:03}", zip_tag="ZIPCode")
    return nested.replace("SubChainID>", "SubChainId>").encode()


def matrix_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """Laib until 2026, Het Cohen still: flat, declared, fields that are always there and often empty."""
    rows = "".join(
        f"<Branch><ChainID>{branch.chain_id}</ChainID><SubChainID>{branch.sub_chain_id:03}</SubChainID>"
        f"<StoreID>{branch.store_id:03}</StoreID><BikoretNo /><StoreType>{branch.store_type}</StoreType>"
        f"<ChainName>{text(branch.chain_name)}</ChainName><SubChainName>{text(branch.sub_chain_name)}</SubChainName>"
        f"<StoreName>{text(branch.name)}</StoreName><Address>{text(branch.address)}</Address>"
        f"<City>{text(branch.city)}</City><ZIPCode>{branch.zip_code}</ZIPCode>"
        "<LastUpdateDate>01/01/0001 00:00:00</LastUpdateDate><Latitude /><Longitude /></Branch>"
        for branch in branches
    )
    head = f'<Store Date="{at:%d/%m/%y}" Time="{at:%H:%M:%S}">'
    return f"{DECLARATION}{head}<Branches>{rows}</Branches></Store>".replace("><", ">\r\n<").encode()


def sap_stores(branches: Sequence[Branch], at: datetime) -> bytes:
    """Shufersal until mid-2026: SAP's flat upper-case form, UTF-8 with BOM."""
    rows = "".join(_sap_row(branch) for branch in branches)
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<asx:abap xmlns:asx="http://www.sap.com/abapxml" version="1.0">'
        f"<asx:values><CHAINID>{branches[0].chain_id}</CHAINID><STORES>{rows}</STORES>"
        f"<LASTUPDATEDATE>{at:%Y-%m-%d}</LASTUPDATEDATE></asx:values></asx:abap>"
    )
    return UTF8_BOM + document.encode()


def _nested(root: str, branches: Sequence[Branch], at: datetime, *, number: str, zip_tag: str) -> str:
    first = branches[0]
    head = f"<ChainID>{first.chain_id}</ChainID>" + _chain_and_time(first, at, "%H:%M:%S.000")
    sub_chains = "".join(
        f"<SubChain><SubChainID>{number.format(sub_chain)}</SubChainID><SubChainName>{text(name)}</SubChainName>"
        "<Stores>"
        + "".join(
            f"<Store><StoreID>{number.format(branch.store_id)}</StoreID>"
            f"{_body(branch, str(branch.city_code), zip_tag)}</Store>"
            for branch in group
        )
        + "</Stores></SubChain>"
        for (sub_chain, name), group in _by_sub_chain(branches)
    )
    return f"<{root}>{head}<SubChains>{sub_chains}</SubChains></{root}>"


def _chain_and_time(branch: Branch, at: datetime, clock: str) -> str:
    return (
        f"<ChainName>{text(branch.chain_name)}</ChainName><LastUpdateDate>{at:%Y-%m-%d}</LastUpdateDate>"
        f"<LastUpdateTime>{at.strftime(clock)}</LastUpdateTime>"
    )


def _by_sub_chain(branches: Sequence[Branch]) -> list[tuple[tuple[int, str], list[Branch]]]:
    def sub_chain(branch: Branch) -> tuple[int, str]:
        return branch.sub_chain_id, branch.sub_chain_name

    return [(key, list(group)) for key, group in groupby(sorted(branches, key=sub_chain), key=sub_chain)]


def _body(branch: Branch, city: str, zip_tag: str) -> str:
    return (
        f"<BikoretNo>{branch.check_digit}</BikoretNo><StoreType>{branch.store_type}</StoreType>"
        f"<StoreName>{text(branch.name)}</StoreName><Address>{text(branch.address)}</Address>"
        f"<City>{text(city)}</City><{zip_tag}>{branch.zip_code}</{zip_tag}>"
    )


def _sap_row(branch: Branch) -> str:
    return (
        f"<STORE><SUBCHAINID>{branch.sub_chain_id}</SUBCHAINID><STOREID>{branch.store_id}</STOREID>"
        f"<BIKORETNO>{branch.check_digit}</BIKORETNO><STORETYPE>{branch.store_type}</STORETYPE>"
        f"<CHAINNAME>{text(branch.chain_name)}</CHAINNAME><SUBCHAINNAME>{text(branch.sub_chain_name)}</SUBCHAINNAME>"
        f"<STORENAME>{text(branch.name)}</STORENAME><ADDRESS>{text(branch.address)}</ADDRESS>"
        f"<CITY>{text(branch.city)}</CITY><ZIPCODE>{branch.zip_code}</ZIPCODE></STORE>"
    )
