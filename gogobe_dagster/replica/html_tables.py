"""HTML tables of 50 rows per page with a pager, newest first, as two portals have them.

Which files are listed and what a row holds is in the family modules.
"""

import math
from collections.abc import Callable, Iterable
from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.state import ReplicaState, newest_first
from gogobe_dagster.sizes import KILOBYTE

PAGE_ROWS = 50


class HtmlTable:
    """The pages of one feed's table."""

    def __init__(self, state: ReplicaState, feed: Feed) -> None:
        self._state = state
        self._feed = feed

    def of_day(self, day: str) -> list[Publication]:
        """Return what is listed for a day, written as 2026-08-11; without one, everything."""
        listed = self._state.listed(self._feed)
        if not day or self._state.faults.take("day_ignored", self._feed.key):
            return listed
        return [publication for publication in listed if str(day_of(publication.published_at)) == day]

    def page(
        self, request: Request, items: Iterable[Publication], row_of: Callable[[Publication], Iterable[str]]
    ) -> HTMLResponse:
        """Show the page that `p` asks for; beyond the last one there is a table without rows."""
        query = dict(request.query_params)
        number = int(text) if (text := query.get("p", "1")).isdecimal() else 1
        items = newest_first(items)
        items = items[1:] if self._state.hides_newest(self._feed, len(items), number, PAGE_ROWS) else items
        pages = max(1, math.ceil(len(items) / PAGE_ROWS))
        shown = items[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
        if number > 1 and self._state.faults.take("empty_page", self._feed.key):
            shown = []
        rows = "".join(_row(row_of(publication)) for publication in shown)
        return HTMLResponse(
            f"<!DOCTYPE html>\n<html><body><table><tbody>\n{rows}</tbody></table>\n"
            f"<ul>{_pager(request.url.path, query, pages)}</ul></body></html>\n"
        )


def kilobytes(size: int) -> str:
    """Write a size in KB with one decimal and separators of thousands: `215.4`, `1,234.5`."""
    return f"{size / KILOBYTE:,.1f}"


def link_to(url: str) -> str:
    """Return the cell that downloads."""
    return f'<a href="{escape(url)}">הורדה</a>'


def _row(cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def _pager(path: str, query: dict[str, str], pages: int) -> str:
    def link(number: int, text: str) -> str:
        address = f"{path}?{urlencode({**query, 'p': number})}"
        return f'<li class="pagination-item"><a href="{escape(address)}">{text}</a></li>'

    return link(1, "1") + (link(pages, "»") if pages > 1 else "")
