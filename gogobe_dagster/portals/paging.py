"""Reading a paged listing whose newest rows come first and which grows while it is read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.portal import RemoteFile

MAX_PAGES = 2000  # ten times the most that was seen; stops at a listing without an end


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """One page of a listing."""

    files: list[RemoteFile]
    last_page: int
    """The highest page number that this page names; 1 if it names none."""


def highest_page(numbers: Iterable[str | int]) -> int:
    """Return the highest of the page numbers in a pager, 1 if there are none."""
    return max([1, *(int(number) for number in numbers)])


def read_all_pages(
    read_page: Callable[[int], ListingPage], listing: str, *, page_rows: int
) -> list[RemoteFile]:
    """Read all pages, then the first ones again until they show nothing new.

    New rows push older ones to the next page while the listing is read: those would be seen twice, and the
    new ones never. A page of `page_rows` new names is followed by another, whatever the pager says.
    `listing` names the listing in errors. Raises `PortalError`.
    """
    found: dict[str, RemoteFile] = {}
    last_page = 1
    for number in range(1, MAX_PAGES):
        page = read_page(number)
        last_page = max(last_page, page.last_page)
        if not page.files and number <= last_page and last_page > 1:
            raise PortalError(Code.LISTING_TRUNCATED, f"page {number} of {listing} is empty")
        is_new = _add(page, found)
        if number >= last_page and not (is_new and len(page.files) >= page_rows):
            break
    else:
        raise PortalError(Code.LISTING_TRUNCATED, f"{listing} has no end after {MAX_PAGES} pages")
    if number > 1:
        for repeated in range(1, MAX_PAGES):
            if not _add(read_page(repeated), found):
                break
    return list(found.values())


def _add(page: ListingPage, found: dict[str, RemoteFile]) -> bool:
    """Add the rows of a page; return whether any name was new."""
    is_new = any(file.name not in found for file in page.files)
    found.update({file.name: file for file in page.files})
    return is_new
