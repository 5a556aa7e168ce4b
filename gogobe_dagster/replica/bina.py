"""A Bina portal: a JSON list of at most 1,000 rows in no order (docs/portals.md, Bina).

Each account has a host of its own there, and a path of its own here.
"""

from datetime import date, datetime
from itertools import cycle, islice
from random import Random
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.family import FeedPortal
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import (
    HEBREW_TYPES,
    apply_faults,
    apply_listing_faults,
    form_fields,
    portal_url,
    send_file,
)

CAP = 1000
TYPES = {
    "1": FileKind.STORES,
    "2": FileKind.PRICES,
    "3": FileKind.PROMOTIONS,
    "4": FileKind.FULL_PRICES,
    "5": FileKind.FULL_PROMOTIONS,
}


class Bina(FeedPortal):
    """The endpoints of one account."""

    family = Family.BINA

    @classmethod
    def path(cls, feed: Feed) -> str:
        """Return the path of an account."""
        return f"/{cls.family}/{feed.account}"

    def routes(self) -> list[BaseRoute]:
        """Return the portal's paths."""
        return [
            Route("/Main.aspx", self.page),
            Route("/MainIO_Hok.aspx", self.list_files, methods=["GET", "POST"]),
            Route("/Select_Store.aspx", self.list_stores, methods=["GET", "POST"]),
            Route("/Download.aspx", self.where, methods=["GET", "POST"]),
            Route("/Download/{name}", self.download),
        ]

    async def page(self, request: Request) -> Response:
        """Show people where the list would be; programs use the JSON."""
        await apply_faults(self._state, request, self._feed)
        return HTMLResponse(
            "<!DOCTYPE html><html><body><select id='wFileType'></select><table id='myTable'></table>"
        )

    async def list_files(self, request: Request) -> Response:
        """List by type, day and store, at most 1,000 rows, shuffled."""
        await apply_listing_faults(self._state, request, self._feed)
        if self._state.faults.take("json_error_200", self._feed.key):
            return JSONResponse({"Message": "An error has occurred."})
        query = await _parameters(request)
        rows = [_row(self._feed, publication) for publication in self._matching(query)]
        Random(str(sorted(query.items()))).shuffle(rows)  # noqa: S311 - the portal's order is unreliable
        if not _store(query) and rows and self._state.faults.take("cap_1000", self._feed.key):
            rows = list(islice(cycle(rows[: (len(rows) + 1) // 2]), CAP))
        return JSONResponse(rows[:CAP])

    async def list_stores(self, request: Request) -> Response:
        """List the stores that have files, as the page's store select gets them."""
        await apply_faults(self._state, request, self._feed)
        publications = self._state.publications_by_feed[self._feed.key].all()
        labels = {
            publication.store_id: publication.store_label
            for publication in publications
            if publication.store_id
        }
        stores = [
            {"Kod": number, "Nm": label.removeprefix(f"{number} ")}
            for number, label in sorted(labels.items())
        ]
        return JSONResponse(stores)

    async def where(self, request: Request) -> Response:
        """Return the address of a file."""
        query = await _parameters(request)
        name = query.get("filenm", "")
        await apply_faults(self._state, request, self._feed, name)
        return JSONResponse([{"SPath": portal_url(request, f"/Download/{name}")}])

    async def download(self, request: Request) -> Response:
        """Send a file; names are case-sensitive."""
        return await send_file(self._state, request, self._feed, request.path_params["name"])

    def _matching(self, query: dict[str, str]) -> list[Publication]:
        kind = TYPES.get(query.get("wfiletype", ""))
        day = _day(query.get("wdate", ""))
        store = _store(query)
        return [
            publication
            for publication in self._state.listed(self._feed)
            if kind is None or publication.kind is kind
            if day is None or day_of(publication.published_at) == day
            if store is None or publication.store_id == store
        ]


async def _parameters(request: Request) -> dict[str, str]:
    """Return query and form together; ASP.NET ignores the case of names."""
    fields = await form_fields(request) if request.method == "POST" else {}
    return {name.lower(): value for name, value in {**dict(request.query_params), **fields}.items()}


def _day(text: str) -> date | None:
    return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=ISRAEL).date() if text else None


def _store(query: dict[str, str]) -> int | None:
    text = query.get("wstore", "")
    return int(text) or None if text.isdigit() else None


def _row(feed: Feed, publication: Publication) -> dict[str, Any]:
    return {
        "FileNm": publication.name,
        "Company": feed.hebrew_name,
        "Store": publication.store_label,
        "TypeFile": HEBREW_TYPES[publication.kind],
        "DateFile": publication.published_at.astimezone(ISRAEL).strftime("%H:%M %d/%m/%Y"),
    }
