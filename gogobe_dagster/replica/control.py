"""A page that shows what is published, and an API for faults and the clock.

GET / shows the page. GET, POST and DELETE /control/faults list faults, switch them on and off. GET
/control/ftp gives address and authority of the FTP server, so connectors need only the URL of the replica.
GET /control/clock gives the time at the portals, POST changes it: JSON with `now` (2026-11-20T23:50),
`forward` (seconds), `speed` (simulated seconds per real second); all optional.
"""

from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from html import escape
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.replica.cerberus_ftp import FtpServer
from gogobe_dagster.replica.faults import FAULTS
from gogobe_dagster.replica.serving import form_fields
from gogobe_dagster.replica.simulated_clock import SimulatedClock, parse_time
from gogobe_dagster.replica.state import ReplicaState

STYLE = "body{font:16px sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:start}"


def routes(state: ReplicaState, ftp: FtpServer) -> list[BaseRoute]:
    """Return the paths outside the portals."""
    control = Control(state, ftp)
    return [
        Route("/", control.page),
        Route("/control/faults", control.show),
        Route("/control/faults", control.switch_on, methods=["POST"]),
        Route("/control/faults", control.switch_off, methods=["DELETE"]),
        Route("/control/ftp", control.ftp),
        Route("/control/clock", control.show_clock),
        Route("/control/clock", control.move_clock, methods=["POST"]),
    ]


class Control:
    """The endpoints."""

    def __init__(self, state: ReplicaState, ftp: FtpServer) -> None:
        self._state = state
        self._ftp = ftp

    async def page(self, _request: Request) -> Response:
        """Show the feeds, what they publish, and the faults."""
        feeds = "".join(self._feed_row(self._state.feeds[key]) for key in self._state.publications_by_feed)
        faults = "".join(f"<li>{escape(str(asdict(fault)))}</li>" for fault in self._state.faults.active())
        options = "".join(
            f"<option title='{escape(kind.meaning)}'>{name}</option>" for name, kind in FAULTS.items()
        )
        return HTMLResponse(
            f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Replica</title>"
            f"<style>{STYLE}</style></head><body><h1>Replica of the price portals</h1>"
            f"<table><tr><th>Feed</th><th>Path</th><th>Account</th><th>Files</th><th>Newest</th></tr>{feeds}</table>"
            f"<h2>Faults that are on</h2><ul>{faults or '<li>none</li>'}</ul>"
            f"<form method='post' action='/control/faults'><select name='name'>{options}</select>"
            "<input name='feed' placeholder='feed (all)'><input name='names' placeholder='file names (*)'>"
            "<input name='times' placeholder='times (always)' type='number' min='1'>"
            "<button>Switch on</button></form></body></html>"
        )

    async def ftp(self, _request: Request) -> Response:
        """Return the address of the FTP server; the first call starts it."""
        return JSONResponse(asdict(await run_in_threadpool(self._ftp.endpoint)))

    async def show_clock(self, _request: Request) -> Response:
        """Return the time at the portals."""
        return JSONResponse(self._time())

    async def move_clock(self, request: Request) -> Response:
        """Move the clock; what is due then is published before the response."""
        clock = self._state.clock
        if not isinstance(clock, SimulatedClock):
            return JSONResponse({"error": "the clock of this replica cannot be moved"}, 409)
        try:
            move = _move(dict(await request.json()))
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        await run_in_threadpool(lambda: clock.move(**move))
        return JSONResponse(self._time())

    def _time(self) -> dict[str, Any]:
        clock = self._state.clock
        speed = clock.speed if isinstance(clock, SimulatedClock) else None
        return {"now": clock().astimezone(ISRAEL).isoformat(timespec="seconds"), "speed": speed}

    async def show(self, _request: Request) -> Response:
        """List the faults that are on, and those that exist."""
        existing = {name: kind.meaning for name, kind in FAULTS.items()}
        return JSONResponse({"on": self._on(), "faults": existing})

    async def switch_on(self, request: Request) -> Response:
        """Switch on one fault, given as JSON or as the page's form."""
        is_form = "json" not in request.headers.get("content-type", "")
        try:
            fields = await form_fields(request) if is_form else dict(await request.json())
            self._state.faults.switch_on(**_arguments(fields))
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return RedirectResponse("/", 303) if is_form else JSONResponse({"on": self._on()}, 201)

    async def switch_off(self, request: Request) -> Response:
        """Switch off by ?name= and ?feed=; without them, all."""
        fields = request.query_params
        self._state.faults.switch_off(fields.get("name"), feed=fields.get("feed"))
        return JSONResponse({"on": self._on()})

    def _on(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._state.faults.active()]

    def _feed_row(self, feed: Feed) -> str:
        publications = self._state.publications_by_feed[feed.key].all()
        kinds = Counter(
            str(publication.kind.value if publication.kind else "other") for publication in publications
        )
        newest = max((publication.published_at for publication in publications), default=None)
        cells = (
            feed.key,
            _path(feed),
            f"{feed.account} {feed.password}".strip(),
            ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing",
            newest.astimezone(ISRAEL).strftime("%Y-%m-%d %H:%M:%S") if newest else "",
        )
        return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _path(feed: Feed) -> str:
    return {
        Family.CERBERUS: "/cerberus/login",
        Family.SHUFERSAL: "/shufersal/FileObject/UpdateCategory?catID=0&storeId=0&page=1",
        Family.PUBLISH_PRICE: "/publish_price/",
        Family.SUPER_PHARM: "/super_pharm/",
        Family.BINA: f"/bina/{feed.account}/MainIO_Hok.aspx",
        Family.WOLT: "/wolt/isr-prices/public/v1/index.html",
        Family.MISHNAT_YOSEF: "/mishnat_yosef/",
        Family.HAZI_HINAM: "/hazi_hinam/Prices?p=1&s=&f=null&t=null&d=",
        Family.CITY_MARKET: "/city_market/",
        Family.NETIV_HAHESED: "/netiv_hahesed/",
        Family.LAIB: f"/laib/webapi/api/getfiles?edi={feed.chain_id}",
    }[feed.family]


def _move(fields: dict[str, Any]) -> dict[str, Any]:
    """Return how to move the clock. Raises ValueError or TypeError for what cannot be understood."""
    if unknown := fields.keys() - {"now", "forward", "speed"}:
        raise ValueError(f"no {', '.join(sorted(unknown))}; there are: now, forward, speed")
    move: dict[str, Any] = {}
    if "now" in fields:
        move["now"] = parse_time(fields["now"])
    if "forward" in fields:
        move["forward"] = timedelta(seconds=float(fields["forward"]))
    if "speed" in fields:
        move["speed"] = float(fields["speed"])
    return move


def _arguments(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what was filled in, with numbers as numbers. Raises ValueError for a number that is none."""
    filled = {name: value for name, value in fields.items() if value not in {"", None}}
    casts = {"times": int, "seconds": float}
    return {name: casts[name](value) if name in casts else value for name, value in filled.items()}
