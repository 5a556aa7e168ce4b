"""Opening files as served: containers, encodings, and everything that is no document."""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.content import OpenedFile, open_content

LIMIT = 1 << 20
MILK = "<Root><Items><Item><ItemName>חלב תנובה 3%</ItemName></Item></Items></Root>"
NAME = "Price7290058140886-001-202611230700.gz"


def opened(data: bytes, *, name: str = NAME, limit: int = LIMIT) -> OpenedFile:
    return open_content(data, name=name, limit=limit)


def refusal(data: bytes, *, name: str = NAME, limit: int = LIMIT) -> Code:
    with pytest.raises(ContentError) as caught:
        open_content(data, name=name, limit=limit)
    assert caught.value.reason
    return caught.value.code


def packed(data: bytes) -> bytes:
    """Pack without the time of day, which would be in the names of the tests."""
    return gzip.compress(data, mtime=0)


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name.replace("_xml", ".xml"))
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "container", "notes"),
    [
        (packed(MILK.encode()), "Price1.gz", "gzip", ()),
        (packed(MILK.encode()), "Price1.xml.GZ", "gzip", ()),
        (packed(MILK.encode()), "Price1.zip", "gzip", ("container_mismatch",)),
        (zipped(Price_xml=MILK.encode()), "Price1.gz", "zip", ("container_mismatch",)),
        (zipped(Price_xml=MILK.encode()), "Price1.zip", "zip", ()),
        (MILK.encode(), "Price1.xml", "plain", ()),
        (MILK.encode(), "Price1.gz", "plain", ("container_mismatch",)),
        (MILK.encode(), "Price1", "plain", ()),
        (zipped(Price_xml=packed(MILK.encode())), "Price1.zip", "zip", ()),
        (packed(packed(MILK.encode())), "Price1.gz", "gzip", ()),
    ],
)
def test_the_first_bytes_tell_the_container_and_never_the_name(
    data: bytes, name: str, container: str, notes: tuple[str, ...]
) -> None:
    content = opened(data, name=name)

    assert content.xml.decode() == MILK
    assert (content.container, content.notes, content.damaged) == (container, notes, False)


def test_every_member_of_a_gzip_file_is_read_and_padding_after_the_last_is_not() -> None:
    half = len(MILK.encode()) // 2
    members = packed(MILK.encode()[:half]) + packed(MILK.encode()[half:])

    content = opened(members + b"\0" * 512)

    assert content.xml.decode() == MILK
    assert not content.damaged


def test_a_zip_file_names_its_document_and_may_hold_nothing_else() -> None:
    assert opened(zipped(Stores_xml=MILK.encode())).inner_name == "Stores.xml"
    assert opened(zipped(Stores_xml=MILK.encode(), readme=b"hello")).inner_name == "Stores.xml"
    assert refusal(zipped(a_xml=MILK.encode(), b_xml=MILK.encode())) is Code.CORRUPT_ARCHIVE
    assert refusal(zipped()) is Code.SCHEMA_UNKNOWN


@pytest.mark.parametrize(
    ("data", "encoding", "declared", "notes"),
    [
        (MILK.encode(), "utf-8", None, ()),
        (MILK.encode("utf-8-sig"), "utf-8", None, ()),
        (
            b"\xef\xbb\xbf" * 2 + b"<?xml version='1.0' encoding='UTF-8'?>" + MILK.encode(),
            "utf-8",
            "utf-8",
            (),
        ),
        (MILK.encode("utf-16"), "utf-16-le", None, ()),
        (MILK.encode("utf-16-le"), "utf-16-le", None, ()),
        (b"\xfe\xff" + MILK.encode("utf-16-be"), "utf-16-be", None, ()),
        (MILK.encode("utf-16-be"), "utf-16-be", None, ()),
        (
            ('<?xml version="1.0" encoding="utf-16"?>' + MILK).encode("utf-16"),
            "utf-16-le",
            "utf-16",
            (),
        ),
        (
            b'<?xml version="1.0" encoding="utf-8"?>' + MILK.encode("cp1255"),
            "windows-1255",
            "utf-8",
            ("false_declaration",),
        ),
        (
            b'<?xml version="1.0" encoding="ISO-8859-8" standalone="no" ?>\r\n' + MILK.encode("cp1255"),
            "windows-1255",
            "iso-8859-8",
            ("false_declaration",),
        ),
        (
            b'<?xml version="1.0" encoding="windows-1255"?>' + MILK.encode("cp1255"),
            "windows-1255",
            "windows-1255",
            (),
        ),
        (
            b'<?xml version="1.0" encoding="ISO-8859-8"?>' + MILK.encode(),
            "utf-8",
            "iso-8859-8",
            ("false_declaration",),
        ),
    ],
)
def test_the_bytes_tell_the_encoding_whatever_is_declared(
    data: bytes, encoding: str, declared: str | None, notes: tuple[str, ...]
) -> None:
    content = opened(data, name="Stores1.xml")

    assert content.xml.decode().strip() == MILK
    assert (content.encoding, content.declared, content.notes) == (encoding, declared, notes)


def test_a_no_break_space_and_a_dash_of_windows_1255_survive_a_false_iso_8859_8() -> None:
    text = MILK.replace("3%", "\u2013\u00a03%")  # bytes 0x96 and 0xA0, as Super-Pharm writes them

    data = b'<?xml version="1.0" encoding="ISO-8859-8"?>' + text.encode("cp1255")

    assert opened(data).xml.decode() == text


def test_one_broken_character_does_not_turn_utf_8_into_another_encoding() -> None:
    shelf = "<Root>" + "חלב לחם ביצים " * 20 + "</Root>"
    broken = shelf.encode()[:30] + b"\xd7" + shelf.encode()[30:]

    content = opened(broken)

    assert content.encoding == "utf-8"
    assert content.notes == ("container_mismatch", "broken_characters")
    assert "חלב לחם" in content.xml.decode()


def test_text_that_is_neither_utf_8_nor_hebrew_is_refused() -> None:
    assert refusal(b"<Root>" + bytes(range(0x80, 0xC0)) * 4 + b"</Root>") is Code.ENCODING_UNKNOWN


@pytest.mark.parametrize("cut", [9, 40, 300])
def test_a_cut_gzip_file_gives_what_can_be_unpacked_as_damaged(cut: int) -> None:
    shelf = ("<Root>" + "".join(f"<a>{n * 7919 % 1000}</a>" for n in range(500)) + "</Root>").encode()

    content = opened(packed(shelf)[:-cut])

    assert content.damaged
    assert shelf.startswith(content.xml)
    assert len(content.xml) > 1000


def test_a_gzip_file_with_a_hole_gives_what_stands_before_it() -> None:
    shelf = ("<Root>" + "".join(f"<a>{n * 7919 % 100_000}</a>" for n in range(9_000)) + "</Root>").encode()
    data = bytearray(packed(shelf))
    data[len(data) // 2 : len(data) // 2 + 200] = b"\xff" * 200

    content = opened(bytes(data))

    assert content.damaged
    assert content.xml[:50_000] == shelf[:50_000]


def test_a_gzip_file_with_a_wrong_check_sum_is_read_whole_and_called_damaged() -> None:
    data = bytearray(packed(MILK.encode()))
    data[-8:-4] = zlib.crc32(b"bread").to_bytes(4, "little")

    content = opened(bytes(data))

    assert (content.xml.decode(), content.damaged) == (MILK, True)


def test_a_zip_file_with_a_wrong_check_sum_is_called_damaged() -> None:
    shelf = ("<Root>" + "<a>1</a>" * 300_000 + "</Root>").encode()
    data = bytearray(zipped(Price_xml=shelf))
    data[14:18] = (7).to_bytes(4, "little")
    central = data.index(b"PK\x01\x02")
    data[central + 16 : central + 20] = (7).to_bytes(4, "little")

    content = opened(bytes(data), limit=1 << 26)

    assert content.damaged
    assert shelf.startswith(content.xml)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Code.ZERO_BYTE),
        (packed(b""), Code.ZERO_BYTE),
        (b"\0" * 4096, Code.ZERO_BYTE),
        (b"<!DOCTYPE html>\n<html><title>Cerberus Web Client</title>", Code.HTML_INSTEAD_OF_FILE),
        (b"\xef\xbb\xbf  <HTML><body>Access denied", Code.HTML_INSTEAD_OF_FILE),
        (packed(b"<!-- proxy --><html>"), Code.HTML_INSTEAD_OF_FILE),
        (json.dumps({"error": "login required"}).encode(), Code.SCHEMA_UNKNOWN),
        (b'[{"SPath": "/Download/x.gz"}]', Code.SCHEMA_UNKNOWN),
        (b"plain words", Code.SCHEMA_UNKNOWN),
        (b"   \n ", Code.SCHEMA_UNKNOWN),
        (b"Rar!\x1a\x07\x00", Code.SCHEMA_UNKNOWN),
        (b"Sorry, the link expired", Code.LINK_EXPIRED),
        (b"\x1f\x8b\x08\x00", Code.CORRUPT_ARCHIVE),
        (b"\x1f\x8bwhat is this", Code.CORRUPT_ARCHIVE),
        (b"PK\x03\x04 but no archive", Code.CORRUPT_ARCHIVE),
        (zipped(Price_xml=MILK.encode())[:-30], Code.CORRUPT_ARCHIVE),
    ],
)
def test_what_is_no_document_is_refused_with_its_code(data: bytes, code: Code) -> None:
    assert refusal(data) is code


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE Root [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><Root>&b;</Root>',
        b'<?xml version="1.0"?><!-- x --><!DOCTYPE Root SYSTEM "file:///etc/passwd"><Root/>',
        b"<!ENTITY % x SYSTEM 'http://127.0.0.1/'><Root/>",
        b"<Root>milk\0bread</Root>",
        "<Root>milk\0bread</Root>".encode("utf-16"),
        packed(packed(packed(packed(b"<Root/>")))),
    ],
)
def test_hostile_content_is_refused(data: bytes) -> None:
    assert refusal(data) is Code.HOSTILE_CONTENT


@pytest.mark.parametrize(
    "pack", [packed, lambda data: zipped(Price_xml=data), bytes], ids=["gzip", "zip", "plain"]
)
def test_a_bomb_is_refused_at_the_limit(pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(b"<Root>" + b" " * 50_000_000 + b"</Root>")

    assert refusal(bomb) is Code.HOSTILE_CONTENT
    assert opened(bomb, limit=60_000_000).xml.startswith(b"<Root>")


def test_a_bomb_of_many_gzip_members_is_refused_at_the_limit() -> None:
    assert refusal(packed(b" " * 400_000) * 3) is Code.HOSTILE_CONTENT


def test_nul_bytes_at_the_end_are_padding() -> None:
    content = opened(MILK.encode() + b"\0" * 100, name="Price1.xml")

    assert (content.xml.decode(), content.notes) == (MILK, ("nul_padding",))


STARTS = st.sampled_from(
    [b"", b"\x1f\x8b\x08", packed(MILK.encode())[:-20], b"PK\x03\x04", b"\xff\xfe", b"<Root>"]
)


@given(start=STARTS, rest=st.binary(max_size=300))
def test_any_bytes_are_a_document_or_a_refusal_with_a_code(start: bytes, rest: bytes) -> None:
    with suppress(ContentError):
        assert len(opened(start + rest, limit=5_000).xml.decode()) <= 5_000


@given(position=st.integers(0, 300), byte=st.integers(0, 255), pack=st.booleans())
def test_one_wrong_byte_anywhere_is_a_document_or_a_refusal(*, position: int, byte: int, pack: bool) -> None:
    data = bytearray(zipped(Price_xml=MILK.encode() * 3) if pack else packed(MILK.encode() * 3))
    data[position % len(data)] = byte
    with suppress(ContentError):
        assert opened(bytes(data)).xml.decode()
