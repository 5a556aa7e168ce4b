"""The example of docs/fast-reader.md is what the fast reader really does."""

import re

import numpy as np
import pytest

from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.fast.element_paths import find_paths
from gogobe_dagster.parsing.fast.reader import read_batch
from gogobe_dagster.parsing.fast.row_boundaries import RowBoundaries
from gogobe_dagster.parsing.fast.string_views import DecodedTexts
from gogobe_dagster.parsing.fast.tokenizer import tokenize
from gogobe_dagster.parsing.layout_detection import detect_layout
from gogobe_dagster_tests.docs.pages import DOCS

PAGE = (DOCS / "fast-reader.md").read_text(encoding="utf-8")
DOCUMENT = PAGE.split("```xml\n")[1].split("\n```")[0].encode()
TEXTS = re.findall(r"^\| (\d+) \| `(.+)` \| (\d+)–(\d+) \|(?: `(.+)`)? \|$", PAGE, re.MULTILINE)
VIEWS = re.findall(r"^\| `(.+)` \| `((?:[0-9a-f]{8} ?){4})` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("number", "separator", "start", "stop", "text"), TEXTS)
def test_each_text_is_where_the_page_says(
    number: str, separator: str, start: str, stop: str, text: str
) -> None:
    tokens = tokenize([DOCUMENT])
    index, offset = int(number), int(tokens.bounds[0])
    first, last = int(tokens.starts[index]), int(tokens.stops[index])

    assert (first - offset, last - offset) == (int(start), int(stop))
    assert tokens.buffer[first:last] == text.encode()
    written = tokens.separators[tokens.separator_ids[index]].text.decode()
    assert written.replace("\n", "⏎") == separator


def test_rows_begin_where_the_page_says() -> None:
    tokens, layout = tokenize([DOCUMENT]), detect_layout(DOCUMENT)
    assert layout
    boundaries = RowBoundaries(tokens, find_paths(tokens), layout)

    assert (len(tokens), len(tokens.separators), DOCUMENT.count(b"<")) == (16, 9, 30)
    assert boundaries.rows.tolist() == [1, 5, 9]


@pytest.mark.parametrize(("text", "view"), VIEWS)
def test_views_are_as_the_page_says(text: str, view: str) -> None:
    tokens = tokenize([DOCUMENT])
    texts = DecodedTexts(tokens)

    assert bytes.fromhex(view) in [made.tobytes() for made in texts._views]  # noqa: SLF001 - what the page shows
    assert len(VIEWS) == 3
    assert text in texts.column(np.arange(len(tokens))).to_list()


def test_the_columns_are_those_of_the_page() -> None:
    layout = detect_layout(DOCUMENT)
    assert layout

    for row in read_batch([DOCUMENT], layout).rows.iter_rows():
        assert f"| {' | '.join(map(str, row))} |" in PAGE


def test_every_reason_for_lxml_is_explained() -> None:
    explained = set(re.findall(r"\| `(\w+)` \|$", PAGE, re.MULTILINE))

    assert {note.value for note in Note if note.is_reason_for_lxml} <= explained
