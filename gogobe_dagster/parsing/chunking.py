"""Cut a long document into shorter ones of a few megabytes.

A promotion document of 116 MB is read in the memory of a piece. What rows hold is not known here; a
document that cannot be cut is one piece.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import chain
from typing import Final

from isal import igzip, isal_zlib

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.containers import GZIP
from gogobe_dagster.files.content import Opened, open_content
from gogobe_dagster.parsing.layout_detection import TAG, Layout

PIECE: Final = 1 << 20
LARGE: Final = 1 << 24
"""What unpacks to more is not opened whole; the last four bytes of a gzip file tell."""
MOST_OF_A_GZIP: Final = 1 << 21
FIRST: Final = 1 << 17


class CannotStream(Exception):
    """This file has to be opened whole; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A large file, being unpacked."""

    opened: Opened
    """What was found around the document; of its text, only the start."""
    rest: Iterator[bytes]


def cut(xml: bytes | Iterable[bytes], layout: Layout) -> Iterator[bytes]:
    """Yield whole documents, with all the rows in their order; the first has what stands before the rows."""
    end = b"</" + layout.path[-1].encode() + b">"
    around = [tag.encode() for tag in layout.path[:-1]]
    opening = b"".join(b"<" + tag + b">" for tag in around)
    closing = b"".join(b"</" + tag + b">" for tag in reversed(around))
    head, waiting = b"", bytearray()
    for some in [xml] if isinstance(xml, bytes) else xml:
        for at in range(0, len(some), PIECE):
            waiting += some[at : at + PIECE]
            stop = waiting.rfind(end) + len(end)
            if len(waiting) < PIECE or stop < len(end) or b"<!" in waiting:
                continue
            yield b"".join((head, waiting[:stop], closing))
            head = opening
            del waiting[:stop]
    yield head + bytes(waiting)


def stream(data: bytes, *, name: str, limit: int) -> Stream:
    """Begin to unpack a large gzip file. Raises `CannotStream` for any other, and for what is not UTF-8."""
    if not data.startswith(GZIP) or not _is_large(data):
        raise CannotStream("small, or not gzip")
    parts = _unpacked(data, limit)
    start = next(parts)
    cut_at = start.rfind(b">") + 1
    if not cut_at:  # blanks without end, for one
        raise CannotStream("no markup at its start")
    opened = open_content(start[:cut_at], name="start.xml", limit=limit)
    if opened.encoding != "utf-8" or opened.notes:
        raise CannotStream("not UTF-8 alone")
    is_mismatch = name.rpartition(".")[2].lower() in {"xml", "zip"}
    opened = replace(opened, container="gzip", notes=("container_mismatch",) if is_mismatch else ())
    return Stream(opened=opened, rest=_checked(chain([start[cut_at:]], parts)))


def closed(start: bytes) -> bytes:
    """End what is open after the start of a document, for a look at a row that is longer than the start."""
    start = start[: start.rfind(b">") + 1]
    stack: list[bytes] = []
    for closes, tag, empty in (match.groups() for match in TAG.finditer(start)):
        if closes and stack and stack[-1] == tag:
            stack.pop()
        elif not closes and not empty:
            stack.append(tag)
    return start + b"".join(b"</" + tag + b">" for tag in reversed(stack))


def _is_large(data: bytes) -> bool:
    return len(data) > MOST_OF_A_GZIP or int.from_bytes(data[-4:], "little") > LARGE


def _unpacked(data: bytes, limit: int) -> Iterator[bytes]:
    """Unpack members one after the other. Raises `CannotStream` for what only salvage can read."""
    size = FIRST
    with igzip.open(BytesIO(data)) as file:  # type: ignore[no-untyped-call]
        while True:
            try:
                part = file.read(size)
            except (EOFError, OSError, isal_zlib.error) as error:  # type: ignore[misc]  # an instance to the stubs
                raise CannotStream("a damaged archive") from error
            if not part:
                return
            limit -= len(part)
            if limit < 0:
                raise ContentError(Code.HOSTILE_CONTENT, "unpacks to more than the limit")
            yield part
            size = PIECE


def _checked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Let clean UTF-8 pass. Raises `CannotStream` for anything else."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for part in parts:
        try:
            decoder.decode(part)
        except UnicodeDecodeError as error:
            raise CannotStream("not UTF-8") from error
        if b"\0" in part:
            raise CannotStream("NUL bytes")
        yield part
