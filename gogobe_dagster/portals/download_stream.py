"""Checks of a file's bytes while they arrive, over any transport."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from gogobe_dagster.errors import Code
from gogobe_dagster.portals.http_errors import download_error, without_query
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.response_detection import is_html, is_message

CHUNK_BYTES: Final = 128 * 1024
START_BYTES: Final = 64 * 1024
"""Bytes read before anything is passed on: enough to find a login form in a web page."""
QUOTED_BYTES: Final = 120
"""How much of a portal's message is quoted in the reason."""


def read_at_least(chunks: Iterator[bytes], minimum: int) -> bytes:
    """Join chunks until they have at least `minimum` bytes, or end; later chunks stay unread."""
    start = bytearray()
    for chunk in chunks:
        start += chunk
        if len(start) >= minimum:
            break
    return bytes(start)


def check_start(url: str, start: bytes, *, final_url: str = "") -> None:
    """Raise if the first bytes show that this is not a file. `final_url` is where redirects ended."""
    if not start:
        raise download_error(url, Code.ZERO_BYTE, "the file is empty")
    if is_html(start):
        raise download_error(
            url, Code.HTML_INSTEAD_OF_FILE, f"a web page from {without_query(final_url or url)}"
        )


def check_is_file(url: str, start: bytes) -> None:
    """Raise if the first bytes are a message of the portal: no archive and no XML, or an XML error."""
    if is_message(start):
        quoted = start[:QUOTED_BYTES].decode("utf-8", "replace")
        raise download_error(url, Code.MESSAGE_INSTEAD_OF_FILE, f"no file, but {quoted!r}")


def check_size(
    url: str, start: bytes, chunks: Iterator[bytes], *, file: RemoteFile, max_bytes: int
) -> Iterator[bytes]:
    """Yield the start and the chunks after it. Raises above `max_bytes` and below the listed size."""
    received = 0
    for chunk in chain([start], chunks):
        received += len(chunk)
        if received > max_bytes:
            raise download_error(url, Code.TOO_LARGE, f"more than {max_bytes} bytes")
        yield chunk
    if file.size is not None and received < file.size - file.size_tolerance:
        reason = f"{received} bytes, the listing says {file.size}"
        raise download_error(url, Code.TRUNCATED_DOWNLOAD, reason)
