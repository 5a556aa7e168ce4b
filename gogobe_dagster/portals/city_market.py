"""City Market Shops: an HTML table of 50 rows per page (docs/portals.md, City Market Shops).

The table prints names without an extension, so the name of a file here has none. The meaning of some
columns is not known for certain: they are not read, and a time is read only where there is one.
"""

import re
from datetime import date, datetime

from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.html_tables import PAGE_ROWS, Row, kilobytes, read_table
from gogobe_dagster.portals.listing import israel_time, named_once, really_of
from gogobe_dagster.portals.paging import Page, walk

COLUMNS = 7
WRITTEN = {
    re.compile(r"\d{2}-\d{2}-\d{4} \d{2}:\d{2}", re.ASCII): "%d-%m-%Y %H:%M",
    re.compile(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}", re.ASCII): "%d/%m/%Y %H:%M",
    re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", re.ASCII): "%Y-%m-%d %H:%M",
}


class CityMarket(Connector):
    """The portal. Without a day it shows what it has, newest first, about 12 pages of it."""

    offers_past_days = True

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """Walk the table, of one day or of all. See `Portal.list_files`."""
        query = {"d": f"{day}"} if day else {}
        files = named_once(walk(lambda number: self._page(query, number), "the table", rows=PAGE_ROWS))
        return really_of(day, files, self._url) if day else files

    def _page(self, query: dict[str, str], number: int) -> Page:
        url = f"{self._url}/"
        asked = query | {"p": str(number)}
        return read_table(self._client.patiently(lambda: self._client.ask(url, query=asked)), _file)


def _file(row: Row) -> RemoteFile:
    if len(row.cells) < COLUMNS or not row.cells[2] or not row.link.startswith("/"):
        raise row.changed()
    written, label, name, *_, size, _ = row.cells
    size_in_bytes, slack = kilobytes(size, row.where)
    return RemoteFile(
        name=name,
        link=row.link,
        size=size_in_bytes,
        size_slack=slack,
        modified_at=_time(written, row.where),
        label=label,
    )


def _time(text: str, where: str) -> datetime | None:
    """Read a time where the first column holds one: nobody has told for sure that it does."""
    for form, written in WRITTEN.items():
        if found := form.match(text):
            return israel_time(found[0].replace("T", " "), written, where)
    return None
