"""A file's bytes on their way in, whatever the door: what its start tells, and whether its end is its end."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from gogobe_dagster.errors import Code
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http_errors import file_failure, place
from gogobe_dagster.portals.response_detection import is_html

CHUNK: Final = 128 * 1024
START: Final = 64 * 1024
"""Bytes read before a file counts as one: enough to find a login form in an HTML page."""


def gather(chunks: Iterator[bytes], enough: int) -> bytes:
    """Return the chunks up to `enough` bytes and the rest of the last one; the others stay to be read."""
    start = bytearray()
    for chunk in chunks:
        start += chunk
        if len(start) >= enough:
            break
    return bytes(start)


def check_start(url: str, start: bytes, *, came_from: str = "") -> None:
    """Raise when the start of a file shows that it is none. `came_from` is where redirects ended."""
    if not start:
        raise file_failure(url, Code.ZERO_BYTE, "the file is empty")
    if is_html(start):
        raise file_failure(url, Code.HTML_INSTEAD_OF_FILE, f"a web page from {place(came_from or url)}")


def counted(
    url: str, start: bytes, chunks: Iterator[bytes], *, file: RemoteFile, limit: int
) -> Iterator[bytes]:
    """Yield the start and the chunks after it. Raises over `limit`, and short of the listing's size."""
    received = 0
    for chunk in chain([start], chunks):
        received += len(chunk)
        if received > limit:
            raise file_failure(url, Code.TOO_LARGE, f"more than {limit} bytes")
        yield chunk
    if file.size is not None and received < file.size - file.size_slack:
        reason = f"{received} bytes, the listing says {file.size}"
        raise file_failure(url, Code.TRUNCATED_DOWNLOAD, reason)
