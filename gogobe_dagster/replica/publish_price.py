"""A PublishPrice portal: one page per day, its files as JSON in a script (docs/portals.md, PublishPrice)."""

import json
import re
from datetime import date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.registry import Family
from gogobe_dagster.replica.family import FeedPortal
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import apply_listing_faults, send_file

STORE_DIGITS = 4


class PublishPrice(FeedPortal):
    """The endpoints of one chain."""

    family = Family.PUBLISH_PRICE

    def routes(self) -> list[BaseRoute]:
        """Return the portal's paths."""
        return [Route("/", self.page), Route("/{folder}/{name}", self.download)]

    async def page(self, request: Request) -> Response:
        """Show one day: today, or the day of a known parameter."""
        await apply_listing_faults(self._state, request, self._feed)
        day = self._asked(request) or day_of(self._state.clock())
        files = [publication for publication in self._state.listed(self._feed) if _day(publication) == day]
        renamed = self._state.faults.take("script_renamed", self._feed.key)
        return HTMLResponse(_page(day, files, "fileList" if renamed else "files"))

    async def download(self, request: Request) -> Response:
        """Send a file from the folder of its day; names are case-sensitive."""
        name = request.path_params["name"]
        found = self._state.publications_by_feed[self._feed.key].get(name)
        in_folder = found is None or f"{_day(found):%Y%m%d}" == request.path_params["folder"]
        return await send_file(self._state, request, self._feed, name if in_folder else "")

    def _asked(self, request: Request) -> date | None:
        query = request.query_params
        by_date, by_path = query.get("date", ""), query.get("p", "").removeprefix("./")
        if self._state.faults.find("date_ignored", self._feed.key) and by_date:
            self._state.faults.take("date_ignored", self._feed.key)
            by_date = ""
        text = by_date or by_path
        if text and self._state.faults.take("day_ignored", self._feed.key):
            return None
        if not re.fullmatch(r"[0-9]{8}", text):
            return None
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=ISRAEL).date()


def _day(publication: Publication) -> date:
    return day_of(publication.published_at)


def _page(day: date, files: list[Publication], constant: str) -> str:
    stores = {publication.store_id: publication.store_label for publication in files if publication.store_id}
    numbered = [{"number": f"{at:0{STORE_DIGITS}}", "name": name} for at, name in sorted(stores.items())]
    return (
        "<!DOCTYPE html>\n<html><head><meta charset='utf-8'><title>שקיפות מחירים</title></head>\n"
        "<body><table id='files'></table>\n"
        f"<script>\n  const path = '{day:%Y%m%d}';\n"
        f"  const {constant} = {_json([_row(publication) for publication in files])};\n"
        f"  const branches = {_json(numbered)};\n</script>\n"
        "<script>\n  document.title += ' ' + path;\n</script>\n</body></html>\n"
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")


def _row(publication: Publication) -> dict[str, Any]:
    modified = publication.published_at.astimezone(ISRAEL).strftime("%H:%M %d-%m-%Y")
    return {"name": publication.name, "size": publication.size, "modified": modified}
