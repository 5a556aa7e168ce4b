"""Documents are spoiled in every way that comes to mind: both readers give rows or a code, and nothing else.

`reader_failed` is counted as a failure here: whatever hypothesis finds is to be mended where it is caused.
"""

import gzip
import io
import random
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster_tests.parsing import promotion_documents
from gogobe_dagster_tests.parsing.documents import (
    BREAD,
    MILK,
    PRICE_DIALECTS,
    PRICES_NAME,
    STORE_DIALECTS,
    STORES_NAME,
    prices,
)

pytestmark = pytest.mark.slow

LIMIT: Final = 1 << 26
MOST_SECONDS: Final = 30
PROMOTIONS: Final = promotion_documents.promotions(promotion_documents.flat(*promotion_documents.BOUGHT))
DOCUMENTS: Final = [
    *((PRICES_NAME, document.encode()) for document in PRICE_DIALECTS.values()),
    *((STORES_NAME, document.encode()) for document in STORE_DIALECTS.values()),
    (promotion_documents.NAME, PROMOTIONS.encode()),
]
INSERTED: Final = [
    b"&#xD83D;&#xDE00;", b"&#xD83D;", b"&#0;", b"&#x1F;", b"&#xFFFF;", b"&#x110000;", b"&#9999999;",
    b"&nbsp;", b"&", b"&#", b"<", b">", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?", b"<?x y?>",
    b"<!DOCTYPE a>", b"<!", b"</", b"<a:b c='", b'="', b"</Item>", b"<Item>", b"<Items>", b"</Items>",
    b"<Item/>", b"</Root>", b"<Root>", b"\0", b"\x1f", b"\x80", b"\xed\xa0\xbd\xed\xb8\x80", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\xf0\x9f", "\ufffe\u202e".encode(), b"9" * 400, b"-", b"1e999", b"NaN", b"24:00",
    b"0000-00-00", b"99999-13-41",
]  # fmt: skip
"""Where rules end: halves of characters, of markup, of numbers and of dates."""

Mutation = Callable[[bytes, random.Random], bytes]


def flip(data: bytes, rng: random.Random) -> bytes:
    flipped = bytearray(data)
    for _ in range(rng.randrange(1, 20)):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def insert(data: bytes, rng: random.Random) -> bytes:
    offset = rng.randrange(len(data))
    return data[:offset] + rng.choice(INSERTED) + data[offset:]


def fill_a_field(data: bytes, rng: random.Random) -> bytes:
    """Insert at the end of a text, where an insertion anywhere seldom falls."""
    ends = [offset for offset in range(len(data) - 1) if data[offset : offset + 2] == b"</"]
    if not ends:
        return data
    offset = rng.choice(ends)
    return data[:offset] + rng.choice(INSERTED) + data[offset:]


def drop_a_tag(data: bytes, rng: random.Random) -> bytes:
    starts = [offset for offset, byte in enumerate(data) if byte == ord("<")]
    if not starts:
        return data
    start = rng.choice(starts)
    return data[:start] + data[data.find(b">", start) + 1 :]


def cut_a_tag(data: bytes, rng: random.Random) -> bytes:
    starts = [offset for offset, byte in enumerate(data) if byte == ord("<")]
    return data[: rng.choice(starts) + rng.randrange(1, 6)] if starts else data


def repeat(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    copied = data[start : start + rng.randrange(1, 3_000)]
    return data[:start] + copied * rng.randrange(2, 5) + data[start:]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def hole(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 500) :]


def in_gzip(data: bytes, _rng: random.Random) -> bytes:
    return gzip.compress(data, 1)


def in_many_members(data: bytes, rng: random.Random) -> bytes:
    offset = rng.randrange(len(data))
    return b"".join(map(gzip.compress, (b"", data[:offset], b"", data[offset:])))


def in_zip(data: bytes, _rng: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Price.xml", data)
    return buffer.getvalue()


def in_utf_16(data: bytes, _rng: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode("utf-16")


def in_hebrew(data: bytes, _rng: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode("windows-1255", "replace")


ON_TEXT: Final = (flip, insert, fill_a_field, drop_a_tag, cut_a_tag, repeat, hole, cut)
AROUND: Final = (in_gzip, in_many_members, in_zip, in_utf_16, in_hebrew, flip, hole, cut)


def spoil(data: bytes, mutations: Sequence[Mutation], seed: int) -> bytes:
    rng = random.Random(seed)
    for mutation in mutations:
        data = mutation(data, rng) or b" "
    return data


MUTATIONS: Final = st.builds(
    lambda on_text, around: [*on_text, *around],
    st.lists(st.sampled_from(ON_TEXT), min_size=1, max_size=4),
    st.lists(st.sampled_from(AROUND), max_size=3),
)


def assert_rows_or_a_code(data: bytes, name: str, *, use_fast_reader: bool) -> None:
    started = time.process_time()
    (read,) = read_files([(name, data)], limit=LIMIT, use_fast_reader=use_fast_reader)
    assert time.process_time() - started < MOST_SECONDS
    if isinstance(read, ContentError):
        assert read.code is not Code.READER_FAILED, read.reason
    else:
        assert read.report.rejected == sum(read.report.reasons.values())
        assert read.lake_rows.height >= read.report.rows


@given(document=st.sampled_from(DOCUMENTS), mutations=MUTATIONS, seed=st.integers(0, 1 << 32))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_both_readers_give_rows_or_a_code(
    document: tuple[str, bytes], mutations: list[Mutation], seed: int
) -> None:
    name, text = document
    data = spoil(text, mutations, seed)

    assert_rows_or_a_code(data, name, use_fast_reader=True)
    assert_rows_or_a_code(data, name, use_fast_reader=False)


@given(mutations=MUTATIONS, seed=st.integers(0, 1 << 32))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_neighbours_of_a_spoiled_file_are_read(mutations: list[Mutation], seed: int) -> None:
    sound = prices(MILK, BREAD).encode()
    spoiled = spoil(sound, mutations, seed)

    before, middle, after = read_files(
        [(PRICES_NAME, sound), (PRICES_NAME, spoiled), (PRICES_NAME, sound)], limit=LIMIT
    )

    assert isinstance(before, ParsedFile)
    assert isinstance(after, ParsedFile)
    assert before.rows["code"].to_list() == after.rows["code"].to_list() == ["7290000042640", "0042"]
    assert not isinstance(middle, ContentError) or middle.code is not Code.READER_FAILED


@pytest.mark.corpus
@pytest.mark.parametrize("use_fast_reader", [True, False])
def test_spoiled_real_documents_are_read_or_have_a_code(
    corpus: Path, pytestconfig: pytest.Config, *, use_fast_reader: bool
) -> None:
    files = [path for path in sorted((corpus / "files").rglob("*")) if path.is_file()]
    small = [path for path in files if 0 < path.stat().st_size < 30_000]
    rng = random.Random(f"{use_fast_reader}")
    for path in rng.choices(small, k=3_000 if pytestconfig.getoption("--long") else 60):
        data = path.read_bytes()
        with suppress(OSError, EOFError):
            data = gzip.decompress(data)
        mutations: list[Mutation] = rng.choices(ON_TEXT, k=3)
        mutations += rng.choices(AROUND, k=rng.randrange(3))
        assert_rows_or_a_code(
            spoil(data, mutations, rng.getrandbits(32)), path.name, use_fast_reader=use_fast_reader
        )
