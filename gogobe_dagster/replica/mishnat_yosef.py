"""Mishnat Yosef's list: a JSON array of direct links (docs/portals.md, Mishnat Yosef).

The files are on another host there, and below /files here.
"""

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import Family
from gogobe_dagster.replica.family import FeedPortal
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import TYPES, apply_listing_faults, portal_url, send_file


class MishnatYosef(FeedPortal):
    """The endpoints."""

    family = Family.MISHNAT_YOSEF

    def routes(self) -> list[BaseRoute]:
        """Return the paths of the list, and of the host of the files."""
        return [Route("/", self.list_files), Route("/files/{name}", self.download)]

    async def list_files(self, request: Request) -> Response:
        """List everything."""
        await apply_listing_faults(self._state, request, self._feed)
        if self._state.faults.take("json_error_200", self._feed.key):
            return JSONResponse({"error": "internal error"})
        return JSONResponse([_row(request, publication) for publication in self._state.listed(self._feed)])

    async def download(self, request: Request) -> Response:
        """Send a file."""
        return await send_file(self._state, request, self._feed, request.path_params["name"])


def _row(request: Request, publication: Publication) -> dict[str, Any]:
    return {
        "name": publication.name,
        "type": TYPES[publication.kind],
        "date": str(day_of(publication.published_at)),
        "url": portal_url(request, f"/files/{quote(publication.name)}"),
    }
