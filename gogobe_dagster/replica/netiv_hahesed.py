"""Netiv HaHesed's portal: one page of links per day, closed to programs (docs/portals.md, Netiv HaHesed)."""

import re
from html import escape
from pathlib import PurePath
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.registry import Family
from gogobe_dagster.replica.family import FeedPortal
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import (
    CHALLENGE,
    FaultResponse,
    apply_block,
    apply_listing_faults,
    send_file,
)
from gogobe_dagster.replica.state import newest_first

PROGRAM = re.compile(r"python|curl|wget|java|go-http", re.IGNORECASE)
FIELDS = ("StoreNumber", "FileType", "BranchTypeNumber", "Search")


class NetivHaHesed(FeedPortal):
    """The endpoints."""

    family = Family.NETIV_HAHESED

    def routes(self) -> list[BaseRoute]:
        """Return the portal's paths."""
        return [Route("/", self.list_files), Route("/Prices/Download", self.download)]

    async def list_files(self, request: Request) -> Response:
        """Show the links of a day (today by default), and of one store if requested."""
        _refuse_programs(request)
        apply_block(self._state, self._feed)
        await apply_listing_faults(self._state, request, self._feed)
        query = request.query_params
        day = query.get("Date") or str(day_of(self._state.clock()))
        store = query.get("StoreNumber", "")
        shown = [
            publication
            for publication in self._of_day(day)
            if not store or store == str(publication.store_id)
        ]
        return HTMLResponse(_page(day, "".join(map(_row, newest_first(shown)))))

    async def download(self, request: Request) -> Response:
        """Send a file."""
        _refuse_programs(request)
        name = request.query_params.get("fileName", "")
        return await send_file(self._state, request, self._feed, name)

    def _of_day(self, day: str) -> list[Publication]:
        listed, key, today = self._state.listed(self._feed), self._feed.key, day_of(self._state.clock())
        if self._state.faults.take("day_ignored", key):
            day = str(today)
        items = [publication for publication in listed if str(day_of(publication.published_at)) == day]
        if day == str(today) and self._state.faults.take("only_deltas", key):
            return [publication for publication in items if publication.kind and not publication.kind.is_full]
        return items


def _refuse_programs(request: Request) -> None:
    if PROGRAM.search(request.headers.get("User-Agent", "")):
        raise FaultResponse(HTMLResponse(CHALLENGE, 403))


def _page(day: str, rows: str) -> str:
    fields = "".join(f'<input name="{name}" value="">' for name in FIELDS)
    return (
        f'<!DOCTYPE html>\n<html><body><form><input type="date" name="Date" value="{escape(day)}">{fields}'
        f"</form>\n<table>\n{rows}</table></body></html>\n"
    )


def _row(publication: Publication) -> str:
    link = f"/Prices/Download?fileName={quote(publication.name, safe='')}"
    written = publication.published_at.astimezone(ISRAEL)
    return (
        f"<tr><td>{escape(PurePath(publication.name).stem)}</td><td>{written:%d/%m/%Y %H:%M}</td>\n"
        f'<td><a href="{escape(link)}">הורדה</a></td></tr>\n'
    )
