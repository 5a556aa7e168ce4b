"""Files made to hurt: refused with a code, or read without harm, in bounded memory and time."""

import gzip
import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest

from gogobe_dagster_tests.parsing.documents import (
    BREAD,
    MILK,
    prices,
)

pytestmark = pytest.mark.slow

MB = 1 << 20
LIMIT = 24 * MB
MOST_MEMORY = 9 * LIMIT // MB
"""As served, unpacked, recoded, as text, as columns: each a copy at worst, and some while they are made."""
MOST_SECONDS = 30


def repeated(part: bytes, size: int) -> bytes:
    return part * (size // len(part))


def packed(parts: Iterator[bytes]) -> bytes:
    """Pack what would not fit into memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(part) for part in parts), packer.flush()])


def spaces(gigabytes: float) -> Iterator[bytes]:
    return (b" " * MB for _ in range(int(gigabytes * 1024)))


def zipped(name: str, content: bytes, *, copies: int = 1) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(copies):
            archive.writestr(name.format(number), content)
    return buffer.getvalue()


def lying_zip() -> bytes:
    """A megabyte that says it is ten bytes, in both of its headers."""
    honest = zipped("Price.xml", b" " * (64 * MB))
    return honest.replace((64 * MB).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def named(text: str) -> bytes:
    return prices({**MILK, "ItemName": text}, BREAD).encode()


def with_document_type(declared: str, name: str) -> bytes:
    return f"<!-- odd --><!DOCTYPE Root [{declared}]>".encode() + named(name)


LAUGHS = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10)
)
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "gzip bomb": (lambda: packed(spaces(1 / 4)), "hostile_content"),
    "gzip bomb of many members": (lambda: packed(spaces(1 / 128)) * 30, "hostile_content"),
    "zip bomb": (lambda: zipped("Price.xml", b" " * (64 * MB)), "hostile_content"),
    "zip bomb that lies about its size": (lying_zip, "corrupt_archive"),
    "bomb in a zip in a gzip": (
        lambda: gzip.compress(zipped("Price.xml", b" " * (64 * MB))),
        "hostile_content",
    ),
    "archives in archives": (
        lambda: gzip.compress(gzip.compress(gzip.compress(named("חלב")))),
        "hostile_content",
    ),
    "zip with a way out": (lambda: zipped("../../etc/cron.d/Price.xml", named("חלב")), "hostile_content"),
    "zip with a way out of Windows": (lambda: zipped("..\\Price.xml", named("חלב")), "hostile_content"),
    "zip from the root": (lambda: zipped("/etc/Price.xml", named("חלב")), "hostile_content"),
    "zip of many files": (lambda: zipped("{}.txt", b"", copies=5_000), "hostile_content"),
    "a billion laughs": (lambda: with_document_type(LAUGHS, "&k;"), "hostile_content"),
    "external entity": (
        lambda: with_document_type('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"),
        "hostile_content",
    ),
    "parameter entity": (
        lambda: with_document_type('<!ENTITY % x SYSTEM "http://127.0.0.1:9/evil.dtd"> %x;', "חלב"),
        "hostile_content",
    ),
    "elements in elements": (lambda: repeated(b"<a>", 20 * MB), "hostile_content"),
    "elements in a row": (lambda: named("<a>" * MB + "</a>" * MB), "hostile_content"),
    "empty elements": (lambda: b"<Root>" + repeated(b"<a/>", 20 * MB) + b"</Root>", "schema_unknown"),
    "different elements": (
        lambda: b"<Root>%s</Root>" % b"".join(b"<a%d>1</a%d>" % (n, n) for n in range(200_000)),
        "hostile_content",
    ),
    "different fields of a row": (
        lambda: named("חלב").replace(
            b"<ItemCode>", b"".join(b"<a%d/>" % n for n in range(9_000)) + b"<ItemCode>"
        ),
        "hostile_content",
    ),
    "a name of 20 MB": (lambda: named("a" * (20 * MB)), "hostile_content"),
    "a name of 20 MB in a torn document": (
        lambda: named("a" * (20 * MB)).replace(b"</Item>", b"", 1),
        "1 rows, 1 rejected",
    ),
    "an attribute of 20 MB": (
        lambda: named("חלב").replace(b"<Item>", b'<Item x="%s">' % repeated(b"a", 20 * MB), 1),
        "2 rows, 0 rejected",
    ),
    "a tag that never ends": (lambda: named("<" + "a " * (10 * MB)), "2 rows, 0 rejected"),
    "a comment that never ends": (lambda: b"<!--" + repeated(b"-", 20 * MB), "hostile_content"),
    "less-than signs": (lambda: repeated(b"<", 20 * MB), "schema_unknown"),
    "NUL bytes": (lambda: named("\0" * 100), "hostile_content"),
    "NUL bytes in UTF-16": (lambda: named("a\0").decode().encode("utf-16"), "hostile_content"),
    "a million empty gzip members": (lambda: gzip.compress(b"") * 1_000_000, "hostile_content"),
    "9,000 gzip members": (
        lambda: gzip.compress(b"") * 9_000 + gzip.compress(named("חלב")),
        "2 rows, 0 rejected",
    ),
    "a name of 3 MB in the gzip header": (
        lambda: b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * (3 * MB) + b"\0" + gzip.compress(named("חלב"))[10:],
        "2 rows, 0 rejected",
    ),
    "processing instructions before": (
        lambda: repeated(b"<?a?>", 20 * MB) + named("חלב"),
        "2 rows, 0 rejected",
    ),
    "processing instructions inside": (
        lambda: named("חלב").replace(b"</Items>", repeated(b"<?a b?>", 20 * MB) + b"</Items>"),
        "2 rows, 0 rejected",
    ),
    "instructions that never end": (lambda: named("<?" * (10 * MB)), "0 rows, 2 rejected"),
    "CDATA that never ends": (lambda: named("<![CDATA[" * (2 * MB)), "0 rows, 2 rejected"),
    "300,000 attributes": (
        lambda: named("חלב").replace(
            b"<Item>", b"<Item %s>" % b"".join(b' a%d="1"' % n for n in range(300_000)), 1
        ),
        "2 rows, 0 rejected",
    ),
    "halves of characters": (lambda: named("&#xD83D;" * (2 * MB)), "hostile_content"),
    "many empty rows": (
        lambda: (
            b"<Root><Items>"
            + named("חלב")
            .partition(b"<Items")[2]
            .partition(b">")[2]
            .replace(b"</Items>", repeated(b"<Item/>", 8 * MB) + b"</Items>")
        ),
        "hostile_content",
    ),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    folder = tmp_path_factory.mktemp("hostile")
    for name, (make, _) in HOSTILE.items():
        (folder / name).write_bytes(make())
    probe = [sys.executable, "-m", "gogobe_dagster_tests.parsing.hostile_probe", str(folder), str(LIMIT)]
    ended = subprocess.run(probe, capture_output=True, text=True, check=True, timeout=280)
    return {line["name"]: line for line in map(json.loads, ended.stdout.splitlines())}


@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_hurt_does_not(name: str, outcomes: dict[str, dict[str, object]]) -> None:
    outcome = outcomes[name]

    assert outcome["code"] == HOSTILE[name][1]
    assert isinstance(outcome["mb"], int)
    assert isinstance(outcome["seconds"], float)
    assert outcome["mb"] < MOST_MEMORY
    assert outcome["seconds"] < MOST_SECONDS
