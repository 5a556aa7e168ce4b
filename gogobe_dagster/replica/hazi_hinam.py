"""Hazi Hinam's portal: an HTML table of 50 rows per page (docs/portals.md, Hazi Hinam).

The blob store of the files is another host there, and the path /regulatories here.
"""

from collections.abc import Iterable
from html import escape
from pathlib import PurePath
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.family import FeedPortal
from gogobe_dagster.replica.html_tables import HtmlTable, kilobytes, link_to
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import (
    HEBREW_TYPES,
    apply_block,
    apply_listing_faults,
    portal_url,
    send_file,
)
from gogobe_dagster.replica.state import ReplicaState

DOCUMENTS = {
    "1": Document.PRICES,
    "2": Document.PROMOTIONS,
    "3": Document.STORES,
    "Stores": Document.STORES,
}
"""The values of `t`; full files and deltas have the same value."""


class HaziHinam(FeedPortal):
    """The endpoints."""

    family = Family.HAZI_HINAM

    def __init__(self, state: ReplicaState, feed: Feed) -> None:
        super().__init__(state, feed)
        self._tables = HtmlTable(state, feed)

    def routes(self) -> list[BaseRoute]:
        """Return the paths of the portal, and of the blob store."""
        return [Route("/Prices", self.list_files), Route("/regulatories/{name}", self.download)]

    async def list_files(self, request: Request) -> Response:
        """Show a page of the table, of a day and of a kind where they are asked for."""
        apply_block(self._state, self._feed)
        await apply_listing_faults(self._state, request, self._feed)
        items = self._tables.of_day(request.query_params.get("d", ""))
        document = DOCUMENTS.get(request.query_params.get("t", ""))
        wanted = [
            publication
            for publication in items
            if document in {None, publication.kind and publication.kind.document}
        ]
        return self._tables.page(request, wanted, lambda publication: _cells(request, publication))

    async def download(self, request: Request) -> Response:
        """Send a file; the links are not signed."""
        return await send_file(self._state, request, self._feed, request.path_params["name"])


def _cells(request: Request, publication: Publication) -> Iterable[str]:
    written = publication.published_at.astimezone(ISRAEL)
    return (
        f"<span>{written:%d-%m-%Y}</span> <span>{written:%H:%M}</span>",
        escape(publication.store_label),
        escape(PurePath(publication.name).stem.removesuffix(".xml")),
        HEBREW_TYPES[publication.kind],
        kilobytes(publication.size),
        link_to(portal_url(request, f"/regulatories/{quote(publication.name)}")),
    )
