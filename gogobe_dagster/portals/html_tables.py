"""Tables of files in HTML pages. The meaning of the cells is the connector's part (docs/portals.md)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gogobe_dagster.errors import PortalError
from gogobe_dagster.portals.http_errors import HttpResponse
from gogobe_dagster.portals.listing_fields import SAMPLE_LENGTH, parse_rounded_size, schema_changed
from gogobe_dagster.portals.paging import ListingPage, highest_page
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.response_detection import parse_html

PAGE_ROWS = 50
PAGE_NUMBER = re.compile(r"[?&]p=([0-9]{1,6})(?![0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """The texts of a row's cells, and the link in one of them."""

    cells: list[str]
    link: str
    """As a browser reads it: the parser has turned `&amp;` into `&`. Empty if there is none."""
    url: str
    """The page, for errors."""

    def changed(self) -> PortalError:
        """Return the error for a row of an unknown format."""
        return schema_changed(self.url, "a row of an unknown format", [*self.cells, self.link])


def find_table(response: HttpResponse, path: str) -> etree._Element:
    """Return the first element at this path (ElementPath). Raises `PortalError` if there is none."""
    tree = parse_html(response.body)
    table: etree._Element | None = None if tree is None else tree.find(path)
    if table is None:
        raise schema_changed(response.url, "a page without its table", response.body[:SAMPLE_LENGTH])
    return table


def read_row(row: etree._Element, url: str, *, link_cell: int = -1) -> TableRow:
    """Read the cells of a row, and the link in the cell at this index."""
    cells = row.findall("td")
    anchor = cells[link_cell].find(".//a") if cells else None
    link = "" if anchor is None else anchor.get("href", "")
    return TableRow(cells=[_text(cell) for cell in cells], link=link, url=url)


def read_paged_table(response: HttpResponse, parse_row: Callable[[TableRow], RemoteFile]) -> ListingPage:
    """Read a page as Hazi Hinam and City Market Shops write it: a table, and a list of page links."""
    table = find_table(response, ".//table")
    rows = [row for row in table.iter("tr") if row.find("td") is not None]
    if len(rows) == 1 and _is_notice(rows[0]):
        rows = []
    links = table.getroottree().getroot().iterfind(".//li[@class]//a")
    pager = " ".join(link.get("href", "") for link in links if _is_pager(link))
    return ListingPage(
        files=[parse_row(read_row(row, response.url)) for row in rows],
        last_page=highest_page(PAGE_NUMBER.findall(pager)),
    )


def file_in_row(
    row: TableRow, *, name: str, kilobytes: str, modified_at: datetime | None, label: str
) -> RemoteFile:
    """Return the file of a row whose size is in kilobytes, with or without the unit."""
    size, slack = parse_kilobytes(kilobytes, row.url)
    return RemoteFile(
        name=name, link=row.link, size=size, size_tolerance=slack, modified_at=modified_at, label=label
    )


def parse_kilobytes(text: str, url: str) -> tuple[int, int]:
    """Parse a number of kilobytes, perhaps with thousands separators; see `parse_rounded_size`."""
    number = text.replace(",", "")
    return parse_rounded_size(number if number[-1:].isalpha() else f"{number} KB", url)


def _text(cell: etree._Element) -> str:
    # A date and a time may be in elements of their own, with or without a blank between them.
    return " ".join(" ".join(str(text) for text in cell.itertext()).split())


def _is_notice(row: etree._Element) -> bool:
    """Whether a single row is a sentence for people, such as "no files"."""
    return len(row.findall("td")) == 1 and row.find(".//a") is None


def _is_pager(link: etree._Element) -> bool:
    return any("pagination-item" in (item.get("class") or "") for item in link.iterancestors("li"))
