"""Unpacks what a portal served: gzip, zip or plain, by the first bytes and never by the name.

What can be recovered of a damaged archive is returned as damaged. The limit applies while inflating, so a
decompression bomb needs no more memory than the limit. What the unpacked bytes mean is not known here.
"""

import struct
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import PureWindowsPath
from typing import Final

from isal import isal_zlib

from gogobe_dagster.errors import Code, ContentError

GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
GZIP_WINDOW: Final = 31  # zlib's parameter for a gzip header and checksum
MAX_NESTING: Final = 2  # a gzip file inside a zip file; deeper nesting is an attack
STEP: Final = 4096
FIRST_STEP: Final = 256
"""Bytes of a gzip member after the first that are tried at once at first; most members are one step."""
LARGEST_STEP: Final = 1 << 20
MAX_MEMBERS: Final = 10_000
"""bgzip makes one per 64 KB, other programs one."""
ZIP_ENTRY: Final = b"PK\x01\x02"
MAX_ENTRIES: Final = 1000
ZIP_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ISAL_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # the stubs call it an instance
# What isal raises: OverflowError for a name of half a megabyte in the header.
ISAL_ERRORS: Final = (_ISAL_ERROR, OverflowError)
# what zipfile raises for damaged headers, whichever number is damaged
ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    IndexError,
    OverflowError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The unpacked bytes, and their container."""

    data: bytes
    container: str
    inner_name: str | None = None
    damaged: bool = False


def unpack(data: bytes, *, limit: int) -> Unpacked:
    """Unpack gzip and zip. Raises `ContentError` (corrupt_archive, hostile_content)."""
    outermost = _unpack_one(data, limit)
    inner = outermost
    for _ in range(MAX_NESTING - 1):
        if inner.container == "plain":
            break
        inner = _unpack_one(inner.data, limit)
    if inner.container != "plain" and inner.data.startswith((GZIP, ZIP)):
        raise ContentError(Code.HOSTILE_CONTENT, "archives inside archives inside archives")
    return Unpacked(
        data=inner.data,
        container=outermost.container,
        inner_name=outermost.inner_name or inner.inner_name,
        damaged=outermost.damaged or inner.damaged,
    )


def _unpack_one(data: bytes, limit: int) -> Unpacked:
    if data.startswith(GZIP):
        return _gunzip(data, limit)
    if data.startswith(ZIP):
        return _unzip(data, limit)
    return Unpacked(data=_within(data, limit), container="plain")


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise ContentError(Code.HOSTILE_CONTENT, f"unpacks to more than {limit:,} bytes")
    return data


def _gunzip(data: bytes, limit: int) -> Unpacked:
    """Inflate every member; bytes after the last one are padding, as for gzip itself."""
    part, rest, whole = _inflate(data, limit)
    parts = [_within(part, limit)]
    room, start, members = limit - len(part), len(data) - len(rest), 1
    while whole and data.startswith(GZIP, start):
        members += 1
        if members > MAX_MEMBERS:
            raise ContentError(Code.HOSTILE_CONTENT, f"a gzip file of more than {MAX_MEMBERS:,} members")
        part, start, whole = _inflate_member(data, start, room)
        parts.append(_within(part, room))
        room -= len(part)
    if not whole and not any(parts):
        raise ContentError(Code.CORRUPT_ARCHIVE, "nothing can be unpacked from this gzip file")
    unpacked = parts[0] if len(parts) == 1 else b"".join(parts)
    return Unpacked(data=unpacked, container="gzip", damaged=not whole)


def _inflate(data: bytes, room: int) -> tuple[bytes, bytes, bool]:
    """Return one member's content, the bytes after it, and whether it is complete."""
    # isal takes 4 ms for a price file of 17 MB, and zlib 13; the last four bytes are the size.
    size = int.from_bytes(data[-4:], "little")
    inflater = isal_zlib.decompressobj(GZIP_WINDOW)
    try:
        content = inflater.decompress(data, min(size, room, 64 * len(data)) + 1)
        if not inflater.eof and inflater.unconsumed_tail:
            content += inflater.decompress(inflater.unconsumed_tail, max(room + 1 - len(content), 1))
    except ISAL_ERRORS:
        return _inflate_slowly(data, room)
    return content, inflater.unused_data, inflater.eof


def _inflate_member(data: bytes, start: int, room: int) -> tuple[bytes, int, bool]:
    """Return the content of a member after the first, the offset after it, and whether it is complete.

    The member takes small steps: what follows it is copied with each step that reaches beyond its end.
    """
    inflater = isal_zlib.decompressobj(GZIP_WINDOW)
    content, end, step = bytearray(), start, FIRST_STEP
    while not inflater.eof and end < len(data) and len(content) <= room:
        block = data[end : end + step]
        try:
            content += inflater.decompress(block, room + 1 - len(content))
        except ISAL_ERRORS:
            part, rest, whole = _inflate_slowly(data[start:], room)
            return part, len(data) - len(rest), whole
        end, step = end + len(block), min(step * 2, LARGEST_STEP)
    return bytes(content), end - len(inflater.unused_data), inflater.eof


def _inflate_slowly(data: bytes, room: int) -> tuple[bytes, bytes, bool]:
    """Do as `_inflate` with zlib: it takes names of any length in the header, and recovers damaged data."""
    inflater = zlib.decompressobj(GZIP_WINDOW)
    try:
        content = inflater.decompress(data, room + 1)
    except zlib.error:
        return _recover(data, room), b"", False
    return content, inflater.unused_data, inflater.eof


def _recover(data: bytes, room: int) -> bytes:
    """Inflate up to the first bad byte, in small steps: an error loses the output of its whole call."""
    inflater = zlib.decompressobj(GZIP_WINDOW)
    recovered = bytearray()
    start, step = 0, STEP
    while start < len(data) and len(recovered) <= room and not inflater.eof:
        before = inflater.copy()
        try:
            recovered += inflater.decompress(data[start : start + step])
        except zlib.error:
            if step == 1:
                break
            inflater, step = before, 1
        else:
            start += step
    return bytes(recovered)


def _unzip(data: bytes, limit: int) -> Unpacked:
    if data.count(ZIP_ENTRY) > MAX_ENTRIES:  # zipfile would make an object of each
        raise ContentError(Code.HOSTILE_CONTENT, f"a zip file of more than {MAX_ENTRIES} files")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            member = _only_document(archive)
            if member.file_size > limit:
                raise ContentError(Code.HOSTILE_CONTENT, f"unpacks to more than {limit:,} bytes")
            content, whole = _read_member(archive, member, limit)
    except ZIP_ERRORS as error:
        raise ContentError(Code.CORRUPT_ARCHIVE, f"a zip file that cannot be opened: {error}") from error
    if not content and not whole:
        raise ContentError(Code.CORRUPT_ARCHIVE, "nothing can be unpacked from this zip file")
    return Unpacked(data=content, container="zip", inner_name=member.filename, damaged=not whole)


def _only_document(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if not member.is_dir()]
    documents = [member for member in members if member.filename.lower().endswith(".xml")] or members
    if len(documents) != 1:
        names = ", ".join(member.filename for member in members[:5])
        raise ContentError(Code.CORRUPT_ARCHIVE, f"a zip file of {len(members)} files, not one: {names}")
    if documents[0].compress_type not in ZIP_METHODS:
        method = documents[0].compress_type
        raise ContentError(Code.CORRUPT_ARCHIVE, f"a zip file packed by method {method}")
    path = PureWindowsPath(documents[0].filename)  # which takes both slashes
    if path.anchor or ".." in path.parts:
        raise ContentError(Code.HOSTILE_CONTENT, f"a zip file with a path out of its folder: {path}")
    return documents[0]


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> tuple[bytes, bool]:
    content = bytearray()
    with archive.open(member) as file:
        try:
            while block := file.read(1 << 20):
                content += block
                if len(content) > limit:
                    raise ContentError(Code.HOSTILE_CONTENT, f"unpacks to more than {limit:,} bytes")
        except ZIP_ERRORS:
            return bytes(content), False
    return bytes(content), True
