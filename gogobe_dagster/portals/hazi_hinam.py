"""Hazi Hinam: an HTML table of 50 rows per page, behind Cloudflare (docs/portals.md, Hazi Hinam).

Its stores publish at different hours, so a listing joins today and the two days before.
"""

from datetime import date, timedelta
from posixpath import basename
from urllib.parse import unquote

from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.connector import DayByDay, walled
from gogobe_dagster.portals.html_tables import PAGE_ROWS, Row, kilobytes, read_table
from gogobe_dagster.portals.http_errors import place
from gogobe_dagster.portals.listing import israel_time
from gogobe_dagster.portals.paging import Page, walk

DAYS_BACK = 2
COLUMNS = 6
WRITTEN = "%d-%m-%Y %H:%M"


class HaziHinam(DayByDay):
    """The portal."""

    def _now(self, today: date) -> list[RemoteFile]:
        days = [today - timedelta(days=back) for back in range(DAYS_BACK, -1, -1)]
        return [file for day in days for file in self._of_day(day)]

    def _of_day(self, day: date) -> list[RemoteFile]:
        return walk(lambda number: self._page(day, number), f"the table of {day}", rows=PAGE_ROWS)

    def _page(self, day: date, number: int) -> Page:
        # Not by kind: `t` does not tell full files from deltas. There is no filter by store.
        query = {"p": str(number), "s": "", "f": "null", "t": "null", "d": f"{day}"}
        url = f"{self._url}/Prices"
        answer = self._client.patiently(lambda: self._client.ask(url, query=query, meaning=walled))
        return read_table(answer, _file)


def _file(row: Row) -> RemoteFile:
    name = unquote(basename(place(row.link)))
    if len(row.cells) < COLUMNS or not name or not row.link.startswith(("https://", "http://")):
        raise row.changed()
    # The name in the table has no extension, that of the link is whole.
    written, label, _, _, size, *_ = row.cells
    size_in_bytes, slack = kilobytes(size, row.where)
    return RemoteFile(
        name=name,
        link=row.link,
        size=size_in_bytes,
        size_slack=slack,
        modified_at=israel_time(written, WRITTEN, row.where),
        label=label,
    )
