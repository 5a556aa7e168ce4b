"""Splits a long document into shorter ones of about three megabytes, while it is unpacked.

A promotion document of 116 MB is read in the memory of one chunk. What rows hold is not known here; a
document that cannot be split is one chunk.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import chain
from typing import Final

from isal import igzip

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.containers import GZIP, ISAL_ERRORS
from gogobe_dagster.files.content import OpenedFile, open_content
from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.layout_detection import TAG, Layout

CHUNK_BYTES: Final = 3 << 20
LARGE_BYTES: Final = 1 << 24
"""A document of more bytes is unpacked chunk by chunk; the last four bytes of a gzip file are its size."""
LARGE_GZIP_BYTES: Final = 1 << 21
FIRST_BLOCK_BYTES: Final = 1 << 17


class NotStreamable(Exception):
    """This file has to be unpacked as a whole; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentStream:
    """A large file that is being unpacked."""

    opened: OpenedFile
    """Container and encoding; of the text only the start."""
    rest: Iterator[bytes]
    """The text after the start, block by block."""


def split_document(blocks: Iterable[bytes], layout: Layout) -> Iterator[bytes]:
    """Yield complete documents with all rows in their order; the header is in the first."""
    end = b"</" + layout.path[-1].encode() + b">"
    outer = [tag.encode() for tag in layout.path[:-1]]
    opening = b"".join(b"<" + tag + b">" for tag in outer)
    closing = b"".join(b"</" + tag + b">" for tag in reversed(outer))
    head, waiting = b"", bytearray()
    for block in blocks:
        for start in range(0, len(block), CHUNK_BYTES):
            waiting += block[start : start + CHUNK_BYTES]
            stop = waiting.rfind(end) + len(end)
            # In a comment or CDATA the end tag of a row would be text: such a document is not split.
            if len(waiting) < CHUNK_BYTES or stop < len(end) or b"<!" in waiting:
                continue
            yield b"".join((head, waiting[:stop], closing))
            head = opening
            del waiting[:stop]
    yield head + bytes(waiting)


def stream_document(data: bytes, *, name: str, limit: int) -> DocumentStream:
    """Begin to unpack a large gzip file in UTF-8. Raises `NotStreamable` for any other."""
    if not data.startswith(GZIP) or not _is_large(data):
        raise NotStreamable("small, or not gzip")
    blocks = _unpacked(data, limit)
    start = next(blocks, b"")
    start_stop = start.rfind(b">") + 1
    if not start_stop:  # such as a megabyte of blanks
        raise NotStreamable("no markup at its start")
    opened = open_content(start[:start_stop], name="start.xml", limit=limit)
    if opened.encoding != "utf-8" or opened.notes:
        raise NotStreamable("not plain UTF-8")
    is_mismatch = name.rpartition(".")[2].lower() in {"xml", "zip"}
    opened = replace(opened, container="gzip", notes=(Note.CONTAINER_MISMATCH,) if is_mismatch else ())
    return DocumentStream(opened=opened, rest=_checked(chain([start[start_stop:]], blocks)))


def close_open_tags(start: bytes) -> bytes:
    """Close what is open at the end of a document's start: the first row may be longer than it."""
    start = start[: start.rfind(b">") + 1]
    stack: list[bytes] = []
    for closes, tag, empty in (match.groups() for match in TAG.finditer(start)):
        if closes and stack and stack[-1] == tag:
            stack.pop()
        elif not closes and not empty:
            stack.append(tag)
    return start + b"".join(b"</" + tag + b">" for tag in reversed(stack))


def _is_large(data: bytes) -> bool:
    return len(data) > LARGE_GZIP_BYTES or int.from_bytes(data[-4:], "little") > LARGE_BYTES


def _unpacked(data: bytes, limit: int) -> Iterator[bytes]:
    """Unpack all members of the archive. Raises `NotStreamable` for a damaged one."""
    size = FIRST_BLOCK_BYTES
    with igzip.open(BytesIO(data)) as file:  # type: ignore[no-untyped-call]
        while True:
            try:
                block = file.read(size)
            except (EOFError, OSError, *ISAL_ERRORS) as error:
                raise NotStreamable("a damaged archive") from error
            if not block:
                return
            limit -= len(block)
            if limit < 0:
                raise ContentError(Code.HOSTILE_CONTENT, "unpacks to more than the limit")
            yield block
            size = CHUNK_BYTES


def _checked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass blocks of clean UTF-8 through. Raises `NotStreamable` for anything else."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for block in blocks:
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            raise NotStreamable("not UTF-8") from error
        if b"\0" in block:
            raise NotStreamable("NUL bytes")
        yield block
