"""HTML tables of 50 rows per page with a pager, as Hazi Hinam and City Market Shops have them.

The meaning of the cells is the connector's part (docs/portals.md).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http_errors import Answer
from gogobe_dagster.portals.listing import LINE_OF_SAMPLE, rounded_size, schema_changed
from gogobe_dagster.portals.paging import Page
from gogobe_dagster.portals.response_detection import tree_of

PAGE_ROWS = 50
PAGE_NUMBER = re.compile(r"[?&]p=([0-9]{1,6})(?![0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: the texts of its cells, and the link in the last one."""

    cells: list[str]
    link: str
    where: str
    """The page, for errors."""

    def changed(self) -> Exception:
        """Return the error for a row that is not as it was."""
        return schema_changed(self.where, "a row that is not as it was", [*self.cells, self.link])


def read_table(answer: Answer, file_of: Callable[[Row], RemoteFile]) -> Page:
    """Read one page: every row through `file_of`, and how far the pager goes."""
    tree = tree_of(answer.body)
    table = None if tree is None else tree.find(".//table")
    if tree is None or table is None:
        raise schema_changed(answer.url, "a page without its table", answer.body[:LINE_OF_SAMPLE])
    rows = [row for row in table.iter("tr") if row.find("td") is not None]
    if len(rows) == 1 and _is_notice(rows[0]):
        rows = []
    links = tree.iterfind(".//li[@class]//a")
    pager = " ".join(link.get("href", "") for link in links if _is_pager(link))
    return Page(
        files=[file_of(_row(row, answer.url)) for row in rows],
        last=max([1, *map(int, PAGE_NUMBER.findall(pager))]),
    )


def kilobytes(text: str, where: str) -> tuple[int, int]:
    """Read a number of kilobytes, which may have separators of thousands; see `rounded_size`."""
    number = text.replace(",", "")
    return rounded_size(number if number[-1:].isalpha() else f"{number} KB", where)


def _row(row: etree._Element, where: str) -> Row:
    cells = row.findall("td")
    anchor = cells[-1].find(".//a")
    link = "" if anchor is None else anchor.get("href", "")
    return Row(cells=[_text(cell) for cell in cells], link=link, where=where)


def _text(cell: etree._Element) -> str:
    """A date and a time may stand in elements of their own, with or without a blank between them."""
    return " ".join(" ".join(str(part) for part in cell.itertext()).split())


def _is_notice(row: etree._Element) -> bool:
    """Whether a lone row is a sentence for people, such as that there is nothing."""
    return len(row.findall("td")) == 1 and row.find(".//a") is None


def _is_pager(link: etree._Element) -> bool:
    return any("pagination-item" in (item.get("class") or "") for item in link.iterancestors("li"))
