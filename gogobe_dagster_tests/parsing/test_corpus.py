"""Every real price and store file of the corpus, against its manifest and against the second reader."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rich.console import Console
from rich.table import Table

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.content import open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.fast.byte_views import NotRegular
from gogobe_dagster.parsing.fast.reader import read_batch
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.parsing.layout_detection import detect_layout
from gogobe_dagster.parsing.lxml.reader import read_with_lxml
from gogobe_dagster.parsing.normalization import normalize

LIMIT: Final = 1 << 29
REFUSED: Final = {"0 bytes": Code.ZERO_BYTE, "HTML page": Code.HTML_INSTEAD_OF_FILE}
ONLY_CAREFUL: Final = {
    "PriceFull7290876100000-003-202410070010.gz": "the gzip file is cut off: 3,081 whole rows of 5,385",
    "StoresFull7290700100008-000-000-20250821-002217": "a </SubChain> is missing",
    "StoresFull7290700100008-000-000-20250821-002217.gz": "a </SubChain> is missing",
}
REJECTED: Final = {
    "PriceFull7290876100000-003-202410070010.gz": {"damaged_row": 1},  # the one that is cut in two
    "PriceFull7290000000003-065-202408182129.xml.gz": {"no_price": 1},  # an empty <ItemPrice/>
    "shufersal_stores.xml": {"no_chain": 293},  # edited by hand: neither name nor document says a chain
}

pytestmark = [pytest.mark.slow, pytest.mark.corpus, pytest.mark.xdist_group("corpus")]


@pytest.fixture(scope="module")
def manifest(corpus: Path) -> list[dict[str, str]]:
    """The rows of the manifest about prices and stores."""
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [row for row in rows if "Promo" not in row["kind"]]


@pytest.fixture(scope="module")
def parsed(corpus: Path, manifest: list[dict[str, str]]) -> dict[str, ParsedFile | ContentError]:
    return {row["path"]: read(corpus, row) for row in manifest}


def read(corpus: Path, row: dict[str, str]) -> ParsedFile | ContentError:
    path = corpus / "files" / row["path"]
    try:
        return read_file(path.read_bytes(), name=path.name, limit=LIMIT)
    except ContentError as error:
        return error


def readable(
    manifest: list[dict[str, str]], parsed: dict[str, ParsedFile | ContentError]
) -> Iterator[tuple[dict[str, str], str, ParsedFile]]:
    for row in manifest:
        file = parsed[row["path"]]
        if isinstance(file, ParsedFile):
            yield row, row["path"].rpartition("/")[2], file


def test_every_row_of_every_file_is_accounted_for(
    manifest: list[dict[str, str]], parsed: dict[str, ParsedFile | ContentError]
) -> None:
    wrong = {
        name: (row["items"], file.report)
        for row, name, file in readable(manifest, parsed)
        if file.report.rows + file.report.rejected + file.report.duplicates != int(row["items"])
        or file.report.rows != len(file.rows)
    }

    assert wrong == {}
    assert len(manifest) > 100


def test_what_is_no_document_has_its_code(
    manifest: list[dict[str, str]], parsed: dict[str, ParsedFile | ContentError]
) -> None:
    for row in manifest:
        file = parsed[row["path"]]
        expected = next((code for note, code in REFUSED.items() if row["note"].startswith(note)), None)
        assert (file.code if isinstance(file, ContentError) else None) == expected, row["path"]


def test_the_document_is_what_the_manifest_says(
    manifest: list[dict[str, str]], parsed: dict[str, ParsedFile | ContentError]
) -> None:
    for row, name, file in readable(manifest, parsed):
        expected = Document.STORES if row["kind"].startswith("Stores") else Document.PRICES
        assert file.document is expected, name


def test_rows_are_rejected_only_where_we_know_why(
    manifest: list[dict[str, str]], parsed: dict[str, ParsedFile | ContentError]
) -> None:
    rejected = {
        name: file.report.reasons for _, name, file in readable(manifest, parsed) if file.report.reasons
    }

    assert rejected == REJECTED


def test_the_fast_reader_takes_all_but_the_torn_ones(
    manifest: list[dict[str, str]], parsed: dict[str, ParsedFile | ContentError]
) -> None:
    careful = {name for _, name, file in readable(manifest, parsed) if file.report.reader == "lxml"}
    empty = {name for row, name, _ in readable(manifest, parsed) if row["items"] == "0"}

    assert careful - empty == set(ONLY_CAREFUL)
    assert all(
        "empty_document" in file.report.notes for _, name, file in readable(manifest, parsed) if name in empty
    )


def test_nobody_overlooks_a_field(
    manifest: list[dict[str, str]], parsed: dict[str, ParsedFile | ContentError]
) -> None:
    assert {
        name: file.report.unknown for _, name, file in readable(manifest, parsed) if file.report.unknown
    } == {}


def test_damage_is_told(manifest: list[dict[str, str]], parsed: dict[str, ParsedFile | ContentError]) -> None:
    damaged = {name for _, name, file in readable(manifest, parsed) if file.report.damaged}

    assert damaged == set(ONLY_CAREFUL)


def test_both_readers_give_the_same_rows(corpus: Path, manifest: list[dict[str, str]]) -> None:
    compared = Counter[str]()
    for row in manifest:
        path = corpus / "files" / row["path"]
        if any(row["note"].startswith(note) for note in REFUSED):
            continue
        xml = open_content(path.read_bytes(), name=path.name, limit=LIMIT).xml
        layout = detect_layout(xml)
        if layout is None:
            continue
        try:
            batch = read_batch([xml], layout)
        except NotRegular:
            assert path.name in ONLY_CAREFUL
            continue
        fast, careful = batch.documents[0], read_with_lxml(xml, layout)
        document = fast.dialects.document
        assert_frame_equal(normalize(batch.rows, document).rows, normalize(careful.rows, document).rows)
        assert fast.header == careful.header, path.name
        assert (fast.declared, fast.unknown) == (careful.declared, careful.unknown), path.name
        compared[layout.dialect] += 1

    assert compared.total() > 100
    assert len(compared) >= 12


def test_every_chain_and_dialect_in_one_table(
    manifest: list[dict[str, str]],
    parsed: dict[str, ParsedFile | ContentError],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run with `-n 0` to see it."""
    facts = [
        {
            "chain": row["chain_name"],
            "document": str(file.document),
            "dialect": file.report.dialect,
            "files": 1,
            "rows": file.report.rows,
            "rejected": file.report.rejected,
            "duplicates": file.report.duplicates,
        }
        for row, _, file in readable(manifest, parsed)
    ]
    summary = (
        pl.DataFrame(facts)
        .group_by("document", "dialect", "chain")
        .sum()
        .sort("document", "dialect", "chain")
    )

    table = Table(*summary.columns, title="Corpus: prices and stores")
    for values in summary.iter_rows():
        table.add_row(*map(str, values))
    with capsys.disabled():
        Console(width=140).print(table)

    assert summary["chain"].n_unique() >= 30
