"""PublishPrice (Carrefour): one page per day, files as JSON in a script (docs/portals.md, PublishPrice).

Shortly after midnight the page of today is nearly empty while yesterday's files are still there, so a
listing joins the two days.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from gogobe_dagster.clock import day_of
from gogobe_dagster.errors import PortalError, UnknownFileName
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.names import FileName
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http import Client, Manners
from gogobe_dagster.portals.http_errors import Answer
from gogobe_dagster.portals.listing import (
    LINE_OF_SAMPLE,
    field,
    israel_time,
    named_once,
    schema_changed,
)
from gogobe_dagster.portals.response_detection import tree_of

PATH = re.compile(r"""\b(?:const|let|var)\s+path\s*=\s*["']([0-9]{8})["']""")
FILES = re.compile(r"\b(?:const|let|var)\s+files\s*=\s*")
BRANCHES = re.compile(r"\b(?:const|let|var)\s+branches\s*=\s*")
WRITTEN = "%H:%M %d-%m-%Y"
FOLDER = "%Y%m%d"
# Two collectors of 2026 ask with the first, one with the second; the portal ignores what it does not know.
WAYS_TO_ASK = ({"date": "{}"}, {"p": "./{}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One day's page."""

    day: date
    files: list[RemoteFile]


class PublishPrice:
    """One chain's portal."""

    manners = Manners()
    offers_past_days = True

    def __init__(self, feed: Feed, *, base_url: str, limit: int, manners: Manners | None = None) -> None:
        """Open nothing yet. `limit` is the most bytes of one file."""
        self._feed = feed
        self._url = base_url
        self._limit = limit
        self._client = Client(manners or self.manners)

    @property
    def parallel_downloads(self) -> int:
        """How many files at once."""
        return self._client.manners.parallel

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List one past day, or yesterday and today by the portal's own calendar. See `Portal.list_files`."""
        if day is not None:
            return named_once(self._of_day(day))
        today = self._page({})
        return named_once([*self._of_day(today.day - timedelta(days=1)), *today.files])

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file. See `Portal.fetch`."""
        return self._client.stream(f"{self._url}{file.link}", file=file, limit=self._limit)

    def close(self) -> None:
        """Give back sockets. Idempotent."""
        self._client.close()

    def _of_day(self, day: date) -> list[RemoteFile]:
        """Ask for a day and believe only a page that says it is of that day."""
        for way in WAYS_TO_ASK:
            page = self._page({name: form.format(f"{day:{FOLDER}}") for name, form in way.items()})
            if page.day == day:
                return page.files
        raise schema_changed(self._url, f"asked for {day}, the portal shows another day", page.day)

    def _page(self, query: dict[str, str]) -> Page:
        url = f"{self._url}/"
        return _read(self._client.patiently(lambda: self._client.ask(url, query=query)))


def _read(answer: Answer) -> Page:
    folder, script = _script(answer)
    rows, labels = _constant(FILES, script, answer.url), _labels(script, answer.url)
    return Page(
        day=day_of(israel_time(folder, FOLDER, answer.url)),
        files=[_file(row, folder, labels, answer.url) for row in rows],
    )


def _script(answer: Answer) -> tuple[str, str]:
    """Find the script that names both the folder and its files; which one it is has changed before."""
    tree = tree_of(answer.body)
    for script in [] if tree is None else tree.iter("script"):
        text = script.text or ""
        path = PATH.search(text)
        if path and FILES.search(text):
            return path[1], text
    raise schema_changed(answer.url, "no script that names its files", answer.body[:LINE_OF_SAMPLE])


def _constant(name: re.Pattern[str], script: str, where: str) -> list[Any]:
    """Read the JSON after a constant's name; what follows it is the page's business."""
    start = name.search(script)
    try:
        value = json.JSONDecoder().raw_decode(script, start.end())[0] if start else None
    except ValueError as error:
        raise schema_changed(where, f"a constant that is no JSON ({error})") from None
    if not isinstance(value, list):
        raise schema_changed(where, "a constant that is no list", value)
    return value


def _labels(script: str, where: str) -> dict[int, str]:
    """Return the names of branches by number: they inform only, so they may be missing."""
    try:
        rows = _constant(BRANCHES, script, where)
    except PortalError:
        return {}
    return {
        int(number): str(row.get("name") or "")
        for row in rows
        if isinstance(row, dict) and (number := str(row.get("number"))).isdecimal()
    }


def _file(row: Any, folder: str, labels: dict[int, str], where: str) -> RemoteFile:
    name = field(row, "name", where)
    size = row.get("size")
    if type(size) is not int or size < 0:
        raise schema_changed(where, "a row without a size in bytes", row)
    return RemoteFile(
        name=name,
        link=f"/{folder}/{quote(name)}",
        size=size,
        modified_at=israel_time(field(row, "modified", where), WRITTEN, where),
        label=labels.get(_store(name) or 0, ""),
    )


def _store(name: str) -> int | None:
    try:
        return FileName.parse(name).store_id
    except UnknownFileName:
        return None
