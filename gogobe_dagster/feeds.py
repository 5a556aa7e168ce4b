"""The register: every feed, its portal, its chain ids, and what is normal.

A feed is a portal account that publishes; its key is the unit of partitioning. Two feeds can share a
chain id and one feed can carry several, so nothing is keyed by chain id. A new feed is one row here.
Source of every row: PORTALS §5.1 (the gov.il register of 22.06.2026 and probes up to October 2026).
"""

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """The software behind a portal; each has one module in `portals` and one in `replica`."""

    SHUFERSAL = "shufersal"
    CERBERUS = "cerberus"
    BINA = "bina"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One row of the register."""

    key: str
    name: str
    hebrew: str
    family: Family
    chain_ids: tuple[str, ...]
    base_url: str
    account: str
    """What tells this feed apart on its portal: a Cerberus user, a Bina host prefix."""
    password: str = ""
    folder: str = "/"
    aliases: tuple[str, ...] = ()
    """Chain ids as some of its files wrongly print them; they mean `chain_ids[0]`."""
    stores: int
    """Branches seen in August 2026: what is normal."""
    note: str = ""

    @property
    def chain_id(self) -> str:
        """The chain id that files of this feed mean unless they say another of its ids."""
        return self.chain_ids[0]

    def owns(self, chain_id: str) -> bool:
        """Whether a file that prints this chain id belongs to this feed."""
        return chain_id in self.chain_ids or chain_id in self.aliases
