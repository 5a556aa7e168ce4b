"""Serves the daily reports beside the web UI, at the addresses of `report_url`."""

import re
from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

PAGE = re.compile(r"/reports/(\d{4}-\d\d-\d\d\.html)")
NOT_THERE = "There is no report of this day: materialize the asset daily_report for it.\n"
HEADERS = {
    # what chains publish stands in it: even if it were not escaped, it could not run or load anything
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "Cache-Control": "no-cache",
}


class ReportPages:
    """An ASGI application in front of the web UI."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        """Serve the reports in this folder; everything else is the business of `app`."""
        self._app = app
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer requests for a report, and pass others on."""
        name = PAGE.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if name is None:
            await self._app(scope, receive, send)
        else:
            await self._page(self._folder / name[1])(scope, receive, send)

    @staticmethod
    def _page(path: Path) -> Response:
        if not path.is_file():
            return PlainTextResponse(NOT_THERE, status_code=404)
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=HEADERS)
