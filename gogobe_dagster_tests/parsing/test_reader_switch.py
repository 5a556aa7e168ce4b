"""With the fast reader switched off everything works, and every row is the same."""

import pytest
from polars.testing import assert_frame_equal

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.parsing.report import Reader
from gogobe_dagster_tests.parsing.documents import PRICE_DIALECTS, PRICES_NAME, STORE_DIALECTS, STORES_NAME
from gogobe_dagster_tests.parsing.promotion_documents import DIALECTS, NAME

LIMIT = 1 << 22
FILES = [
    *((PRICES_NAME, document.encode()) for document in PRICE_DIALECTS.values()),
    *((STORES_NAME, document.encode()) for document in STORE_DIALECTS.values()),
    *((NAME, document.encode()) for document in DIALECTS.values()),
]


def read(*, use_fast_reader: bool) -> list[ParsedFile]:
    outcomes = list(read_files(FILES, limit=LIMIT, use_fast_reader=use_fast_reader))
    return [outcome for outcome in outcomes if isinstance(outcome, ParsedFile)]


def test_a_batch_of_all_kinds_is_the_same_by_lxml_alone() -> None:
    with_fast, with_lxml = read(use_fast_reader=True), read(use_fast_reader=False)

    assert len(with_fast) == len(with_lxml) == len(FILES)
    assert {file.document for file in with_lxml} == set(Document)
    assert {file.report.reader for file in with_fast} == {Reader.FAST}
    assert {file.report.reader for file in with_lxml} == {Reader.LXML}
    for fast, lxml in zip(with_fast, with_lxml, strict=True):
        assert_frame_equal(fast.rows, lxml.rows)
        assert (fast.header, fast.report.notes) == (lxml.header, lxml.report.notes)


@pytest.mark.parametrize("number", range(len(FILES)))
def test_a_file_is_the_same_by_lxml_alone(number: int) -> None:
    name, data = FILES[number]
    fast = read_file(data, name=name, limit=LIMIT)
    lxml = read_file(data, name=name, limit=LIMIT, use_fast_reader=False)

    assert_frame_equal(fast.rows, lxml.rows)
    assert (fast.report.reader, lxml.report.reader) == (Reader.FAST, Reader.LXML)
