"""Laib's portal: a JSON list of today's files per chain, all chains on one host (docs/portals.md, Laib).

The pages for people are nearly empty here, and the directory used before 2026 does not exist.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.registry import Family
from gogobe_dagster.replica.family import FamilyPortal
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import TYPES, apply_faults, apply_listing_faults, format_size, send_file
from gogobe_dagster.replica.state import ReplicaState

OLD_TYPES = {"pricefull": "PriceFull", "promofull": "PromoFull"}


class Laib(FamilyPortal):
    """The endpoints; the portal calls a chain id EDI."""

    family = Family.LAIB

    def __init__(self, state: ReplicaState) -> None:
        super().__init__(state)
        self._feeds = {feed.chain_id: feed for feed in state.feeds_of(Family.LAIB)}

    def routes(self) -> list[BaseRoute]:
        """Return the portal's paths."""
        return [
            Route("/webapi/api/getbranches", self.list_branches),
            Route("/webapi/api/getfiles", self.list_files),
            Route("/webapi/{chain}/{name}", self.download),
            *(Route(f"/{feed.account}/index.html", self.page) for feed in self._feeds.values()),
        ]

    async def page(self, _request: Request) -> Response:
        """Show people where the list would be; a script fills it from the JSON."""
        return HTMLResponse("<!DOCTYPE html><html><body><div id='app'></div></body></html>")

    async def list_branches(self, request: Request) -> Response:
        """List the branches that have files."""
        feed = self._feeds.get(request.query_params.get("edi", ""))
        await apply_faults(self._state, request, feed)
        publications = self._state.publications_by_feed[feed.key].all() if feed else []
        names = {
            publication.store_id: publication.store_label
            for publication in publications
            if publication.store_id
        }
        return JSONResponse([{"number": number, "name": name} for number, name in sorted(names.items())])

    async def list_files(self, request: Request) -> Response:
        """List today's files; a branch number is ignored, because the real filter is unreliable.

        An unknown chain, and the second EDI of a known one, have an empty list.
        """
        feed = self._feeds.get(request.query_params.get("edi", ""))
        if feed is None:
            return JSONResponse([])
        await apply_listing_faults(self._state, request, feed)
        faults = self._state.faults
        if faults.take("json_error_200", feed.key):
            return JSONResponse({"Message": "An error has occurred."})
        today = day_of(self._state.clock())
        rows = [
            _row(publication)
            for publication in self._state.listed(feed)
            if day_of(publication.published_at) == today
        ]
        if faults.take("file_type_case", feed.key):
            rows = [row | {"fileType": OLD_TYPES.get(kind := row["fileType"], kind.title())} for row in rows]
        return JSONResponse(rows * 2 if faults.take("listed_twice", feed.key) else rows)

    async def download(self, request: Request) -> Response:
        """Send a file, also one of a day that the list no longer shows."""
        feed = self._feeds.get(request.path_params["chain"])
        if feed is None:
            return HTMLResponse("<html><body><h1>404</h1></body></html>", 404)
        return await send_file(self._state, request, feed, request.path_params["name"])


def _row(publication: Publication) -> dict[str, Any]:
    return {
        "fileName": publication.name,
        "fileType": TYPES[publication.kind],
        "fileSize": format_size(publication.size),
        "fileDate": publication.published_at.astimezone(ISRAEL).strftime("%Y-%m-%d %H:%M:%S"),
        "branchNumber": publication.store_id or 0,
        "lastModified": "",
    }
