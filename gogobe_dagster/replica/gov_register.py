"""The official register as gov.il's content API gives it, made from our own register.

See docs/portals.md, "Official register". It names the feeds that this replica publishes; a replica with
fewer feeds means that companies have left.
"""

from collections.abc import Iterable
from html import escape
from itertools import groupby

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.replica.serving import apply_faults
from gogobe_dagster.replica.state import ReplicaState

PATH = "/gov_il/pub/cio/govil/rest/contentpage/v1/api/content-pages/{page}"
NAME = "cpfta_prices_regulations"
NO_PASSWORD = "(אין צורך, ניתן להשאיר את השדה ריק)"  # noqa: S105


def routes(state: ReplicaState) -> list[BaseRoute]:
    """Return the API's path."""

    async def content_page(request: Request) -> Response:
        await apply_faults(state, request, None)
        if not request.headers.get("x-client-id"):
            return JSONResponse({"message": "Unauthorized"}, 401)
        if request.path_params["page"] != NAME:
            return JSONResponse({"message": "Not Found"}, 404)
        return JSONResponse(_content([state.feeds[key] for key in state.publications_by_feed]))

    return [Route(PATH, content_page)]


def _content(feeds: Iterable[Feed]) -> dict[str, object]:
    by_company = groupby(sorted(feeds, key=_company), key=_company)
    rows = "".join(_row(name, list(feeds)) for name, feeds in by_company)
    head = "<tr><th>שם הרשת</th><th>קישור לאתר</th><th>מידע נוסף</th></tr>"
    section = f"<p>להלן קישורים</p><table><tbody>{head}{rows}</tbody></table>"
    return {
        "contentHead": {"metaData": {"תאריך עדכון": [{"title": "22.06.2026"}]}},
        "contentMain": {"htmlContents": [{"sectionData": section}]},
    }


def _company(feed: Feed) -> str:
    return feed.legal_name or feed.hebrew_name


def _row(name: str, feeds: list[Feed]) -> str:
    links = "".join(f'<p><a href="{escape(_link(feed))}">לצפייה במחירים</a></p>' for feed in feeds)
    logins = "".join(_login(feed) for feed in feeds if feed.family is Family.CERBERUS)
    return f"<tr><td>{escape(name)}</td><td>{links}</td><td>{logins}</td></tr>"


def _link(feed: Feed) -> str:
    if feed.family is Family.CERBERUS:
        return f"{feed.base_url}/login"
    if feed.family is Family.LAIB:
        return f"{feed.base_url}/{feed.account}/index.html"
    return f"https://{feed.register_host}" if feed.register_host else f"{feed.base_url}/"


def _login(feed: Feed) -> str:
    return f"<p>שם משתמש: {escape(feed.account)}</p><p>סיסמא: {escape(feed.password) or NO_PASSWORD}</p>"
