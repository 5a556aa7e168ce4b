"""What a reader raises that nobody foresaw becomes a code of one file."""

from collections.abc import Iterator, Sequence

import pytest

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.fast.entry import FastReader, Outcome, Xml
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.reader_errors import only_content_errors
from gogobe_dagster_tests.parsing.documents import BREAD, MILK, PRICES_NAME, prices

LIMIT = 1 << 24
POISON = "זרניך"


class MistakenReader(FastReader):
    """A fast reader with a mistake, which one product brings to light."""

    def read(self, documents: Sequence[Xml], layout: Layout) -> Iterator[Outcome]:
        for xml, outcome in zip(documents, super().read(documents, layout), strict=True):
            if POISON.encode() in bytes(xml):
                raise IndexError(f"{POISON} is out of bounds")
            yield outcome


def test_a_mistake_of_the_reader_costs_one_file_of_those_read_together(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sound, poisoned = prices(MILK, BREAD).encode(), prices({**MILK, "ItemName": POISON}).encode()

    read = list(
        read_files(
            [("first.xml", sound), ("poisoned.xml", poisoned), ("last.xml", sound)],
            limit=LIMIT,
            fast=MistakenReader(),
        )
    )

    assert [type(outcome) for outcome in read] == [ParsedFile, ContentError, ParsedFile]
    assert isinstance(read[1], ContentError)
    assert (read[1].code, read[1].reason) == (Code.READER_FAILED, f"IndexError: {POISON} is out of bounds")
    assert "'poisoned.xml' cannot be read" in caplog.text
    assert "Traceback" in caplog.text


def test_the_message_of_an_error_is_cut() -> None:
    with pytest.raises(ContentError) as raised, only_content_errors(PRICES_NAME):
        raise ValueError("long " * 1000)

    assert raised.value.reason.startswith("ValueError: long long")
    assert len(raised.value.reason) == 200


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_what_is_no_fault_of_the_file_goes_on(error: type[BaseException]) -> None:
    with pytest.raises(error), only_content_errors(PRICES_NAME):
        raise error


@pytest.mark.parametrize("use_fast_reader", [True, False])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("&#xD83D;&#xDE00;", "😀"),
        ("&#55357;&#56832;", "😀"),
        ("&#xD83D;", "�"),
        ("&#xDE00;&#xD83D;", "��"),
        ("&#0;", "�"),
        ("&#xFFFE;", "�"),
        ("&#x110000;", "�"),
        ("&#1;&#2;", " "),
        ("&#128512;&amp;&#xD83D;", "😀&�"),
    ],
)
def test_references_to_no_character_are_read_as_what_is_meant(
    written: str, meant: str, *, use_fast_reader: bool
) -> None:
    document = prices({**MILK, "ItemName": f"חלב{written}3%"}, BREAD).encode()

    parsed = read_file(document, name=PRICES_NAME, limit=LIMIT, use_fast_reader=use_fast_reader)

    assert parsed.rows["name"].to_list() == [f"חלב{meant}3%", "לחם אחיד"]
