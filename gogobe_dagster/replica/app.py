"""All portals as one web application: each family under its own path, and a page for people at /."""

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from gogobe_dagster import clock as wall_clock
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.replica import (
    bina,
    cerberus,
    city_market,
    control,
    gov_register,
    hazi_hinam,
    laib,
    mishnat_yosef,
    netiv_hahesed,
    publish_price,
    shufersal,
    super_pharm,
    wolt,
)
from gogobe_dagster.replica.cerberus_ftp import FtpServer
from gogobe_dagster.replica.faults import Faults
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.serving import FaultResponse
from gogobe_dagster.replica.state import ReplicaState

FAMILIES = (
    cerberus,
    shufersal,
    bina,
    publish_price,
    super_pharm,
    laib,
    wolt,
    mishnat_yosef,
    hazi_hinam,
    city_market,
    netiv_hahesed,
)
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
    routes = [route for family in FAMILIES for route in family.routes(state)]
    app = Starlette(
        routes=[*control.routes(state, ftp), *gov_register.routes(state), *routes],
        exception_handlers={FaultResponse: _answered},
    )
    app.state.ftp = ftp
    return app


async def _answered(_request: Request, answered: Exception) -> Response:
    assert isinstance(answered, FaultResponse)  # noqa: S101 - registered for this type only
    return answered.response
