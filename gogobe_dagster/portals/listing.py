"""What reading any listing needs: JSON that is JSON, Israel's times, rounded sizes, each name once.

A row that cannot be understood means that the portal changed, and is an error: skipping it would lose
a file in silence.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.errors import Code, PortalError, UnknownFileName
from gogobe_dagster.files.names import FileName
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http_errors import Answer, place
from gogobe_dagster.portals.response_detection import is_html

UNITS = {"B": 1, "KB": 1024, "MB": 1024**2}
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *(B|KB|MB)", re.IGNORECASE)
# Nobody says whether their KB is 1,000 or 1,024 bytes; a wrong guess would condemn every file as cut off.
UNIT_DOUBT = 1 - 1000**2 / 1024**2
LINE_OF_SAMPLE = 200


def schema_changed(where: str, what: str, sample: object = "") -> PortalError:
    """Return the error for a listing that is not as it was, with a sample of what came instead."""
    shown = f": {str(sample)[:LINE_OF_SAMPLE]}" if sample != "" else ""
    return PortalError(Code.LISTING_SCHEMA_CHANGED, f"{place(where)}: {what}{shown}")


def json_of(answer: Answer) -> Any:
    """Return the JSON of an answer. Raises `PortalError` when it is a web page or anything else."""
    if is_html(answer.body):
        raise schema_changed(answer.url, "a web page instead of JSON")
    try:
        return json.loads(answer.body.decode("utf-8-sig"))
    except ValueError as error:
        raise schema_changed(answer.url, f"no JSON ({error})", answer.body[:LINE_OF_SAMPLE]) from None


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the rows of a JSON list. Raises `PortalError` when the answer is anything else."""
    rows = json_of(answer)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise schema_changed(answer.url, "no list of rows", rows)
    return rows


def field(row: Any, key: str, where: str) -> str:
    """Return a text field of a JSON row that must be there and filled."""
    value = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise schema_changed(where, f"a row without {key}", row)
    return value.strip()


def israel_time(text: str, form: str, where: str) -> datetime:
    """Read a printed civil time of Israel. In the repeated hour of autumn the first passing is meant."""
    try:
        return datetime.strptime(text.strip(), form).replace(tzinfo=ISRAEL)
    except ValueError:
        raise schema_changed(where, f"a time that is not {form}", text) from None


def rounded_size(text: str, where: str) -> tuple[int, int]:
    """Read `338.32 KB` as bytes, and how far the true size may be from that."""
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise schema_changed(where, "a size that is none", text)
    unit = UNITS[match[2].upper()]
    size = round(float(match[1]) * unit)
    return size, 0 if unit == 1 else unit + round(size * UNIT_DOUBT)


def named_once(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """Keep the last row of each name: paging that shifts shows a row twice, the later link lives longer."""
    return list({file.name: file for file in files}.values())


def really_of(day: date, files: list[RemoteFile], where: str) -> list[RemoteFile]:
    """Return the files listed for a day that was asked for. Raises when they are all of other days.

    Then the portal ignores its date filter, and the day would look as if it had been fetched.
    """
    days = {one for file in files for one in _days(file)}
    if days and day not in days:
        raise schema_changed(where, f"asked for {day}, the portal shows another day", max(days))
    return files


def _days(file: RemoteFile) -> Iterator[date]:
    if file.modified_at:
        yield day_of(file.modified_at)
    try:
        yield day_of(FileName.parse(file.name).published_at)
    except UnknownFileName:
        return
