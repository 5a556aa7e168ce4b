"""Parse published file names: kind, chain, sub-chain, store and time (docs/portals.md, File names).

Every layout published since 2015 is read. A name that fits none is an error and never a guess: the file is
kept and quarantined. The document's own header is not read here.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import UnknownFileName
from gogobe_dagster.files.kinds import FileKind

KINDS: Final = {
    "storesfull": FileKind.STORES,
    "stores": FileKind.STORES,
    "store": FileKind.STORES,
    "pricefull": FileKind.FULL_PRICES,
    "price": FileKind.PRICES,
    "promofull": FileKind.FULL_PROMOTIONS,
    "promo": FileKind.PROMOTIONS,
}
# 2015 and 2016: `StoresFull-7290058179503-…`, `PriceFull-7290696200003-…`, a hyphen before the chain id.
HEAD: Final = re.compile(
    rf"(?P<null>null)?(?P<kind>{'|'.join(KINDS)})-?(?P<chain>[0-9]{{5,13}})(?P<rest>-.*)",
    re.IGNORECASE | re.ASCII,
)
# `.gz`, `.GZ`, `.xml.gz`, none, and `Stores7290873900009-201506070100 .xml`, a blank before the extension.
EXTENSIONS: Final = re.compile(r"(?: *\.(?:gz|xml|zip))+\Z", re.IGNORECASE | re.ASCII)
MAX_LENGTH: Final = 255
NUMBER: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
TIMESTAMP_FORMATS: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
# The law is of 2014; another year is another order of the digits, and reading it would invent a date.
YEARS: Final = range(2014, 2100)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """A parsed file name. `str()` is the name in its own case."""

    text: str
    kind: FileKind
    chain_id: str
    """As printed, without leading zeros (`0000072906390` and `72906390` are one alias)."""
    sub_chain_id: int | None
    """Many names have 0 for "see the document"."""
    store_id: int | None
    """None only for stores files, which are about the whole chain."""
    published_at: datetime
    """The timestamp, in Israel's local time; midnight where there is only a date (Shufersal's Stores)."""
    sequence: int | None
    is_null: bool
    """The portal announces that nothing changed; such a file may have rows all the same."""

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name, a path or a link that ends in a name. Raises `UnknownFileName` for any other text."""
        name = text.partition("?")[0].strip().rpartition("/")[2].strip()
        head = HEAD.fullmatch(name)
        if head is None or len(name) > MAX_LENGTH:
            raise UnknownFileName(text, "is not <kind><chain id>-…, so it is not a data file")
        chain_id = head["chain"].lstrip("0")
        if not chain_id:
            raise UnknownFileName(text, "a chain id of zeros belongs to no chain")
        kind = KINDS[head["kind"].lower()]
        store_parts, published_at, sequence = _split_timestamp(
            text, EXTENSIONS.sub("", head["rest"])[1:].split("-")
        )
        sub_chain_id, store_id = _parse_store(text, kind, store_parts)
        return cls(
            text=name,
            kind=kind,
            chain_id=chain_id,
            sub_chain_id=sub_chain_id,
            store_id=store_id,
            published_at=published_at,
            sequence=sequence,
            is_null=head["null"] is not None,
        )


def _split_timestamp(text: str, parts: list[str]) -> tuple[list[str], datetime, int | None]:
    """Parse the timestamp from the right; return the parts before it, the time, the sequence number."""
    match [len(part) if part.isascii() and part.isdigit() else 0 for part in parts[-2:]]:
        case [8, 6] | [8, 4]:
            return parts[:-2], _parse_timestamp(text, parts[-2] + parts[-1]), None
        case [14, 6]:  # Laib repeats the time
            return parts[:-2], _parse_timestamp(text, parts[-2]), None
        case [8 | 12, 2 | 3]:  # Shufersal's Stores by day; Matrix and Laib by minute: `-202505310519-001`
            return parts[:-2], _parse_timestamp(text, parts[-2]), int(parts[-1])
        case [*_, 8 | 12 | 14]:
            return parts[:-1], _parse_timestamp(text, parts[-1]), None
    raise UnknownFileName(text, "does not end in a timestamp")


def _parse_timestamp(text: str, digits: str) -> datetime:
    """Parse `yyyyMMdd[HHmm[ss]]` as Israel's time; in the repeated hour of autumn the first one."""
    try:
        timestamp = datetime.strptime(digits, TIMESTAMP_FORMATS[len(digits)]).replace(tzinfo=ISRAEL)
    except ValueError:
        raise UnknownFileName(text, f"{digits} is not a date") from None
    if timestamp.year not in YEARS:
        raise UnknownFileName(text, f"{digits} is a timestamp of the year {timestamp.year}")
    return timestamp


def _parse_store(text: str, kind: FileKind, parts: list[str]) -> tuple[int | None, int | None]:
    """Parse sub-chain and store from the parts between chain id and timestamp."""
    if kind is FileKind.STORES and parts == [""]:  # `StoresFull7290172900007--202211020200`
        return None, None
    if not all(NUMBER.fullmatch(part) for part in parts):
        raise UnknownFileName(text, "sub-chain or store is not a number of up to 6 digits")
    match kind is FileKind.STORES, [int(part) for part in parts]:
        case True, []:
            return None, None
        case True, [sub_chain]:
            return sub_chain, None
        case True, [sub_chain, store]:  # `StoresFull7290700100008-000-000-20250821-002217`
            return sub_chain, store or None
        case False, [store]:
            return None, store
        case False, [sub_chain, store]:
            return sub_chain, store
    raise UnknownFileName(text, f"{len(parts)} parts between the chain id and the timestamp")
