"""What a row of the register says. The rows themselves are in the modules beside this one."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum


class Family(StrEnum):
    """The software behind a portal; each has one module in `portals` and one in `replica`."""

    SHUFERSAL = "shufersal"
    CERBERUS = "cerberus"
    BINA = "bina"
    PUBLISH_PRICE = "publish_price"
    SUPER_PHARM = "super_pharm"
    LAIB = "laib"
    WOLT = "wolt"
    MISHNAT_YOSEF = "mishnat_yosef"
    HAZI_HINAM = "hazi_hinam"
    CITY_MARKET = "city_market"
    NETIV_HAHESED = "netiv_hahesed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One row of the register."""

    key: str
    name: str
    hebrew: str
    legal_name: str = ""
    """Whose duty it is, as the official register prints it; a row that moved is known again by it."""
    family: Family
    chain_ids: tuple[str, ...]
    base_url: str
    listed_at: str = ""
    """Host that the official register names, where it is not that of `base_url`."""
    account: str
    """What tells this feed apart on its portal: a Cerberus user, a Bina host prefix, a Laib page."""
    password: str = ""
    folder: str = "/"
    needs_tls: bool = False
    """Whether its FTP lets nobody in without TLS."""
    query_id: str = ""
    """What Bina's list wants as the chain, where that is not the chain id of the files."""
    aliases: tuple[str, ...] = ()
    """Chain ids as some of its files wrongly print them; they mean `chain_ids[0]`."""
    numbers_stores_once: bool = False
    """No two stores share a number, whatever their sub-chain: a file that prints sub-chain 0 is about the
    store that the price files of its number are about."""
    lists_each_store: bool = False
    """Every store publishes a list of itself alone; there is none of the whole chain."""
    stores: int
    """Branches seen in August 2026: what is normal."""
    fulls: int | None = None
    """Full files a day: counted in August 2026, or two a store where only all files were; None: unknown."""
    deltas: int | None = None
    """Files of changes a day, counted in the same way; None: unknown."""
    fulls_by: time = time(5, 30)
    """When the first full files of a day are usually out, in Israel (PORTALS §1.2)."""
    rests: bool = False
    """Publishes nothing on Shabbat and holidays, from the afternoon before to the night after.

    Seen at Netiv HaHesed (PORTALS §4.9); the other religious chains (PORTALS §1.2) are those whose shops are
    closed then. One too many only looks more seldom then and is called late a day later.
    """
    note: str = ""

    @property
    def stores_with_fulls(self) -> int:
        """Stores that have a full price file every day, as counted; 0: none has, or nobody counted."""
        return min(self.stores, (self.fulls or 0) // 2)

    @property
    def chain_id(self) -> str:
        """The chain id that files of this feed mean unless they say another of its ids."""
        return self.chain_ids[0]

    def owns(self, chain_id: str) -> bool:
        """Whether a file that prints this chain id belongs to this feed."""
        return chain_id in self.chain_ids or chain_id in self.aliases


@dataclass(frozen=True, slots=True, kw_only=True)
class DisabledFeed:
    """An address that is not imported: no partition, no sensor, but never left out without a word."""

    key: str
    name: str
    hebrew: str
    chain_ids: tuple[str, ...] = ()
    was_at: str
    """Host, or host and user, where it published; empty: nobody knows of one."""
    reason: str
    """Why it is not imported, since when, and which feed has taken its place."""
