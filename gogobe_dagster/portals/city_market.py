"""City Market Shops: an HTML table of 50 rows per page (docs/portals.md, City Market Shops).

The table prints names without an extension, so the name of a file here has none. The meaning of some columns
is not known for certain: they are not read, and a time is read only where there is one.
"""

import re
from datetime import date, datetime

from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.html_tables import PAGE_ROWS, TableRow, file_in_row, read_paged_table
from gogobe_dagster.portals.listing_fields import parse_israel_time, verify_day
from gogobe_dagster.portals.paging import ListingPage, read_all_pages
from gogobe_dagster.portals.portal import RemoteFile

COLUMNS = 7
TIME_FORMATS = {
    re.compile(r"\d{2}-\d{2}-\d{4} \d{2}:\d{2}", re.ASCII): "%d-%m-%Y %H:%M",
    re.compile(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}", re.ASCII): "%d/%m/%Y %H:%M",
    re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", re.ASCII): "%Y-%m-%d %H:%M",
}


class CityMarket(Connector):
    """The portal. Without a day it shows everything it has, newest first, in about 12 pages."""

    offers_past_days = True

    def _list_current(self) -> list[RemoteFile]:
        return self._read_table({})

    def _list_day(self, day: date) -> list[RemoteFile]:
        return verify_day(day, self._read_table({"d": f"{day}"}), self._url)

    def _read_table(self, query: dict[str, str]) -> list[RemoteFile]:
        return read_all_pages(lambda number: self._read_page(query, number), "the table", page_rows=PAGE_ROWS)

    def _read_page(self, query: dict[str, str], number: int) -> ListingPage:
        query = query | {"p": str(number)}
        return read_paged_table(self._client.request(f"{self._url}/", query=query), _parse_row)


def _parse_row(row: TableRow) -> RemoteFile:
    if len(row.cells) < COLUMNS or not row.cells[2] or not row.link.startswith("/"):
        raise row.changed()
    time, label, name, *_, size, _ = row.cells
    modified_at = _parse_time(time, row.url)
    return file_in_row(row, name=name, kilobytes=size, modified_at=modified_at, label=label)


def _parse_time(text: str, url: str) -> datetime | None:
    """Parse the first column if it begins with a time; it is not certain that it always does."""
    for pattern, form in TIME_FORMATS.items():
        if found := pattern.match(text):
            return parse_israel_time(found[0].replace("T", " "), form, url)
    return None
