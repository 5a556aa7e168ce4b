"""Shufersal's portal: an HTML grid of 20 rows per page and signed links (docs/portals.md, Shufersal).

The blob host of the signed links is the path /blob here.
"""

import base64
import hashlib
import hmac
import math
import secrets
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import PurePath
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.family import FeedPortal
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import apply_listing_faults, portal_path, portal_url, send_file
from gogobe_dagster.replica.state import ReplicaState, newest_first
from gogobe_dagster.sizes import KILOBYTE, MEGABYTE

PAGE_ROWS = 20
PAGER_LINKS = 5
LISTING = "/FileObject/UpdateCategory"
ALL = 0
CATEGORIES = {
    1: FileKind.PRICES,
    2: FileKind.FULL_PRICES,
    3: FileKind.PROMOTIONS,
    4: FileKind.FULL_PROMOTIONS,
    5: FileKind.STORES,
}
CONTAINERS = dict(
    zip(CATEGORIES.values(), ("price", "pricefull", "promo", "promofull", "stores"), strict=True)
)
HEADINGS = ("להורדה", "זמן עידכון", "גודל", "סוג קובץ", "קטגוריה", "סניף", "שם", "#")


class Shufersal(FeedPortal):
    """The endpoints, over one secret that signs the links."""

    family = Family.SHUFERSAL

    def __init__(self, state: ReplicaState, feed: Feed) -> None:
        super().__init__(state, feed)
        self._secret = secrets.token_bytes(32)

    def routes(self) -> list[BaseRoute]:
        """Return the portal's paths, and the blob host's."""
        return [
            Route("/", self.grid),
            Route(LISTING, self.grid),
            Route("/blob/{container}/{name}", self.download),
        ]

    async def grid(self, request: Request) -> Response:
        """Show one page of the grid; a page beyond the last shows the last again."""
        await apply_listing_faults(self._state, request, self._feed)
        try:
            category, store, page = (
                int(request.query_params.get(name) or default)
                for name, default in (("catID", ALL), ("storeId", ALL), ("page", 1))
            )
        except ValueError:  # a comma list of categories: refused since January 2026
            return HTMLResponse("<html><body><h1>Runtime Error</h1></body></html>", 500)
        rows = self._rows(category, store, page)
        pages = max(1, math.ceil(len(rows) / PAGE_ROWS))
        shown = min(max(1, page), pages)
        first = (shown - 1) * PAGE_ROWS
        body = "".join(
            self._row(request, *row) for row in enumerate(rows[first : first + PAGE_ROWS], first + 1)
        )
        query = f"catID={category}&storeId={store}"
        return HTMLResponse(_grid(body, _pager(portal_path(request, LISTING), query, shown, pages)))

    async def download(self, request: Request) -> Response:
        """Serve a blob to a link whose signature is right and not expired."""
        container, name = request.path_params["container"], request.path_params["name"]
        if self._state.faults.take("expired_sas", self._feed.key, name):
            return _refused("Signature not valid in the specified time frame")
        expires = request.query_params.get("se", "")
        if not hmac.compare_digest(
            request.query_params.get("sig", ""), self._signature(container, name, expires)
        ):
            return _refused("Signature did not match")
        if datetime.fromisoformat(expires) <= self._state.clock():
            return _refused(f"Signature not valid in the specified time frame: Expiry [{expires}]")
        return await send_file(self._state, request, self._feed, name)

    def _rows(self, category: int, store: int, page: int) -> list[Publication]:
        kind = CATEGORIES.get(category)
        rows = [
            publication
            for publication in newest_first(self._state.listed(self._feed))
            if category == ALL or (publication.kind is not None and publication.kind is kind)
            if store in {ALL, publication.store_id}
        ]
        return rows[1:] if self._state.hides_newest(self._feed, len(rows), page, PAGE_ROWS) else rows

    def _row(self, request: Request, number: int, publication: Publication) -> str:
        kind = CONTAINERS[publication.kind or FileKind.PRICES]
        link = portal_url(request, self._signed(kind, publication.name))
        name = PurePath(publication.name)
        cells = (
            f'<a href="{escape(link)}" target="_blank">לחץ להורדה</a>',
            _us_time(publication.published_at),
            _size(publication.size),
            name.suffix.removeprefix(".").upper(),
            kind,
            escape(publication.store_label),
            escape(name.stem),
            str(number),
        )
        return '<tr class="webgrid-row-style">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"

    def _signed(self, container: str, name: str) -> str:
        until = self._state.clock().astimezone(UTC) + timedelta(seconds=self._state.link_seconds)
        expires = until.strftime("%Y-%m-%dT%H:%M:%SZ")
        signature = quote(self._signature(container, name, expires), safe="")
        query = f"sv=2014-02-14&sr=b&sig={signature}&se={quote(expires, safe='')}&sp=r"
        return f"/blob/{container}/{quote(name)}?{query}"

    def _signature(self, container: str, name: str, expires: str) -> str:
        text = f"{container}/{name}?{expires}".encode()
        return base64.b64encode(hmac.digest(self._secret, text, hashlib.sha256)).decode()


def _grid(rows: str, pager: str) -> str:
    heads = "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
    foot = f'<tfoot><tr><td colspan="8">{pager}</td></tr></tfoot>' if pager else ""
    return (
        f'<div id="gridContainer"><table class="webgrid">\n<thead><tr>{heads}</tr></thead>\n{foot}\n'
        f"<tbody>\n{rows}</tbody></table></div>\n"
    )


def _pager(path: str, query: str, page: int, pages: int) -> str:
    """Return links like ASP.NET's WebGrid: `>>` only when the last page is not among the five."""
    if pages == 1:
        return ""
    last = min(pages, max(PAGER_LINKS, page + PAGER_LINKS // 2))
    first = max(1, last - PAGER_LINKS + 1)

    def link(target: int, text: str) -> str:
        return f'<a href="{escape(f"{path}?{query}&page={target}")}">{escape(text)}</a> '

    before = [(1, "<<")] * (first > 1) + [(page - 1, "<")] * (page > 1)
    after = [(page + 1, ">")] * (page < pages) + [(pages, ">>")] * (last < pages)
    numbers = (f"{n} " if n == page else link(n, str(n)) for n in range(first, last + 1))
    return "".join([*(link(*page) for page in before), *numbers, *(link(*page) for page in after)])


def _us_time(timestamp: datetime) -> str:
    local = timestamp.astimezone(ISRAEL)
    return f"{local.month}/{local.day}/{local.year} {local.strftime('%I:%M:%S %p').lstrip('0')}"


def _size(size: int) -> str:
    return f"{size / KILOBYTE:.2f} KB" if size < MEGABYTE else f"{size / MEGABYTE:.2f} MB"


def _refused(detail: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code>'
        "<Message>Server failed to authenticate the request.</Message>"
        f"<AuthenticationErrorDetail>{escape(detail)}</AuthenticationErrorDetail></Error>"
    )
    return Response(body, 403, media_type="application/xml")
