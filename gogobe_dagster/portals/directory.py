"""Which connector speaks to which feed, and where the feed's portal is: the real one or the replica."""

from dataclasses import replace
from math import inf
from typing import Protocol

from gogobe_dagster.feeds import Family, Feed
from gogobe_dagster.portals.base import Portal
from gogobe_dagster.portals.bina import Bina
from gogobe_dagster.portals.cerberus import Cerberus
from gogobe_dagster.portals.http import Manners
from gogobe_dagster.portals.laib import Laib
from gogobe_dagster.portals.mishnat_yosef import MishnatYosef
from gogobe_dagster.portals.publish_price import PublishPrice
from gogobe_dagster.portals.shufersal import Shufersal
from gogobe_dagster.portals.super_pharm import SuperPharm
from gogobe_dagster.portals.wolt import Wolt
from gogobe_dagster.settings import Settings


class Opener(Protocol):
    """A connector's class."""

    manners: Manners
    offers_past_days: bool

    def __call__(self, feed: Feed, *, base_url: str, limit: int, manners: Manners | None = None) -> Portal:
        """Return a connector that has asked nothing yet."""


CONNECTORS: dict[Family, Opener] = {
    Family.CERBERUS: Cerberus,
    Family.BINA: Bina,
    Family.SHUFERSAL: Shufersal,
    Family.PUBLISH_PRICE: PublishPrice,
    Family.SUPER_PHARM: SuperPharm,
    Family.LAIB: Laib,
    Family.WOLT: Wolt,
    Family.MISHNAT_YOSEF: MishnatYosef,
}
MEGABYTE = 1024 * 1024


def open_portal(
    feed: Feed, settings: Settings, *, manners: Manners | None = None, budget: float = inf
) -> Portal:
    """Return a connector to the feed's portal; nothing is asked yet. `manners` replaces the family's.

    `budget` is how many seconds all pages may take together, from now.
    """
    connector = CONNECTORS[feed.family]
    if budget < inf:
        manners = replace(manners or connector.manners, budget=budget)
    limit = settings.max_download_mb * MEGABYTE
    return connector(feed, base_url=base_url(feed, settings), limit=limit, manners=manners)


def base_url(feed: Feed, settings: Settings) -> str:
    """Return where the feed's portal is, without a slash at the end; it may carry a path prefix."""
    if not settings.replica_url:
        return feed.base_url
    replica = settings.replica_url.rstrip("/")
    # Each Bina chain has its own host, so in the replica its own path.
    return f"{replica}/bina/{feed.account}" if feed.family is Family.BINA else f"{replica}/{feed.family}"
