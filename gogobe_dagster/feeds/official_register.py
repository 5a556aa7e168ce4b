"""What a row of the official register says: whose duty it is, and the doors to what they publish."""

from dataclasses import dataclass

from gogobe_dagster.feeds.model import Family, Feed

CERBERUS_HOST = "publishedprices.co.il"
LAIB_HOST = "laibcatalog.co.il"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where one feed is let in. Hosts of one server are one: `url.retail.` and `url.` of Cerberus."""

    host: str
    account: str = ""
    """The user on Cerberus, the page on Laib; elsewhere the host says it all."""
    password: str = ""

    @property
    def place(self) -> str:
        """The door without its key, as people write it; the same for the same feed."""
        if self.host == CERBERUS_HOST:
            return f"{self.host}, user {self.account}"
        return f"{self.host}/{self.account}" if self.account else self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialRow:
    """One row of the page."""

    legal_name: str
    doors: tuple[Door, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialPage:
    """The page as it is now."""

    updated: str
    """Its own date of change, as printed: `22.06.2026`."""
    rows: tuple[OfficialRow, ...]


def door_of(feed: Feed) -> Door:
    """Return the door that the official register should name for a feed of ours."""
    if feed.family is Family.CERBERUS:
        return Door(host=CERBERUS_HOST, account=feed.account, password=feed.password)
    if feed.family is Family.LAIB:
        return Door(host=LAIB_HOST, account=feed.account)
    return Door(host=feed.listed_at or feed.base_url.partition("://")[2].removeprefix("www."))
