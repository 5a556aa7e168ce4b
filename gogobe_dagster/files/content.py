"""Opens a file as served: unpacks it, finds its encoding, and checks that it is a document at all.

The result is XML in UTF-8 for a reader. Rejected here, each with its code, are empty files, web pages, JSON,
broken archives, decompression bombs, document types and entities, and NUL bytes. Rows and tags are not known
here.
"""

import re
from dataclasses import dataclass
from typing import Final

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.containers import unpack
from gogobe_dagster.files.encodings import to_utf8
from gogobe_dagster.files.notes import Note

CONTAINERS_BY_EXTENSION: Final = {"gz": "gzip", "zip": "zip", "xml": "plain"}
PROLOG: Final = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
ELEMENT: Final = re.compile(rb"<[A-Za-z_]")
WEB_PAGE: Final = re.compile(rb"<!doctype\s+html|<(?:html|head|body|script|title|meta)\b", re.IGNORECASE)
JSON_STARTS: Final = (b"{", b"[")
STALE_LINK: Final = re.compile(rb"link (?:has )?expired", re.IGNORECASE)
PREVIEW_BYTES: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """The text of a document in UTF-8, with its container and encoding."""

    text: bytes
    start: int
    """The offset of the document, after a byte order mark and a declaration."""
    container: str
    """gzip, zip or plain: the outermost container, by its first bytes."""
    inner_name: str | None
    encoding: str
    """The encoding of the bytes, whatever the document declares."""
    declared: str | None
    notes: tuple[str, ...]
    """Members of `Note`: container_mismatch, false_declaration, broken_characters, nul_padding."""
    damaged: bool
    """The archive is cut off or fails its checksum; this is what could be unpacked."""

    @property
    def xml(self) -> bytes:
        """The document; a copy if a declaration stands before it."""
        return self.text[self.start :]

    @property
    def view(self) -> memoryview:
        """The document, without a copy."""
        return memoryview(self.text)[self.start :]


def open_content(data: bytes, *, name: str, limit: int) -> OpenedFile:
    """Open a file as served; `limit` is the most bytes that it may unpack to.

    Raises `ContentError` and nothing else, for any bytes.
    """
    _check_not_empty(data)
    unpacked = unpack(data, limit=limit)
    _check_not_empty(unpacked.data)
    recoded = to_utf8(unpacked.data)
    text = _without_padding(recoded.text)
    _check_document(text, recoded.start)
    expected = CONTAINERS_BY_EXTENSION.get(name.rpartition(".")[2].lower(), unpacked.container)
    notes = [
        *([Note.CONTAINER_MISMATCH] if expected != unpacked.container else []),
        *recoded.notes,
        *([Note.NUL_PADDING] if len(text) < len(recoded.text) else []),
    ]
    return OpenedFile(
        text=text,
        start=recoded.start,
        container=unpacked.container,
        inner_name=unpacked.inner_name,
        encoding=recoded.encoding,
        declared=recoded.declared,
        notes=tuple(notes),
        damaged=unpacked.damaged,
    )


def _check_not_empty(data: bytes) -> None:
    if not data:
        raise ContentError(Code.ZERO_BYTE, "the file is empty")


def _without_padding(text: bytes) -> bytes:
    """Drop NUL bytes at the end, which a disk leaves; inside the text they are an attack."""
    stripped = text.rstrip(b"\0") if text.endswith(b"\0") else text
    if not stripped:
        raise ContentError(Code.ZERO_BYTE, "the file holds NUL bytes only")
    if b"\0" in stripped:
        raise ContentError(Code.HOSTILE_CONTENT, "NUL bytes inside the text")
    return stripped


def _check_document(text: bytes, start: int) -> None:
    """Check what comes before the first element."""
    prolog = PROLOG.match(text, start)
    start = prolog.end() if prolog else start
    if ELEMENT.match(text, start) and not WEB_PAGE.match(text, start):
        return
    preview = text[start : start + PREVIEW_BYTES].decode("utf-8", "replace")
    if WEB_PAGE.match(text, start):
        # Cerberus answers 200 with its login page when the session is stale
        raise ContentError(Code.HTML_INSTEAD_OF_FILE, f"a web page: {preview!r}")
    if text.startswith(b"<!", start):
        raise ContentError(Code.HOSTILE_CONTENT, f"a document type: {preview!r}")
    if STALE_LINK.search(text[:4096]):
        raise ContentError(Code.LINK_EXPIRED, preview)
    what = "JSON" if text.startswith(JSON_STARTS, start) else "no XML"
    raise ContentError(Code.SCHEMA_UNKNOWN, f"{what}: {preview!r}")
