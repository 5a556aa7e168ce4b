"""Hazi Hinam: an HTML table of 50 rows per page, behind Cloudflare (docs/portals.md, Hazi Hinam).

Its stores publish at different hours, so a listing joins today and the two days before.
"""

from datetime import date, timedelta

from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.html_tables import PAGE_ROWS, TableRow, file_in_row, read_paged_table
from gogobe_dagster.portals.http_errors import classify_cloudflare
from gogobe_dagster.portals.listing_fields import is_absolute, name_in_link, parse_israel_time, verify_day
from gogobe_dagster.portals.paging import ListingPage, read_all_pages
from gogobe_dagster.portals.portal import RemoteFile

DAYS_BACK = 2
COLUMNS = 6
TIME_FORMAT = "%d-%m-%Y %H:%M"


class HaziHinam(Connector):
    """The portal."""

    offers_past_days = True

    def _list_current(self) -> list[RemoteFile]:
        days = [self._today() - timedelta(days=back) for back in range(DAYS_BACK, -1, -1)]
        return [file for day in days for file in self._read_day(day)]

    def _list_day(self, day: date) -> list[RemoteFile]:
        return verify_day(day, self._read_day(day), self._url)

    def _read_day(self, day: date) -> list[RemoteFile]:
        return read_all_pages(
            lambda number: self._read_page(day, number), f"the table of {day}", page_rows=PAGE_ROWS
        )

    def _read_page(self, day: date, number: int) -> ListingPage:
        # All kinds at once: `t` does not separate full files from deltas. There is no filter by store.
        query = {"p": str(number), "s": "", "f": "null", "t": "null", "d": f"{day}"}
        url = f"{self._url}/Prices"
        return read_paged_table(
            self._client.request(url, query=query, classify=classify_cloudflare), _parse_row
        )


def _parse_row(row: TableRow) -> RemoteFile:
    name = name_in_link(row.link)  # the name in the table has no extension
    if len(row.cells) < COLUMNS or not name or not is_absolute(row.link):
        raise row.changed()
    time, label, _, _, size, *_ = row.cells
    modified_at = parse_israel_time(time, TIME_FORMAT, row.url)
    return file_in_row(row, name=name, kilobytes=size, modified_at=modified_at, label=label)
