"""Which connector serves which feed, and where the feed's portal is: the real one or the replica."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from math import inf

from gogobe_dagster import clock as wall_clock
from gogobe_dagster.feeds.feed_settings import FeedOverride
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.portals.bina import Bina
from gogobe_dagster.portals.cerberus import Cerberus
from gogobe_dagster.portals.cerberus_fallback import CerberusWithFallback
from gogobe_dagster.portals.cerberus_ftp import SERVER, CerberusFtp, address_in_replica, parse_address
from gogobe_dagster.portals.city_market import CityMarket
from gogobe_dagster.portals.connector import Connector, ConnectorOptions
from gogobe_dagster.portals.ftp_client import FtpAddress
from gogobe_dagster.portals.hazi_hinam import HaziHinam
from gogobe_dagster.portals.laib import Laib
from gogobe_dagster.portals.mishnat_yosef import MishnatYosef
from gogobe_dagster.portals.netiv_hahesed import NetivHaHesed
from gogobe_dagster.portals.network import NetworkOptions
from gogobe_dagster.portals.portal import Portal
from gogobe_dagster.portals.publish_price import PublishPrice
from gogobe_dagster.portals.reach import Reach, host_and_port, own_domain
from gogobe_dagster.portals.request_policy import RequestPolicy
from gogobe_dagster.portals.shufersal import Shufersal
from gogobe_dagster.portals.super_pharm import SuperPharm
from gogobe_dagster.portals.wolt import Wolt
from gogobe_dagster.settings import Settings
from gogobe_dagster.sizes import MEGABYTE

CONNECTORS: dict[Family, type[Connector]] = {
    Family.CERBERUS: Cerberus,
    Family.BINA: Bina,
    Family.SHUFERSAL: Shufersal,
    Family.PUBLISH_PRICE: PublishPrice,
    Family.SUPER_PHARM: SuperPharm,
    Family.LAIB: Laib,
    Family.WOLT: Wolt,
    Family.MISHNAT_YOSEF: MishnatYosef,
    Family.HAZI_HINAM: HaziHinam,
    Family.CITY_MARKET: CityMarket,
    Family.NETIV_HAHESED: NetivHaHesed,
}
"""The web connector of each portal family."""


def open_portal(
    feed: Feed,
    settings: Settings,
    *,
    policy: RequestPolicy | None = None,
    clock: Callable[[], datetime] = wall_clock.now,
    budget: float = inf,
) -> Portal:
    """Return a connector to the feed's portal; nothing is requested yet. `policy` replaces the family's.

    `budget` is how many seconds all pages may take together, from now.
    """
    override = settings.for_feed(feed.key)
    feed = _with_account(feed, override)
    network = replace(
        _network_options(feed, override),
        reach=_reach(feed, settings),
        user_agent=settings.user_agent,
        contact=settings.contact,
    )
    options = ConnectorOptions(
        feed=feed,
        base_url=base_url(feed, settings),
        max_file_bytes=settings.max_download_mb * MEGABYTE,
        policy=replace(policy or connector_class(feed).policy, network=network, budget=budget),
        clock=clock,
    )
    web = connector_class(feed)(options)
    if feed.family is not Family.CERBERUS or override.transport == "web":
        return web
    ftp_policy = replace(policy or CerberusFtp.policy, network=network, budget=budget)
    if override.transport == "auto":  # the web was tried several times already
        ftp_policy = replace(ftp_policy, attempts=min(ftp_policy.attempts, 2))
    ftp = CerberusFtp(
        replace(options, policy=ftp_policy), locate=_ftp_locator(override, settings, ftp_policy)
    )
    return ftp if override.transport == "ftp" else CerberusWithFallback(feed.key, web=web, ftp=ftp)


def connector_class(feed: Feed) -> type[Connector]:
    """Return the connector that serves a feed over the web."""
    return CONNECTORS[feed.family]


def base_url(feed: Feed, settings: Settings) -> str:
    """Return where the feed's portal is, without a slash at the end; it may have a path."""
    if configured := settings.for_feed(feed.key).base_url:
        return configured.rstrip("/")
    if not settings.replica_url:
        return feed.base_url
    replica = settings.replica_url.rstrip("/")
    # Each Bina chain has a host of its own, so in the replica a path of its own.
    return f"{replica}/bina/{feed.account}" if feed.family is Family.BINA else f"{replica}/{feed.family}"


def _with_account(feed: Feed, override: FeedOverride) -> Feed:
    return replace(
        feed,
        account=feed.account if override.user is None else override.user,
        password=feed.password if override.password is None else override.password,
    )


def _network_options(feed: Feed, override: FeedOverride) -> NetworkOptions:
    network = NetworkOptions(
        proxy=override.proxy,
        ca_bundle=str(override.ca_bundle or ""),
        verifies_tls=override.verify_tls,
    )
    network.warn_if_unverified(feed.key)
    return network


def _reach(feed: Feed, settings: Settings) -> Reach:
    """Return which hosts requests may reach: the feed's own, and those of the register and of settings."""
    override = settings.for_feed(feed.key)
    addresses = [address for address in (override.base_url, settings.replica_url) if address]
    return Reach(
        domains={own_domain(feed.base_url), *feed.file_hosts, *override.file_hosts},
        configured=[host_and_port(address) for address in addresses],
    )


def _ftp_locator(
    override: FeedOverride, settings: Settings, policy: RequestPolicy
) -> Callable[[], FtpAddress]:
    """Return what finds the FTP server: the one of the setting, of the replica, or the real one."""
    if override.ftp_url:
        return lambda: parse_address(override.ftp_url)
    if settings.replica_url:
        return lambda: address_in_replica(settings.replica_url, policy)
    return lambda: SERVER
