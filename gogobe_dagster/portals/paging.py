"""Walking a grid that shows its newest rows first and grows at its top while it is read."""

from collections.abc import Callable
from dataclasses import dataclass

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.base import RemoteFile

PAGE_ROWS = 20
MOST_PAGES = 2000  # ten times the most that was seen, against a grid without an end


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a grid."""

    files: list[RemoteFile]
    last: int
    """The highest page number that the page knows of; 1 where it knows none."""


def walk(page_of: Callable[[int], Page], what: str, *, rows: int = PAGE_ROWS) -> list[RemoteFile]:
    """Read page after page to the last, then the first ones again until nothing is new.

    `rows` is how many a page holds: after a full page of new names comes another, whatever the pager says.
    """
    found: dict[str, RemoteFile] = {}
    last = 1
    for number in range(1, MOST_PAGES):
        page = page_of(number)
        last = max(last, page.last)
        if not page.files and number <= last and last > 1:
            raise PortalError(Code.LISTING_TRUNCATED, f"page {number} of {what} is empty")
        is_new = _note(page, found)
        if number >= last and not (is_new and len(page.files) >= rows):
            break
    else:
        raise PortalError(Code.LISTING_TRUNCATED, f"{what} has no end after {MOST_PAGES} pages")
    if number > 1:
        for again in range(1, MOST_PAGES):
            if not _note(page_of(again), found):
                break
    return list(found.values())


def _note(page: Page, found: dict[str, RemoteFile]) -> bool:
    """Keep the rows of a page; say whether any name was new."""
    is_new = any(file.name not in found for file in page.files)
    found.update({file.name: file for file in page.files})
    return is_new
