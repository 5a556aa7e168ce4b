"""What documents of all layouts share: header, line ends, escaping, compression."""

import codecs
import gzip
from collections.abc import Iterable
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from gogobe_dagster.replica.generator.stores import Store

UTF8_BOM = codecs.BOM_UTF8
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\r\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Root and header of a layout, with `{}` fields, and how its list is opened and closed."""

    start: str
    list_start: str
    """Gets the name of the list and the number of its rows."""
    list_empty: str
    root: str

    def wrap(self, store: Store, list_name: str, rows: Iterable[str]) -> bytes:
        """Return the whole document, UTF-8."""
        rows = list(rows)
        counted = {"list_name": list_name, "count": len(rows)}
        head = self.start.format(store=store)
        if not rows:
            text = f"{head}  {self.list_empty.format(**counted)}\r\n</{self.root}>\r\n"
        else:
            opening = self.list_start.format(**counted)
            text = f"{head}  {opening}\r\n{''.join(rows)}  </{list_name}>\r\n</{self.root}>\r\n"
        return text.encode()


CLASSIC = Envelope(
    root="Root",
    start=(
        "<Root>\r\n  <XmlDocVersion>19</XmlDocVersion>\r\n  <ChainId>{store.chain_id}</ChainId>\r\n"
        "  <SubChainId>{store.sub_chain_id}</SubChainId>\r\n  <StoreId>{store.store_id:03}</StoreId>\r\n"
        "  <BikoretNo>{store.check_digit}</BikoretNo>\r\n  <DllVerNo>9.4.0.50</DllVerNo>\r\n"
    ),
    list_start='<{list_name} Count="{count}">',
    list_empty='<{list_name} Count="{count}"/>',
)
"""The classic layout: Cerberus files with classic names."""
LOWER_CASE = Envelope(
    root="root",
    start=(
        DECLARATION + "<root>\r\n  <ChainId>{store.chain_id}</ChainId>\r\n"
        "  <SubChainId>{store.sub_chain_id:03}</SubChainId>\r\n  <StoreId>{store.store_id:03}</StoreId>\r\n"
        "  <BikoretNo>{store.check_digit}</BikoretNo>\r\n  <DllVerNo>8.0.1.3</DllVerNo>\r\n"
    ),
    list_start='<{list_name} Count="{count}">',
    list_empty='<{list_name} Count="{count}"/>',
)
"""The classic layout under a lower-case root: Shufersal until mid-2026, Tiv Taam."""
BINA = Envelope(
    root="Root",
    start=(
        "<Root>\r\n  <ChainId>{store.chain_id}</ChainId>\r\n"
        "  <SubChainId>{store.sub_chain_id}</SubChainId>\r\n  <StoreId>{store.store_id}</StoreId>\r\n"
        "  <BikoretNo>{store.check_digit}</BikoretNo>\r\n"
    ),
    list_start="<{list_name}>",
    list_empty="<{list_name} />",
)
"""Bina's classic layout: promotions have a count attribute, items have none."""
BINA_PROMOTIONS = Envelope(
    root="Root",
    start=BINA.start,
    list_start='<{list_name} count="{count}">',
    list_empty='<{list_name} count="{count}" />',
)
NEW = Envelope(
    root="Root",
    start=(
        "<Root>\r\n  <ChainID>{store.chain_id}</ChainID>\r\n"
        "  <SubChainID>{store.sub_chain_id:03}</SubChainID>\r\n  <StoreID>{store.store_id:03}</StoreID>\r\n"
        "  <BikoretNo>{store.check_digit}</BikoretNo>\r\n"
    ),
    list_start="<{list_name}>",
    list_empty="<{list_name}/>",
)
"""The layout with upper-case ids, in files with dated names (2026)."""
DECLARED_NEW = replace(NEW, start=DECLARATION + NEW.start)
"""The layout with upper-case ids after an XML declaration: Laib."""
MATRIX_PROMOTIONS = replace(
    NEW,
    root="Promos",
    start=DECLARATION
    + NEW.start.replace("<Root>", "<Promos>").replace("store.chain_id", "store.chain_id:.5"),
)
"""The Matrix layout, which cuts the chain id short."""
WOLT = replace(NEW, start='<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + NEW.start)


def text(value: str) -> str:
    """Escape a text."""
    return escape(value)


def shekels(agorot: int) -> str:
    """Write money with two decimals."""
    return f"{agorot // 100}.{agorot % 100:02}"


def short_shekels(agorot: int) -> str:
    """Write money as Bina does, without zeros at the end."""
    return shekels(agorot).rstrip("0").rstrip(".")


def gzipped(document: bytes) -> bytes:
    """Compress with a fixed time in the archive: the same bytes in every run."""
    return gzip.compress(document, compresslevel=6, mtime=0)
