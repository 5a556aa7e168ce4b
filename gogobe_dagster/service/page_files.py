"""Serves the page for people: three files, and no program of others."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response

FOLDER: Final = Path(__file__).parent / "page"
FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=300",
}


def add_page(app: FastAPI) -> None:
    """Serve the page at /."""
    for address, (name, media_type) in FILES.items():
        app.add_api_route(address, _answer(name, media_type), include_in_schema=False)


def _answer(name: str, media_type: str) -> Callable[[], Awaitable[Response]]:
    content = (FOLDER / name).read_bytes()

    async def answer() -> Response:
        return Response(content, media_type=media_type, headers=HEADERS)

    return answer
