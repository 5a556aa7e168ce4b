"""The types of the register: a feed, and a feed that is disabled."""

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum


class Family(StrEnum):
    """The software of a portal; each has a module in `portals` and one in `replica`."""

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


OTHER_IMPORTERS = "other importers' public records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was seen of a feed on a day; the fields of the feed and its note follow from it."""

    seen_on: date
    fact: str
    source: str = OTHER_IMPORTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One row of the register: a portal account that publishes, and what is normal for it."""

    key: str
    name: str
    hebrew_name: str
    legal_name: str = ""
    """The responsible company as the official register prints it; identifies an account that moved."""
    family: Family
    chain_ids: tuple[str, ...]
    base_url: str
    register_host: str = ""
    """The host in the official register, if it is not the host of `base_url`."""
    file_hosts: tuple[str, ...] = ()
    """Other hosts that serve its files, with their subdomains; `*`: any public host, if they are unknown."""
    account: str
    """Identifies the feed on its portal: a Cerberus user, a Bina host prefix, a Laib page."""
    password: str = ""
    folder: str = "/"
    needs_tls: bool = False
    """Whether its FTP server accepts logins over TLS only."""
    query_id: str = ""
    """The chain id that Bina's listing expects, if it is not the chain id in the files."""
    aliases: tuple[str, ...] = ()
    """Chain ids that some files print by mistake; they mean `chain_ids[0]`."""
    lists_each_store: bool = False
    """Whether each store publishes a store list of itself, and there is none of the whole chain."""
    stores: int
    """Number of stores, as counted in August 2026."""
    full_files_per_day: int | None = None
    """As counted in August 2026, or two per store if only full files were counted; None: unknown."""
    delta_files_per_day: int | None = None
    """As counted in August 2026; None: unknown."""
    full_files_by: time = time(5, 30)
    """When the first full files of a day are usually published, in Israel."""
    empty_until: time = time(2)
    """Until when the list of a new day may be empty, in Israel. Later an empty list is a failure."""
    observes_shabbat: bool = False
    """Whether it publishes nothing on Shabbat and holidays, from the afternoon before to the evening.

    Observed at Netiv HaHesed and Mahsanei HaShuk. The other feeds with this flag are chains whose stores are
    closed then. If the flag is wrong, the feed is polled less often at these times and reported as late a
    day later.
    """
    is_israel_only: bool = False
    """Whether its portal is known to refuse callers outside Israel."""
    is_irregular: bool = False
    """Whether weeks without a file are nothing unusual: a day without files is then no failure."""
    is_official: bool = True
    """Whether the official register lists its account; if not, its absence there is no difference."""
    note: str = ""
    evidence: tuple[Evidence, ...] = ()
    """What the hours, the numbers and the note rest on, beyond the counts of August 2026."""

    @property
    def stores_with_full_files(self) -> int:
        """Stores with a full price file every day, as counted; 0 if there are none or nobody counted."""
        return min(self.stores, (self.full_files_per_day or 0) // 2)

    @property
    def chain_id(self) -> str:
        """The chain id of files that do not print another one of `chain_ids`."""
        return self.chain_ids[0]

    def owns(self, chain_id: str) -> bool:
        """Whether files that print this chain id belong to this feed."""
        return chain_id in self.chain_ids or chain_id in self.aliases


@dataclass(frozen=True, slots=True, kw_only=True)
class DisabledFeed:
    """An address that is not imported: it has no partition and no sensor, but a documented reason."""

    key: str
    name: str
    hebrew_name: str
    chain_ids: tuple[str, ...] = ()
    former_address: str
    """The host, or host and user, where it published; empty if unknown."""
    reason: str
    """Why it is not imported, since when, and which feed has replaced it."""
