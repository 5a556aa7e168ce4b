"""Real files of eight chains go through the real assets and the multiprocess executor, row by row."""

from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from gogobe_dagster.feeds import find_feed
from gogobe_dagster_tests.corpus import RealFile, publish
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


def expected_end(real: RealFile) -> str:
    """Where one run leaves a file: loaded, or why not. Empty and HTML pages are to be fetched again."""
    if real.note.startswith("0 bytes"):
        return "discovered zero_byte"
    if real.note.startswith("HTML page"):
        return "discovered session_expired"  # it is the login page of Cerberus
    return "quarantined null_file" if real.kind == "NULLPrice" and not real.items else "loaded"


@pytest.mark.corpus
@pytest.mark.timeout(500)
def test_every_row_of_every_real_file_is_loaded_or_accounted_for(
    on_stage: Stage, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published: dict[tuple[str, str], RealFile] = {}
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
        accounted = sum(number or 0 for number in (rows, rejected, duplicates))
        table.add_row(feed, real.path.name, *map(str, (rows, rejected, duplicates, real.items)))
        end = state if state == "loaded" else f"{state} {code}"
        if end != expected_end(real) or (state == "loaded" and accounted != real.items):
            wrong.append((feed, real.path.name, end, rows, rejected, duplicates, real.items))
    with capsys.disabled():
        Console(width=140).print(table)
    assert not wrong, wrong
