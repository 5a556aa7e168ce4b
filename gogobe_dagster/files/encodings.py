"""Converts the text of a document to UTF-8; the bytes decide about the encoding, not the declaration.

Published were: UTF-8 with and without a byte order mark, UTF-16 (Stores of Cerberus and Carrefour),
windows-1255 declared as utf-8 (Matrix, 2015) or as ISO-8859-8 (Super-Pharm), and UTF-8 declared as
ISO-8859-8. Clean UTF-8 is checked and never decoded. What the text means is not known here.
"""

import codecs
import re
import struct
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.notes import Note

BYTE_ORDER_MARKS: Final = re.compile(rb"(?:\xef\xbb\xbf)*+")
DECLARATION: Final = re.compile(rb"\s*<\?xml\b[^>]{0,200}?\?>")
DECLARED: Final = re.compile(rb"""encoding\s*=\s*["']\s*([A-Za-z0-9._:-]{1,40})""")
UTF_16_BOMS: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# `<` or a line end before it, in two bytes
UTF_16_STARTS: Final = {
    "utf-16-le": (b"<\0", b"\r\0", b"\n\0", b" \0"),
    "utf-16-be": (b"\0<", b"\0\r", b"\0\n", b"\0 "),
}
WINDOWS_1255: Final = "windows-1255"
LETTERS: Final = slice(0xE0, 0xFB)
"""Where windows-1255 has the letters."""
NON_ASCII: Final = re.compile("[^\x00-\x7f]")
BLOCK: Final = 1 << 16
REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
UNDEFINED: Final = [
    byte for byte in range(0x80, 0x100) if bytes([byte]).decode(WINDOWS_1255, "replace") == REPLACED
]
"""Bytes that windows-1255 does not define."""
SHORT: Final = 1 << 14
FEW: Final = 20  # one broken character in 20 good ones is damage, not another encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Utf8Text:
    """A document in UTF-8, and the encoding that it had."""

    text: bytes
    start: int
    """The offset of the document, after a byte order mark and a declaration."""
    encoding: str
    declared: str | None
    notes: tuple[str, ...] = field(default=())


def to_utf8(data: bytes) -> Utf8Text:
    """Find the real encoding; UTF-8 is not copied. Raises `ContentError` (encoding_unknown)."""
    wide = _utf_16(data)
    text = _decode_wide(data, wide) if wide else data
    mark = BYTE_ORDER_MARKS.match(text)
    start = mark.end() if mark else 0
    declaration = DECLARATION.match(text, start)
    found = DECLARED.search(declaration[0]) if declaration else None
    declared = found[1].decode().lower() if found else None
    start = declaration.end() if declaration else start
    if wide:
        return Utf8Text(text=text, start=start, encoding=wide, declared=declared)
    return _narrow_to_utf8(text, start, declared)


def _utf_16(data: bytes) -> str | None:
    start = data[:2]
    if start in UTF_16_BOMS:
        return UTF_16_BOMS[start]
    return next((name for name, starts in UTF_16_STARTS.items() if start in starts), None)


def _decode_wide(data: bytes, encoding: str) -> bytes:
    # an odd last byte, or half a pair, is where a copy was cut off
    text = data.decode(encoding, "replace").lstrip("\ufeff")
    if text.count(REPLACED) * FEW > len(text):
        raise ContentError(Code.ENCODING_UNKNOWN, f"begins as {encoding} and is not")
    return text.encode()


def _narrow_to_utf8(data: bytes, start: int, declared: str | None) -> Utf8Text:
    if _is_utf_8(data):
        is_false = declared not in {None, "utf-8", "utf8", "us-ascii", "ascii"} and not data[start:].isascii()
        notes = (Note.FALSE_DECLARATION,) if is_false else ()
        return Utf8Text(text=data, start=start, encoding="utf-8", declared=declared, notes=notes)
    body = data[start:]
    if _resembles_utf_8(body):
        text = body.decode("utf-8", "replace")
        if text.count(REPLACED) * FEW < len(NON_ASCII.findall(text)):
            notes = (Note.BROKEN_CHARACTERS,)
            return Utf8Text(text=text.encode(), start=0, encoding="utf-8", declared=declared, notes=notes)
    return _hebrew_to_utf8(body, declared)


def _is_utf_8(data: bytes) -> bool:
    try:
        _check_short(data) if len(data) < SHORT else _check_long(data)
    except (UnicodeDecodeError, pl.exceptions.ComputeError):
        return False
    return True


def _check_short(data: bytes) -> None:
    data.decode()


def _check_long(data: bytes) -> None:
    """Let Polars check it: 17 MB take 1 ms without a copy; bytes.decode takes 23 ms."""
    offsets = pa.py_buffer(struct.pack("=qq", 0, len(data)))  # pa.array would import pandas, 44 MB
    whole = pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    pl.Series(whole).cast(pl.String)


def _resembles_utf_8(body: bytes) -> bool:
    """Whether lead bytes and continuation bytes are about in proportion."""
    numbers = _byte_counts(body)
    two, three, four = numbers[0xC0:0xE0].sum(), numbers[0xE0:0xF0].sum(), numbers[0xF0:].sum()
    following, wanted = numbers[0x80:0xC0].sum(), two + 2 * three + 3 * four
    return bool(abs(following - wanted) * 2 < following + two + three + four)


def _hebrew_to_utf8(body: bytes, declared: str | None) -> Utf8Text:
    """Read as windows-1255, which holds ISO-8859-8's letters in the same places and more besides."""
    numbers = _byte_counts(body)
    foreign, hebrew, broken = numbers[0x80:].sum(), numbers[LETTERS].sum(), numbers[UNDEFINED].sum()
    if hebrew * 2 < foreign or broken * FEW > foreign:
        reason = f"neither UTF-8 nor Hebrew; declared {declared or 'nothing'}"
        raise ContentError(Code.ENCODING_UNKNOWN, reason)
    notes = [
        *([Note.FALSE_DECLARATION] if declared not in {None, WINDOWS_1255, "cp1255"} else []),
        *([Note.BROKEN_CHARACTERS] if broken else []),
    ]
    text = body.decode(WINDOWS_1255, "replace").encode()
    return Utf8Text(text=text, start=0, encoding=WINDOWS_1255, declared=declared, notes=tuple(notes))


def _byte_counts(body: bytes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Count how often each byte occurs."""
    numbers = np.zeros(256, np.int64)
    for start in range(0, len(body), BLOCK):
        numbers += np.bincount(np.frombuffer(body[start : start + BLOCK], np.uint8), minlength=256)
    return numbers
