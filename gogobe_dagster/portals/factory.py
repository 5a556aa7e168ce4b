"""Which connector speaks to which feed, and where the feed's portal is: the real one or the replica."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from math import inf
from typing import Protocol

from gogobe_dagster import clock as wall_clock
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.portals.base import Portal
from gogobe_dagster.portals.bina import Bina
from gogobe_dagster.portals.cerberus import Cerberus
from gogobe_dagster.portals.cerberus_fallback import CerberusDoors
from gogobe_dagster.portals.cerberus_ftp import SERVER, CerberusFtp, place_in_replica, place_of
from gogobe_dagster.portals.city_market import CityMarket
from gogobe_dagster.portals.ftp import FtpPlace
from gogobe_dagster.portals.hazi_hinam import HaziHinam
from gogobe_dagster.portals.http import Manners
from gogobe_dagster.portals.laib import Laib
from gogobe_dagster.portals.mishnat_yosef import MishnatYosef
from gogobe_dagster.portals.netiv_hahesed import NetivHaHesed
from gogobe_dagster.portals.publish_price import PublishPrice
from gogobe_dagster.portals.shufersal import Shufersal
from gogobe_dagster.portals.super_pharm import SuperPharm
from gogobe_dagster.portals.transport import Way
from gogobe_dagster.portals.wolt import Wolt
from gogobe_dagster.settings import Settings
from gogobe_dagster.sizes import MEGABYTE


class Opener(Protocol):
    """A connector's class."""

    manners: Manners
    offers_past_days: bool

    def __call__(self, feed: Feed, *, base_url: str, limit: int, manners: Manners | None = None) -> Portal:
        """Return a connector that has asked nothing yet."""


class DayOpener(Protocol):
    """The class of a connector that must know which day it is."""

    manners: Manners
    offers_past_days: bool

    def __call__(
        self,
        feed: Feed,
        *,
        base_url: str,
        limit: int,
        clock: Callable[[], datetime],
        manners: Manners | None = None,
    ) -> Portal:
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
    Family.CITY_MARKET: CityMarket,
}
DAY_CONNECTORS: dict[Family, DayOpener] = {
    Family.HAZI_HINAM: HaziHinam,
    Family.NETIV_HAHESED: NetivHaHesed,
}


def open_portal(
    feed: Feed,
    settings: Settings,
    *,
    manners: Manners | None = None,
    clock: Callable[[], datetime] = wall_clock.now,
    budget: float = inf,
) -> Portal:
    """Return a connector to the feed's portal; nothing is asked yet. `manners` replaces the family's.

    `budget` is how many seconds all pages may take together, from now.
    """
    override, way = settings.for_feed(feed.key), _way(feed, settings)
    feed = replace(
        feed,
        account=feed.account if override.user is None else override.user,
        password=feed.password if override.password is None else override.password,
    )
    limit = settings.max_download_mb * MEGABYTE
    own = replace(manners or connector_of(feed).manners, way=way, budget=budget)
    web = _web(feed, base_url(feed, settings), limit=limit, manners=own, clock=clock)
    if feed.family is not Family.CERBERUS or override.transport == "web":
        return web
    ftp_manners = replace(manners or CerberusFtp.manners, way=way, budget=budget)
    if override.transport == "auto":  # the web was patient already
        ftp_manners = replace(ftp_manners, tries=min(ftp_manners.tries, 2))
    ftp = CerberusFtp(feed, find=_ftp_place(feed, settings, ftp_manners), limit=limit, manners=ftp_manners)
    return ftp if override.transport == "ftp" else CerberusDoors(feed.key, web=web, ftp=ftp)


def connector_of(feed: Feed) -> Opener | DayOpener:
    """Return the class that speaks to the feed's portal over the web."""
    return DAY_CONNECTORS.get(feed.family) or CONNECTORS[feed.family]


def _web(feed: Feed, url: str, *, limit: int, manners: Manners, clock: Callable[[], datetime]) -> Portal:
    if dated := DAY_CONNECTORS.get(feed.family):
        return dated(feed, base_url=url, limit=limit, manners=manners, clock=clock)
    return CONNECTORS[feed.family](feed, base_url=url, limit=limit, manners=manners)


def _way(feed: Feed, settings: Settings) -> Way:
    override = settings.for_feed(feed.key)
    bundle = str(override.ca_bundle or "")
    way = Way(proxy=override.proxy, ca_bundle=bundle, verifies_tls=override.verify_tls)
    way.warn(feed.key)
    return way


def _ftp_place(feed: Feed, settings: Settings, manners: Manners) -> Callable[[], FtpPlace]:
    told = settings.for_feed(feed.key).ftp_url
    if told:
        return lambda: place_of(told)
    if settings.replica_url:
        return lambda: place_in_replica(settings.replica_url, manners)
    return lambda: SERVER


def base_url(feed: Feed, settings: Settings) -> str:
    """Return where the feed's portal is, without a slash at the end; it may carry a path prefix."""
    if told := settings.for_feed(feed.key).base_url:
        return told.rstrip("/")
    if not settings.replica_url:
        return feed.base_url
    replica = settings.replica_url.rstrip("/")
    # Each Bina chain has its own host, so in the replica its own path.
    return f"{replica}/bina/{feed.account}" if feed.family is Family.BINA else f"{replica}/{feed.family}"
