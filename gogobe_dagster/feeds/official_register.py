"""The official register of price publishers (gov.il) as data: companies and their accounts on portals."""

from dataclasses import dataclass

from gogobe_dagster.feeds.model import Family, Feed

CERBERUS_HOST = "publishedprices.co.il"
LAIB_HOST = "laibcatalog.co.il"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalAccount:
    """One feed's account. Cerberus has several host names for one server; all become `CERBERUS_HOST`."""

    host: str
    account: str = ""
    """The user on Cerberus, the page on Laib; empty where the host alone identifies the feed."""
    password: str = ""

    @property
    def label(self) -> str:
        """Host and account without the password; the same for the same feed."""
        if self.host == CERBERUS_HOST:
            return f"{self.host}, user {self.account}"
        return f"{self.host}/{self.account}" if self.account else self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialRow:
    """One company on the page."""

    legal_name: str
    accounts: tuple[PortalAccount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialPage:
    """The page as it is now."""

    updated: str
    """The page's own date of change, as printed: `22.06.2026`."""
    rows: tuple[OfficialRow, ...]


def official_account_of(feed: Feed) -> PortalAccount:
    """Return the account that the official register should list for a feed of ours."""
    if feed.family is Family.CERBERUS:
        return PortalAccount(host=CERBERUS_HOST, account=feed.account, password=feed.password)
    if feed.family is Family.LAIB:
        return PortalAccount(host=LAIB_HOST, account=feed.account)
    return PortalAccount(host=feed.register_host or feed.base_url.partition("://")[2].removeprefix("www."))
