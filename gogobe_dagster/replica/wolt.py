"""Wolt's portal: an index of days, one page of links per day, downloads below (docs/portals.md, Wolt)."""

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import Family
from gogobe_dagster.replica.family import FeedPortal
from gogobe_dagster.replica.serving import apply_listing_faults, send_file

FOLDER = "/isr-prices/public/v1"


class Wolt(FeedPortal):
    """The endpoints."""

    family = Family.WOLT

    def routes(self) -> list[BaseRoute]:
        """Return the portal's paths."""
        return [
            Route(f"{FOLDER}/index.html", self.list_days),
            Route(f"{FOLDER}/{{day}}.html", self.list_files),
            Route(f"{FOLDER}/download/{{day}}/{{name}}", self.download),
        ]

    async def list_days(self, request: Request) -> Response:
        """List every day that has files, newest first."""
        await apply_listing_faults(self._state, request, self._feed)
        is_turned = self._state.faults.take("oldest_first", self._feed.key)
        days = sorted(self._days(), reverse=not is_turned)
        return _page((f"{day}.html", f"{day}") for day in days)

    async def list_files(self, request: Request) -> Response:
        """List the files of a day; a day without files answers 400."""
        await apply_listing_faults(self._state, request, self._feed)
        files = self._days().get(request.path_params["day"], [])
        if not files or self._state.faults.take("missing_day", self._feed.key):
            return HTMLResponse("Bad Request", 400)
        return _page((f"download/{request.path_params['day']}/{quote(name)}", name) for name in files)

    async def download(self, request: Request) -> Response:
        """Send a file; the day in the path is ignored."""
        return await send_file(self._state, request, self._feed, request.path_params["name"])

    def _days(self) -> dict[str, list[str]]:
        """Return the names of each day's files."""
        days: dict[str, list[str]] = {}
        for publication in self._state.listed(self._feed):
            days.setdefault(str(day_of(publication.published_at)), []).append(publication.name)
        return days


def _page(links: Iterable[tuple[str, str]]) -> Response:
    lines = "".join(f'<li><a href="{escape(link)}">{escape(text)}</a></li>\n' for link, text in links)
    return HTMLResponse(f"<!DOCTYPE html>\n<html><body><ul>\n{lines}</ul></body></html>")
