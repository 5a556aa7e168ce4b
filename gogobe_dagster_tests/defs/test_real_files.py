"""Real files of eight chains go through the real assets and the multiprocess executor, row by row."""

from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from gogobe_dagster.feeds import find_feed
from gogobe_dagster_tests.corpus import publish
from gogobe_dagster_tests.stage import YESTERDAY, Stage

FEEDS = (
    "rami_levy",
    "yohananof",
    "keshet",
    "osher_ad",
    "tiv_taam",
    "shufersal",
    "king_store",
    "good_pharm",
)
NO_DOCUMENT = {"0 bytes": "discovered zero_byte", "HTML page": "discovered html_instead_of_file"}
"""What the manifest notes of files that hold nothing, and where one run leaves them: to be tried again."""


@pytest.mark.corpus
@pytest.mark.timeout(500)
def test_every_row_of_every_real_file_is_loaded_or_accounted_for(
    on_stage: Stage, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = {}
    for key in FEEDS:
        files = publish(corpus, find_feed(key), YESTERDAY)
        on_stage.replica.shelf(key).put(*files)
        published |= {(key, publication.name): real for publication, real in files.items()}

    on_stage.import_cells(*(f"{key}|{YESTERDAY}" for key in FEEDS))

    ledger = on_stage.query("select feed, name, state, code, rows, rejected, duplicates from file")
    assert {(feed, name) for feed, name, *_ in ledger} == set(published)
    wrong, table = [], Table("feed", "file", "rows", "rejected", "duplicates", "items of the manifest")
    for feed, name, state, code, rows, rejected, duplicates in sorted(ledger):
        real = published[feed, name]
        expected = next((end for note, end in NO_DOCUMENT.items() if real.note.startswith(note)), "loaded")
        accounted = sum(number or 0 for number in (rows, rejected, duplicates))
        table.add_row(feed, real.path.name, *map(str, (rows, rejected, duplicates, real.items)))
        is_loaded = state == "loaded"
        if (state if is_loaded else f"{state} {code}") != expected or (is_loaded and accounted != real.items):
            wrong.append((feed, real.path.name, state, code, rows, rejected, duplicates, real.items))
    with capsys.disabled():
        Console(width=140).print(table)
    assert wrong == []
