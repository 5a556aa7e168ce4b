"""Real files of eight chains go through the real assets and the multiprocess executor, row by row."""

from pathlib import Path

import polars as pl
import pytest
from rich.console import Console
from rich.table import Table

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster_tests.corpus import RealFile, publish
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

pytestmark = pytest.mark.slow

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

STORE = ["chain_id", "sub_chain_id", "store_id"]
LOADED_PRODUCTS = """
select distinct s.chain_id, s.sub_chain_id, s.store_id, p.code
from price_history join store s using (store_key) join chain_product p using (product_key)
where p.chain_id = s.chain_id
"""
NOT_LOADED = """
select f.feed, f.name, r.reason, r.row_number from reject r join file f using (file_id)
where r.stage = 'load' order by 1, 2, 4
"""


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
    import_env: ImportEnv, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published: dict[tuple[str, str], RealFile] = {}
    for key in FEEDS:
        files = publish(corpus, find_feed(key), yesterday())
        import_env.replica.publications(key).put(*files)
        published |= {(key, publication.name): real for publication, real in files.items()}

    import_env.import_partitions(*(f"{key}|{yesterday()}" for key in FEEDS))

    ledger = import_env.query("select feed, name, state, code, rows, rejected, duplicates from file")
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
        for rows_skipped in import_env.query(NOT_LOADED):
            Console(width=140).print(*rows_skipped)
    assert not wrong, wrong
    assert_the_tables_hold_what_the_lake_holds(import_env)


def assert_the_tables_hold_what_the_lake_holds(import_env: ImportEnv) -> None:
    """Compare stores and codes of all loaded rows with the tables, whatever the ledger counts.

    A row that was not loaded takes no code away: the row of its file that was loaded instead has the same.
    """
    files = [file for key in FEEDS for file in import_env.resources.ledger.of_days(key, [yesterday()])]
    loaded = [file for file in files if file.state is FileState.LOADED]
    listed, priced = (
        in_lake(import_env, loaded, document) for document in (Document.STORES, Document.PRICES)
    )

    stated, loaded_products = (
        set(priced.select(*STORE, "code").iter_rows()),
        set(import_env.query(LOADED_PRODUCTS)),
    )
    assert stated == loaded_products, (
        len(stated),
        len(loaded_products),
        sorted(stated ^ loaded_products)[:20],
    )
    stores = {*listed.select(STORE).iter_rows(), *priced.select(STORE).iter_rows()}
    known = import_env.query("select chain_id, sub_chain_id, store_id from store")
    assert sorted(stores) == sorted(known)
    assert loaded_products  # two empty sides would be equal


def in_lake(import_env: ImportEnv, files: list[LedgerFile], document: Document) -> pl.DataFrame:
    """Return the rows that the lake has of these files; a price file's rows are about the file's store."""
    of_document = [file for file in files if file.kind and file.kind.document is document]
    rows = import_env.resources.lake.read(document, {file.id: str(file.lake_path) for file in of_document})
    if document is Document.STORES:
        return rows
    stores = [(file.id, file.chain_id, file.sub_chain_id, file.store_id) for file in of_document]
    return rows.join(pl.DataFrame(stores, schema=["file_id", *STORE], orient="row"), on="file_id")
