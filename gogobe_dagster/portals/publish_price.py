"""PublishPrice (Carrefour): one page per day, files as JSON in a script (docs/portals.md, PublishPrice).

Shortly after midnight the page of today is nearly empty while yesterday's files are still there, so a listing
joins the two days.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from gogobe_dagster.clock import day_of
from gogobe_dagster.errors import PortalError
from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.http_errors import HttpResponse
from gogobe_dagster.portals.listing_fields import (
    NO_JSON,
    SAMPLE_LENGTH,
    parse_israel_time,
    parse_name,
    schema_changed,
    size_field,
    text_field,
)
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.response_detection import parse_html

PATH = re.compile(r"""\b(?:const|let|var)\s+path\s*=\s*["']([0-9]{8})["']""")
FILES = re.compile(r"\b(?:const|let|var)\s+files\s*=\s*")
BRANCHES = re.compile(r"\b(?:const|let|var)\s+branches\s*=\s*")
TIME_FORMAT = "%H:%M %d-%m-%Y"
FOLDER_FORMAT = "%Y%m%d"
# Two collectors of 2026 use the first, one the second; the portal ignores a parameter it does not know.
DAY_QUERIES = ({"date": "{}"}, {"p": "./{}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPage:
    """The page of one day."""

    day: date
    """As the page says."""
    files: list[RemoteFile]


class PublishPrice(Connector):
    """One chain's portal."""

    offers_past_days = True

    def _list_current(self) -> list[RemoteFile]:
        """List yesterday and today by the portal's own calendar."""
        today = self._read_page({})
        return [*self._list_day(today.day - timedelta(days=1)), *today.files]

    def _list_day(self, day: date) -> list[RemoteFile]:
        """Request a day, and accept only a page that says it is of that day."""
        folder = f"{day:{FOLDER_FORMAT}}"
        for query in DAY_QUERIES:
            page = self._read_page({name: form.format(folder) for name, form in query.items()})
            if page.day == day:
                return page.files
        raise schema_changed(self._url, f"requested {day}, the portal shows another day", page.day)

    def _read_page(self, query: dict[str, str]) -> DayPage:
        return _parse_page(self._client.request(f"{self._url}/", query=query))


def _parse_page(response: HttpResponse) -> DayPage:
    folder, script = _find_script(response)
    rows, labels = _parse_constant(FILES, script, response.url), _store_labels(script, response.url)
    return DayPage(
        day=day_of(parse_israel_time(folder, FOLDER_FORMAT, response.url)),
        files=[_parse_row(row, folder, labels, response.url) for row in rows],
    )


def _find_script(response: HttpResponse) -> tuple[str, str]:
    """Return the folder and the script that names its files; which script it is has changed before."""
    tree = parse_html(response.body)
    for script in [] if tree is None else tree.iter("script"):
        text = script.text or ""
        path = PATH.search(text)
        if path and FILES.search(text):
            return path[1], text
    sample = response.body[:SAMPLE_LENGTH]
    raise schema_changed(response.url, "no script that names its files", sample)


def _parse_constant(name: re.Pattern[str], script: str, url: str) -> list[Any]:
    """Parse the JSON list after a constant's name; what follows it is not read."""
    start = name.search(script)
    try:
        value = json.JSONDecoder().raw_decode(script, start.end())[0] if start else None
    except NO_JSON as error:
        raise schema_changed(url, f"a constant that is no JSON ({error})") from None
    if not isinstance(value, list):
        raise schema_changed(url, "a constant that is no list", value)
    return value


def _store_labels(script: str, url: str) -> dict[int, str]:
    """Return the names of stores by number; they are only informative, so they may be missing."""
    try:
        rows = _parse_constant(BRANCHES, script, url)
    except PortalError:
        return {}
    return {
        int(number): str(row.get("name") or "")
        for row in rows
        if isinstance(row, dict) and (number := str(row.get("number"))).isdecimal()
    }


def _parse_row(row: Any, folder: str, labels: dict[int, str], url: str) -> RemoteFile:
    name = text_field(row, "name", url)
    parsed = parse_name(name)
    return RemoteFile(
        name=name,
        link=f"/{folder}/{quote(name)}",
        size=size_field(row, "size", url),
        modified_at=parse_israel_time(text_field(row, "modified", url), TIME_FORMAT, url),
        label=labels.get(parsed.store_id or 0, "") if parsed else "",
    )
