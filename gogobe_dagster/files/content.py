"""Open a file as served: what is around it, how it is written, and whether it is a document at all.

The result is XML in UTF-8 for a reader, without a byte order mark or declaration. Refused here, each with its
code: nothing, web pages, JSON, broken archives, bombs, document types and entities, NUL bytes. Rows and
tags are not known here.
"""

import re
from dataclasses import dataclass
from typing import Final

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.containers import unpack
from gogobe_dagster.files.encodings import recode

SAID_BY_NAME: Final = {"gz": "gzip", "zip": "zip", "xml": "plain"}
PROLOG: Final = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
ELEMENT: Final = re.compile(rb"<[A-Za-z_]")
WEB_PAGE: Final = re.compile(rb"<!doctype\s+html|<(?:html|head|body|script|title|meta)\b", re.IGNORECASE)
JSON_STARTS: Final = (b"{", b"[")
STALE_LINK: Final = re.compile(rb"link (?:has )?expired", re.IGNORECASE)
GLIMPSE: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A document's text in UTF-8, and what was found around it."""

    xml: bytes
    container: str
    """gzip, zip or plain: the outermost one, by its first bytes."""
    inner_name: str | None
    encoding: str
    """As the bytes are, whatever the document declares."""
    declared: str | None
    notes: tuple[str, ...]
    """Stable words: container_mismatch, false_declaration, broken_characters, nul_padding."""
    damaged: bool
    """The archive was cut off or fails its check sum: what could be unpacked is here."""


def open_content(data: bytes, *, name: str, limit: int) -> Opened:
    """Open a file as served; `limit` is the most bytes that it may unpack to.

    Raises `ContentError` with a code of PORTALS §3.5, and nothing else, for any bytes.
    """
    _check_not_empty(data)
    unpacked = unpack(data, limit=limit)
    _check_not_empty(unpacked.data)
    recoded = recode(unpacked.data)
    xml = _without_padding(recoded.xml)
    _check_document(xml)
    expected = SAID_BY_NAME.get(name.rpartition(".")[2].lower(), unpacked.container)
    notes = [
        *(["container_mismatch"] if expected != unpacked.container else []),
        *recoded.notes,
        *(["nul_padding"] if len(xml) < len(recoded.xml) else []),
    ]
    return Opened(
        xml=xml,
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


def _without_padding(xml: bytes) -> bytes:
    """Take off NUL bytes at the end, which a disk leaves; inside the text they are no accident."""
    stripped = xml.rstrip(b"\0") if xml.endswith(b"\0") else xml
    if not stripped:
        raise ContentError(Code.ZERO_BYTE, "the file holds NUL bytes only")
    if b"\0" in stripped:
        raise ContentError(Code.HOSTILE_CONTENT, "NUL bytes inside the text")
    return stripped


def _check_document(xml: bytes) -> None:
    """Look at what comes before the first element."""
    prolog = PROLOG.match(xml)
    start = prolog.end() if prolog else 0
    if ELEMENT.match(xml, start) and not WEB_PAGE.match(xml, start):
        return
    glimpse = xml[start : start + GLIMPSE].decode("utf-8", "replace")
    if WEB_PAGE.match(xml, start):
        # Cerberus answers 200 with its login page when the session is stale
        raise ContentError(Code.HTML_INSTEAD_OF_FILE, f"a web page: {glimpse!r}")
    if xml.startswith(b"<!", start):
        raise ContentError(Code.HOSTILE_CONTENT, f"a document type: {glimpse!r}")
    if STALE_LINK.search(xml[:4096]):
        raise ContentError(Code.LINK_EXPIRED, glimpse)
    what = "JSON" if xml.startswith(JSON_STARTS, start) else "no XML"
    raise ContentError(Code.SCHEMA_UNKNOWN, f"{what}: {glimpse!r}")
