"""Parsing what listings share: JSON, times, rounded sizes, links, and each name once.

A row that cannot be parsed means that the portal has changed, and is an error: skipping it would lose a file
silently.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from posixpath import basename
from typing import Any
from urllib.parse import unquote

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.errors import Code, PortalError, UnknownFileName
from gogobe_dagster.files.names import FileName
from gogobe_dagster.portals.http_errors import HttpResponse, without_query
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.response_detection import is_html

NO_JSON = (ValueError, RecursionError)
"""What Python's parser raises: RecursionError for a thousand lists in lists."""
HALF_CHARACTERS = re.compile("[\ud800-\udfff]")
MAX_SIZE = 1 << 35
"""Bytes, 32 GB; real files have up to 20 MB."""
YEARS = range(2000, 2100)
UNITS = {"B": 1, "KB": 1024, "MB": 1024**2}
SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) *(B|KB|MB)", re.IGNORECASE)
# No portal says whether its KB is 1,000 or 1,024 bytes; a wrong guess would make every file look truncated.
UNIT_UNCERTAINTY = 1 - 1000**2 / 1024**2
SAMPLE_LENGTH = 200
ABSOLUTE = ("https://", "http://")


def schema_changed(url: str, problem: str, sample: object = "") -> PortalError:
    """Return the error for a listing of an unknown format, with a sample of it."""
    shown = f": {str(sample)[:SAMPLE_LENGTH]}" if sample != "" else ""
    return PortalError(Code.LISTING_SCHEMA_CHANGED, f"{without_query(url)}: {problem}{shown}")


def parse_json(response: HttpResponse) -> Any:
    """Return the JSON of a response. Raises `PortalError` if it is a web page or anything else."""
    if is_html(response.body):
        raise schema_changed(response.url, "a web page instead of JSON")
    try:
        return json.loads(response.body.decode("utf-8-sig"))
    except NO_JSON as error:
        raise schema_changed(response.url, f"no JSON ({error})", response.body[:SAMPLE_LENGTH]) from None


def parse_json_rows(response: HttpResponse) -> list[dict[str, Any]]:
    """Return the rows of a JSON list. Raises `PortalError` if the response is anything else."""
    rows = parse_json(response)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise schema_changed(response.url, "no list of rows", rows)
    return rows


def text_field(row: Any, key: str, url: str) -> str:
    """Return a text of a JSON row. Raises `PortalError` if it is missing or blank.

    Half a surrogate pair, which JSON can have and no URL, is a replacement character.
    """
    value = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise schema_changed(url, f"a row without {key}", row)
    return HALF_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", value.strip())


def size_field(row: dict[str, Any], key: str, url: str) -> int:
    """Return a number of bytes of a JSON row. Raises `PortalError` if it is anything else."""
    size = row.get(key)
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise schema_changed(url, "a row without a size in bytes", row)
    return size


def parse_israel_time(text: str, form: str, url: str) -> datetime:
    """Parse civil time of Israel. In the hour that autumn repeats, the first passing is meant."""
    try:
        time = datetime.strptime(text.strip(), form).replace(tzinfo=ISRAEL)
    except ValueError:
        raise schema_changed(url, f"a time that is not {form}", text) from None
    if time.year not in YEARS:
        raise schema_changed(url, "a time of an impossible year", text)
    return time


def parse_rounded_size(text: str, url: str) -> tuple[int, int]:
    """Parse `338.32 KB` as bytes, and by how many bytes the true size may differ."""
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise schema_changed(url, "an unreadable size", text)
    unit = UNITS[match[2].upper()]
    size = round(float(match[1]) * unit)
    if size > MAX_SIZE:
        raise schema_changed(url, "an impossible size", text)
    return size, 0 if unit == 1 else unit + round(size * UNIT_UNCERTAINTY)


def is_absolute(link: str) -> bool:
    """Whether a link has a host."""
    return link.startswith(ABSOLUTE)


def name_in_link(link: str) -> str:
    """Return the file name at the end of a link's path."""
    return unquote(basename(without_query(link)))


def parse_name(name: str) -> FileName | None:
    """Parse a file name; None if it fits no layout."""
    try:
        return FileName.parse(name)
    except UnknownFileName:
        return None


def unique_by_name(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """Keep the last row of each name: shifting pages repeat rows, and the later link lives longer."""
    return list({file.name: file for file in files}.values())


def verify_day(day: date, files: list[RemoteFile], url: str) -> list[RemoteFile]:
    """Return the files listed for a requested day. Raises `PortalError` if all are of other days.

    The portal then ignores its date filter, and the day would look as if it had been listed.
    """
    days = {listed for file in files for listed in _days_of(file)}
    if days and day not in days:
        raise schema_changed(url, f"requested {day}, the portal shows another day", max(days))
    return files


def past_day_not_offered(feed_key: str) -> PortalError:
    """Return the error for a past day at a portal that lists only what it has now."""
    return PortalError(Code.PAST_DAY_NOT_OFFERED, f"{feed_key} shows only what it has now")


def _days_of(file: RemoteFile) -> Iterator[date]:
    if file.modified_at:
        yield day_of(file.modified_at)
    if name := parse_name(file.name):
        yield day_of(name.published_at)
