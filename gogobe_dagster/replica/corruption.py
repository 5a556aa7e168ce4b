"""How the faults of a file's bytes corrupt them. Which are on is `faults`."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePath

from gogobe_dagster.replica.publication import Publication

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
GZIP_TRAILER = 8
LATER = timedelta(minutes=10)


def corrupt(publication: Publication, fault: str) -> Publication:
    """Return the publication with the fault applied."""
    content = _CORRUPTIONS[fault](publication.read(), publication.name)
    when = publication.published_at + (LATER if fault == "republished_same_name" else timedelta())
    return replace(publication, content=content, published_at=when)


def unpacked(content: bytes) -> bytes:
    """Return the document inside, as far as it can be read."""
    if content.startswith(GZIP_MAGIC):
        return zlib.decompressobj(wbits=31).decompress(content)
    if content.startswith(ZIP_MAGIC):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(archive.namelist()[0])
    return content


def zipped(document: bytes, name: str) -> bytes:
    """Return a ZIP with the document as its one member, named as the portals name it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        member = zipfile.ZipInfo(f"{PurePath(name).stem}.xml")  # its time is fixed: same bytes every run
        archive.writestr(member, document, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _empty(_content: bytes, _name: str) -> bytes:
    return b""


def _zip(content: bytes, name: str) -> bytes:
    return zipped(unpacked(content), name)


def _plain(content: bytes, _name: str) -> bytes:
    return unpacked(content)


def _cut(content: bytes, _name: str) -> bytes:
    return content[: len(content) * 2 // 3]


def _wrong_checksum(content: bytes, _name: str) -> bytes:
    trailer = content[-GZIP_TRAILER:]
    return content[:-GZIP_TRAILER] + bytes(byte ^ 0xFF for byte in trailer[:4]) + trailer[4:]


def _other_bytes(content: bytes, _name: str) -> bytes:
    return gzip.compress(unpacked(content) + b"\n<!-- published again -->\n", mtime=0)


_CORRUPTIONS: dict[str, Callable[[bytes, str], bytes]] = {
    "zero_byte": _empty,
    "zip_in_gz": _zip,
    "plain_in_gz": _plain,
    "truncated_gzip": _cut,
    "wrong_crc": _wrong_checksum,
    "republished_same_name": _other_bytes,
}
