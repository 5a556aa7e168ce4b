"""Every real promotion file of the corpus, against its manifest and against the second reader."""

import csv
from collections import Counter
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rich.console import Console
from rich.table import Table

from gogobe_dagster.files.content import open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.parsing.document_chunks import LARGE_BYTES
from gogobe_dagster.parsing.fast.entry import FastReader
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.parsing.layout_detection import detect_layout
from gogobe_dagster.parsing.promotions.reader import read_promotions
from gogobe_dagster_tests.lake.test_parquet_lake import DAY

LIMIT: Final = 1 << 29
MISCOUNTED: Final = {"goodpharm_promofull.xml": "the manifest: a cut of a file that counts 652 and has 2"}
REPEATED: Final = {
    "kingDL__Beer Sheva_promo_20250607_1100.gz": 224,  # the same codes twice in one promotion
    "PromoFull7290526500006-013-202602170010": 1,
}

pytestmark = [pytest.mark.slow, pytest.mark.corpus, pytest.mark.xdist_group("corpus")]


@pytest.fixture(scope="module")
def manifest(corpus: Path) -> list[dict[str, str]]:
    """The rows of the manifest about promotions."""
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [row for row in rows if "Promo" in row["kind"]]


@pytest.fixture(scope="module")
def parsed(corpus: Path, manifest: list[dict[str, str]]) -> list[tuple[dict[str, str], str, ParsedFile]]:
    """Each row of the manifest, the file's name, and the file."""
    paths = [corpus / "files" / row["path"] for row in manifest]
    files = [read_file(path.read_bytes(), name=path.name, limit=LIMIT) for path in paths]
    return list(zip(manifest, [path.name for path in paths], files, strict=True))


Parsed = list[tuple[dict[str, str], str, ParsedFile]]


def test_every_element_of_every_file_is_accounted_for(parsed: Parsed) -> None:
    assert len(parsed) > 50
    for row, name, file in parsed:
        report = file.report
        assert report.promotions, name
        assert report.items, name
        assert report.promotions.elements == int(row["items"]), name
        for tally in (report.promotions, report.items):
            assert (
                tally.elements == tally.accepted + tally.rejected + tally.duplicates + tally.without_code
            ), name
        assert report.rows == len(file.rows), name
        assert report.items.accepted == file.rows["items"].list.len().sum(), name
        assert file.document is Document.PROMOTIONS, name


def test_the_long_one_is_whole(parsed: Parsed) -> None:
    (long,) = (file for row, _, file in parsed if int(row["bytes_raw"]) > LARGE_BYTES)

    assert long.report.items
    assert (len(long.rows), long.report.items.accepted) == (1_458, 758_197)
    assert long.rows["items"].list.len().max() == 34_900
    assert long.report.reader == "fast"


def test_nothing_is_rejected_unknown_or_left_to_the_careful_reader(parsed: Parsed) -> None:
    empty = {name for row, name, _ in parsed if row["items"] == "0"}

    assert {name: file.report.reasons for _, name, file in parsed if file.report.reasons} == {}
    assert {name: file.report.unknown for _, name, file in parsed if file.report.unknown} == {}
    assert {name for _, name, file in parsed if file.report.reader == "lxml"} == empty
    assert {name for _, name, file in parsed if "empty_document" in file.report.notes} == empty
    assert {name for _, name, file in parsed if "count_mismatch" in file.report.notes} == set(MISCOUNTED)
    assert {name: file.report.duplicates for _, name, file in parsed if file.report.duplicates} == REPEATED


def test_what_the_files_say_is_what_the_census_counted(parsed: Parsed) -> None:
    """The numbers are counts of tags over all files, made without any of our code."""
    short = [(row, file) for row, _, file in parsed if int(row["bytes_raw"]) < LARGE_BYTES]
    rows = pl.concat([file.rows.with_columns(pl.lit(row["root"]).alias("root")) for row, file in short])
    flat = rows.filter(pl.col("root") != "Promos")

    assert flat["promotion_id"].len() == 16_739 + 4_851 + 4  # K says terms by item: 9 offers of 5 promotions
    assert int(flat["min_basket_amount"].is_not_null().sum()) == 1_278
    assert int(flat["weight_unit"].is_not_null().sum()) == 12_911
    assert flat.filter(pl.col("club_ids").is_null()).is_empty()
    assert not rows["promotion_id"].str.starts_with("0").any()
    items = 75_119 + 332 + 49 + 22_569 + 7_849 - sum(REPEATED.values())
    assert int(rows["items"].list.len().sum()) == items - 1  # a code of zeros


def test_both_readers_give_the_same_offers(corpus: Path, manifest: list[dict[str, str]]) -> None:
    compared = Counter[str]()
    for row in manifest:
        path = corpus / "files" / row["path"]
        if int(row["bytes_raw"]) > LARGE_BYTES or row["items"] == "0":
            continue
        xml = open_content(path.read_bytes(), name=path.name, limit=LIMIT).xml
        layout = detect_layout(xml)
        assert layout
        fast = read_promotions([xml], layout, FastReader())
        careful = read_promotions([xml], layout, None)
        assert (fast.reader, careful.reader) == ("fast", "lxml"), path.name
        assert_frame_equal(fast.rows, careful.rows)
        assert (fast.header, fast.declared) == (careful.header, careful.declared), path.name
        assert (fast.promotions, fast.items) == (careful.promotions, careful.items), path.name
        compared[layout.dialect] += 1

    assert compared.total() > 45
    assert set(compared) == {"Root/Promotions/Promotion", "root/Promotions/Promotion", "Promos/Sales/Sale"}


def test_offers_come_back_from_the_lake_as_they_were(parsed: Parsed, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    with lake.batch(Document.PROMOTIONS, feed="all", day=DAY, key="k") as batch:
        for number, (_, _, file) in enumerate(parsed):
            batch.add(number, file.rows)

    back = lake.read(Document.PROMOTIONS, dict.fromkeys(range(len(parsed)), batch.path))

    for number, (_, name, file) in enumerate(parsed):
        assert back.filter(file_id=number).drop("file_id").equals(file.rows), name


def test_every_chain_and_dialect_of_promotions_in_one_table(
    parsed: Parsed, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run with `-n 0` to see it."""
    facts = [
        {
            "dialect": file.report.dialect,
            "chain": row["chain_name"],
            "files": 1,
            "promotions": tallies[0].elements,
            "offers": file.report.rows,
            "items": tallies[1].elements,
            "rejected": file.report.rejected,
            "duplicates": file.report.duplicates,
        }
        for row, _, file in parsed
        if (tallies := (file.report.promotions, file.report.items)) and tallies[0] and tallies[1]
    ]
    summary = pl.DataFrame(facts).group_by("dialect", "chain").sum().sort("dialect", "chain")

    table = Table(*summary.columns, title="Corpus: promotions")
    for values in summary.iter_rows():
        table.add_row(*map(str, values))
    with capsys.disabled():
        Console(width=140).print(table)

    assert summary["chain"].n_unique() >= 18
