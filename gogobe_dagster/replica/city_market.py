"""City Market Shops' portal: an HTML table of 50 rows per page (docs/portals.md, City Market Shops)."""

from collections.abc import Iterable
from html import escape
from pathlib import PurePath
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.family import FeedPortal
from gogobe_dagster.replica.html_tables import HtmlTable, kilobytes, link_to
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import apply_listing_faults, send_file
from gogobe_dagster.replica.state import ReplicaState

DOCUMENTS = {"1": Document.PRICES, "2": Document.PROMOTIONS, "3": Document.STORES}
HEBREW_DOCUMENTS = {Document.PRICES: "מחירים", Document.PROMOTIONS: "מבצעים", Document.STORES: "סניפים"}


class CityMarket(FeedPortal):
    """The endpoints."""

    family = Family.CITY_MARKET

    def __init__(self, state: ReplicaState, feed: Feed) -> None:
        super().__init__(state, feed)
        self._tables = HtmlTable(state, feed)
        self._names: dict[str, str] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the portal's paths."""
        return [Route("/", self.list_files), Route("/downloadFile/{number}", self.download)]

    async def list_files(self, request: Request) -> Response:
        """Show a page of the table: of a day, a store, a document and fulls or deltas, where asked for."""
        await apply_listing_faults(self._state, request, self._feed)
        query = request.query_params
        items = self._tables.of_day(query.get("d", ""))
        wanted = {_store: query.get("s"), _document: query.get("t"), _scope: query.get("f")}
        shown = [
            publication
            for publication in items
            if all(not text or column(publication) == text for column, text in wanted.items())
        ]
        return self._tables.page(request, shown, self._cells)

    async def download(self, request: Request) -> Response:
        """Send the file of a number; only this response has its whole name."""
        name = self._name(request.path_params["number"])
        answer = await send_file(self._state, request, self._feed, name)
        if not PurePath(name).suffix:
            answer.headers["Content-Disposition"] = f'attachment; filename="{name}.xml.gz"'
        return answer

    def _name(self, number: str) -> str:
        """Return the name of a number, also of one shown before this server started."""
        if number not in self._names:
            published = self._state.publications_by_feed[self._feed.key].all()
            self._names |= {_number(publication): publication.name for publication in published}
        return self._names.get(number, "")

    def _cells(self, publication: Publication) -> Iterable[str]:
        number = _number(publication)
        self._names[number] = publication.name
        return (
            f"{publication.published_at.astimezone(ISRAEL):%d-%m-%Y %H:%M}",
            escape(publication.store_label),
            escape(publication.name),
            HEBREW_DOCUMENTS[publication.kind.document] if publication.kind else "",
            "מלא" if publication.kind and publication.kind.is_full else "",
            kilobytes(publication.size),
            link_to(f"/downloadFile/{number}"),
        )


def _number(publication: Publication) -> str:
    return str(uuid5(NAMESPACE_URL, publication.name))


def _store(publication: Publication) -> str:
    return f"{publication.store_id:03}" if publication.store_id else ""


def _document(publication: Publication) -> str:
    return next(
        (
            code
            for code, entry in DOCUMENTS.items()
            if publication.kind and publication.kind.document is entry
        ),
        "",
    )


def _scope(publication: Publication) -> str:
    return str(int(publication.kind is not None and publication.kind.is_full))
