"""The resolver against every store list of the corpus, and against stores that were checked by hand."""

import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.localities.resolver import resolve_store
from gogobe_dagster.parsing.batch_reader import read_files

LIMIT = 64 << 20
HERE = Path(__file__).parent
NAMES_NO_LOCALITY = {"no_shop", "no_locality_named", "outside_every_locality"}
"""Why a store has no locality although nothing was missed: its row names none."""

Fields = tuple[str, str, str]


def table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def fields(row: Mapping[str, str | None]) -> Fields:
    return row["city"] or "", row["address"] or "", row["store_name"] or ""


@pytest.fixture(scope="module")
def stores(corpus: Path) -> list[tuple[str, Fields]]:
    """Chain and fields of every row of every store list."""
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        manifest = [row for row in csv.DictReader(file, delimiter="\t") if row["kind"].startswith("Stores")]
    served = ((row["path"], (corpus / "files" / row["path"]).read_bytes()) for row in manifest)
    found = []
    for row, outcome in zip(manifest, read_files(served, limit=LIMIT), strict=True):
        if isinstance(outcome, ContentError) or outcome.document is not Document.STORES:
            continue
        columns = outcome.rows.select("city", "address", store_name="name").iter_rows(named=True)
        found += [(row["chain_name"], fields(store)) for store in columns]
    return found


def test_the_checked_stores_are_resolved_and_none_is_wrong() -> None:
    checked = table("checked_stores.tsv")
    right = Counter[bool]()
    for row in checked:
        place = resolve_store(*fields(row)).locality
        assert place is None or str(place.code) == row["code"], row
        right[place is not None] += 1

    assert len(checked) == 300
    assert right[True] >= 266


@pytest.mark.corpus
def test_stores_without_a_locality_are_those_that_are_written_down(stores: list[tuple[str, Fields]]) -> None:
    unresolved = {store for _, store in stores if resolve_store(*store).locality is None}

    assert unresolved == {fields(row) for row in table("unresolved_stores.tsv")}


@pytest.mark.corpus
def test_nearly_every_store_of_the_lists_has_a_locality(stores: list[tuple[str, Fields]]) -> None:
    """98 in 100 of the rows that name a locality at all; 96 in 100 of all rows."""
    why = {fields(row): row["why"] for row in table("unresolved_stores.tsv")}
    by_chain = defaultdict[str, Counter[str]](Counter)
    for chain, store in stores:
        by_chain[chain][why.get(store, "resolved")] += 1
    total = sum(by_chain.values(), Counter[str]())
    report(by_chain, total)

    named = total.total() - sum(total[reason] for reason in NAMES_NO_LOCALITY)
    assert total["resolved"] / named >= 0.98
    assert total["resolved"] / total.total() >= 0.96


def report(by_chain: Mapping[str, Counter[str]], total: Counter[str]) -> None:
    """Print a line for each chain; pytest shows it with -rP."""
    reasons = sorted(set(total) - {"resolved"})
    lines = [["chain", "rows", "resolved", *reasons]]
    for chain, counts in [*sorted(by_chain.items()), ("all", total)]:
        share = f"{counts['resolved'] / counts.total():.1%}"
        lines.append([chain, f"{counts.total()}", share, *(f"{counts[reason]}" for reason in reasons)])
    sys.stdout.write("\n".join("\t".join(line) for line in lines) + "\n")
