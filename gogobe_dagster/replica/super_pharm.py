"""Super-Pharm's portal: an HTML grid of 20 rows per page, and sessions (docs/portals.md, Super-Pharm)."""

import math
import secrets
from datetime import datetime
from html import escape
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.family import FeedPortal
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import apply_listing_faults, portal_path, send_file
from gogobe_dagster.replica.state import ReplicaState, newest_first

COOKIE = "ASP.NET_SessionId"
PAGE_ROWS = 20
BUCKET = "sp_transparency_output_prod_v2"
CATEGORIES = {
    FileKind.PRICES: "Price",
    FileKind.FULL_PRICES: "PriceFull",
    FileKind.PROMOTIONS: "Promo",
    FileKind.FULL_PROMOTIONS: "PromoFull",
    FileKind.STORES: "Stores",
    None: "",
}
NO_ROWS = '<tr class="mvc-grid-empty-row"><td colspan="6"></td></tr>'


class SuperPharm(FeedPortal):
    """The endpoints, over one dictionary of sessions."""

    family = Family.SUPER_PHARM

    def __init__(self, state: ReplicaState, feed: Feed) -> None:
        super().__init__(state, feed)
        self._seen_at: dict[str, datetime] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the portal's paths."""
        return [
            Route("/", self.grid),
            Route("/Download/{name}", self.download),
            Route("/File/{name}", self.file),
        ]

    async def grid(self, request: Request) -> Response:
        """Show one page of the grid; a page beyond the last shows the last again."""
        await apply_listing_faults(self._state, request, self._feed)
        query = request.query_params
        page = int(number) if (number := query.get("page", "1")).isdecimal() else 1
        rows = self._rows(dict(query), page)
        pages = max(1, math.ceil(len(rows) / PAGE_ROWS))
        shown = min(max(1, page), pages)
        first = (shown - 1) * PAGE_ROWS
        body = "".join(self._row(*row) for row in enumerate(rows[first : first + PAGE_ROWS], first + 1))
        response = HTMLResponse(_grid(len(rows), body or NO_ROWS, pages))
        if not self._is_known(request):
            session = secrets.token_hex(12)
            self._seen_at[session] = self._state.clock()
            response.set_cookie(COOKIE, session, path=portal_path(request, "/"), httponly=True)
        return response

    async def download(self, request: Request) -> Response:
        """Send a file, or as until 2026 its address, to a live session."""
        name = request.path_params["name"]
        if self._state.faults.take("session_expires", self._feed.key, name):
            self._seen_at.pop(request.cookies.get(COOKIE, ""), None)
        if not self._is_known(request):
            return PlainTextResponse("link expired")
        if self._state.faults.take("two_step_download", self._feed.key, name):
            return JSONResponse({"href": f"/File/{quote(name)}"})
        return await send_file(self._state, request, self._feed, name)

    async def file(self, request: Request) -> Response:
        """Send a file from the address that `download` gave, within the same session."""
        if not self._is_known(request):
            return PlainTextResponse("link expired")
        return await send_file(self._state, request, self._feed, request.path_params["name"])

    def _rows(self, query: dict[str, str], page: int) -> list[Publication]:
        wanted = {
            _category: query.get("Category-equals", ""),
            _day: query.get("Date-equals", ""),
            _branch: query.get("BranchName-equals", ""),
        }
        rows = [
            publication
            for publication in newest_first(self._state.listed(self._feed))
            if all(not text or column(publication) == text for column, text in wanted.items())
        ]
        return rows[1:] if self._state.hides_newest(self._feed, len(rows), page, PAGE_ROWS) else rows

    def _row(self, number: int, publication: Publication) -> str:
        link = f"/Download/{quote(publication.name)}?bucketName={BUCKET}"
        written = publication.published_at.astimezone(ISRAEL).strftime("%d/%m/%Y %H:%M:%S")
        texts = (str(number), publication.name, written, _category(publication), publication.store_label)
        cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
        return f'<tr>{cells}<td><a href="{escape(link)}">הורדה</a></td></tr>\n'

    def _is_known(self, request: Request) -> bool:
        session = request.cookies.get(COOKIE, "")
        seen_at, now = self._seen_at.get(session), self._state.clock()
        if seen_at is None or (now - seen_at).total_seconds() > self._state.session_seconds:
            return False
        self._seen_at[session] = now
        return True


def _category(publication: Publication) -> str:
    return CATEGORIES[publication.kind]


def _day(publication: Publication) -> str:
    return publication.published_at.astimezone(ISRAEL).strftime("%d/%m/%Y")


def _branch(publication: Publication) -> str:
    return publication.store_label


def _grid(total: int, rows: str, pages: int) -> str:
    buttons = "".join(
        f'<button data-page="{number}">{number}</button>' for number in sorted({1, min(2, pages), pages})
    )
    return (
        f'<!DOCTYPE html>\n<html><body><div class="mvc-grid" data-total-rows="{total}"><table><tbody>\n{rows}'
        f'</tbody></table>\n<div class="mvc-grid-pager">{buttons}</div></div></body></html>\n'
    )
