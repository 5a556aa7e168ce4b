"""All portals as one web application: each family under its own path, and a page for people at /."""

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from gogobe_dagster import clock as wall_clock
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.replica import control, gov_localities, gov_register
from gogobe_dagster.replica.bina import Bina
from gogobe_dagster.replica.cerberus import Cerberus
from gogobe_dagster.replica.cerberus_ftp import FtpServer
from gogobe_dagster.replica.city_market import CityMarket
from gogobe_dagster.replica.family import FamilyPortal
from gogobe_dagster.replica.faults import Faults
from gogobe_dagster.replica.hazi_hinam import HaziHinam
from gogobe_dagster.replica.laib import Laib
from gogobe_dagster.replica.mishnat_yosef import MishnatYosef
from gogobe_dagster.replica.netiv_hahesed import NetivHaHesed
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.publish_price import PublishPrice
from gogobe_dagster.replica.serving import FaultResponse
from gogobe_dagster.replica.shufersal import Shufersal
from gogobe_dagster.replica.state import ReplicaState
from gogobe_dagster.replica.super_pharm import SuperPharm
from gogobe_dagster.replica.wolt import Wolt

FAMILIES: tuple[type[FamilyPortal], ...] = (
    Cerberus,
    Shufersal,
    Bina,
    PublishPrice,
    SuperPharm,
    Laib,
    Wolt,
    MishnatYosef,
    HaziHinam,
    CityMarket,
    NetivHaHesed,
)
"""The portal of each family."""
HALF_AN_HOUR = 1800.0


def build_app(
    publications_by_feed: Mapping[str, Publications],
    *,
    faults: Faults | None = None,
    clock: Callable[[], datetime] = wall_clock.now,
    session_seconds: float = HALF_AN_HOUR,
    link_seconds: float = HALF_AN_HOUR,
) -> Starlette:
    """Return the portals of these feeds, by feed key."""
    state = ReplicaState(
        feeds={feed.key: feed for feed in FEEDS},
        publications_by_feed=publications_by_feed,
        faults=faults or Faults(publications_by_feed),
        clock=clock,
        session_seconds=session_seconds,
        link_seconds=link_seconds,
    )
    ftp = FtpServer(state)
    routes = [route for family in FAMILIES for route in family.mounts(state)]
    app = Starlette(
        routes=[
            *control.routes(state, ftp),
            *gov_register.routes(state),
            *gov_localities.routes(state),
            *routes,
        ],
        exception_handlers={FaultResponse: _answered},
    )
    app.state.ftp = ftp
    return app


async def _answered(_request: Request, answered: Exception) -> Response:
    assert isinstance(answered, FaultResponse)  # noqa: S101 - registered for this type only
    return answered.response
