"""`gogobe read` as a person meets it: a process of its own, files in, rows or one sentence out."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from gogobe_dagster.commands.read_output import open_output
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.file_reader import read_file
from gogobe_dagster_tests.parsing.documents import (
    BREAD,
    CHAIN,
    MILK,
    PRICES_NAME,
    STORE_DIALECTS,
    STORES_NAME,
    prices,
)
from gogobe_dagster_tests.parsing.promotion_documents import BAG, DIALECTS, SOY
from gogobe_dagster_tests.parsing.promotion_documents import NAME as PROMOTIONS_NAME

pytestmark = pytest.mark.slow

SUMMARY = {
    *("file", "kind", "dialect", "reader", "encoding", "container", "rows", "rejected", "reasons"),
    *("duplicates", "unknown", "damaged", "code"),
}
PROGRAM = str(Path(sys.executable).with_name("gogobe"))


def gogobe_read(
    *arguments: object, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PROGRAM, "read", *map(str, arguments)],
        input=stdin,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder as a person has it: prices, a store list, a login page, something hidden."""
    (tmp_path / PRICES_NAME).write_bytes(gzip.compress(prices(MILK, {**BREAD, "ItemPrice": ""}).encode()))
    (tmp_path / STORES_NAME).write_text(next(iter(STORE_DIALECTS.values())), encoding="utf-8")
    (tmp_path / "Price7290058140886-002-202611230700.gz").write_text("<html><body>Login</body></html>")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    return tmp_path


def test_a_summary_accounts_for_every_file_of_a_folder_and_the_exit_status_says_that_one_is_none(
    published: Path,
) -> None:
    ended = gogobe_read("--summary", published)

    summaries = {Path(row["file"]).name: row for row in map(json.loads, ended.stdout.decode().splitlines())}
    assert all(set(row) == SUMMARY for row in summaries.values())
    milk = summaries[PRICES_NAME]
    assert (milk["kind"], milk["rows"], milk["rejected"], milk["reasons"]) == (
        "prices",
        1,
        1,
        {"no_price": 1},
    )
    assert (milk["container"], milk["reader"], milk["dialect"]) == ("gzip", "fast", "Root/Items/Item")
    assert (summaries[STORES_NAME]["kind"], summaries[STORES_NAME]["code"]) == ("stores", None)
    page = summaries["Price7290058140886-002-202611230700.gz"]
    assert (page["kind"], page["rows"], page["code"]) == ("prices", 0, "html_instead_of_file")
    assert len(summaries) == 3
    assert ended.returncode == 1


def test_a_table_shows_milk_and_the_money_exactly(published: Path) -> None:
    ended = gogobe_read(published / PRICES_NAME, COLUMNS="160")

    shown = ended.stdout.decode()
    assert ended.returncode == 0
    assert "חלב תנובה 3% & ויטמין D" in shown
    assert " 7.10 " in shown
    assert "2026-11-23 07:00" in shown
    assert "1 of 1 rows of prices, 1 no_price" in shown


def test_csv_and_json_lines_name_the_file_the_store_and_the_moment(published: Path) -> None:
    table = gogobe_read(published / PRICES_NAME, "--format", "csv")
    lines = gogobe_read("-", "--format", "jsonl", stdin=(published / PRICES_NAME).read_bytes())

    row = next(csv.DictReader(io.StringIO(table.stdout.decode())))
    record = json.loads(lines.stdout)
    assert (row["file"], row["chain_id"], row["store_id"]) == (str(published / PRICES_NAME), CHAIN, "1")
    assert (row["code"], row["price"], row["price_set_at"]) == (
        "7290000042640",
        "7.1000",
        "2026-11-23T07:00:05+02:00",
    )
    assert (record["file"], record["chain_id"], record["price"]) == ("-", CHAIN, "7.1000")
    assert record["price_set_at"] == row["price_set_at"]


def test_csv_marks_a_name_that_a_spreadsheet_would_run_and_json_lines_do_not(tmp_path: Path) -> None:
    file = tmp_path / PRICES_NAME
    hostile = {**BREAD, "ItemName": '=HYPERLINK("http://evil.example")'}
    file.write_bytes(gzip.compress(prices({**MILK, "ItemName": "-מבצע[/bold]\x9b"}, hostile).encode()))

    table = gogobe_read(file, "--format", "csv").stdout.decode()
    lines = gogobe_read(file, "--format", "jsonl").stdout.decode()

    names = ["-מבצע[/bold]\x9b", '=HYPERLINK("http://evil.example")']
    assert [row["name"] for row in csv.DictReader(io.StringIO(table))] == [f"'{name}" for name in names]
    assert [json.loads(line)["name"] for line in lines.splitlines()] == names
    assert r"-מבצע[/bold]\x9b" in gogobe_read(file, COLUMNS="200").stdout.decode()


def test_parquet_keeps_the_types_of_the_model(published: Path, tmp_path: Path) -> None:
    target = tmp_path / "prices.parquet"

    ended = gogobe_read(published / PRICES_NAME, published / PRICES_NAME, "--output", target)

    written = pl.read_parquet(target)
    assert ended.returncode == 0
    assert written["price"].to_list() == [Decimal("7.10")] * 2
    assert written["price_set_at"].dtype == pl.Datetime("us", "UTC")
    assert not list(tmp_path.glob("*.draft"))


def test_prices_are_read_with_what_a_litre_costs(published: Path) -> None:
    table = gogobe_read(published / PRICES_NAME, "--format", "csv")
    lines = gogobe_read(published / PRICES_NAME, "--only", "prices", "--format", "jsonl")

    row, record = next(csv.DictReader(io.StringIO(table.stdout.decode()))), json.loads(lines.stdout)
    for read in (row, record):
        content = (read["base_unit"], Decimal(read["base_quantity"]), read["content_source"])
        assert content == ("l", Decimal(1), "fields")
        assert (read["comparable_price"], read["no_content_reason"] or None) == ("7.1000", None)


def test_stores_and_prices_are_not_put_into_one_csv_file(published: Path, tmp_path: Path) -> None:
    files = [published / PRICES_NAME, published / STORES_NAME]
    target = tmp_path / "all.csv"

    refused = gogobe_read(*files, "--output", target)
    chosen = gogobe_read(*files, "--output", target, "--only", "stores")

    assert refused.returncode == 2
    assert "--only prices, --only stores" in refused.stderr.decode()
    assert chosen.returncode == 0
    assert "תלפיות" in target.read_text(encoding="utf-8")


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    many = prices(*({**MILK, "ItemCode": str(number)} for number in range(5_000)))
    (tmp_path / PRICES_NAME).write_bytes(gzip.compress(many.encode()))

    piped = f"'{PROGRAM}' read '{tmp_path / PRICES_NAME}' --format csv | head -n 2"
    ended = subprocess.run(["bash", "-c", piped], capture_output=True, timeout=60, check=False)

    assert ended.stdout.startswith(b"file,chain_id,")
    assert ended.stdout.count(b"\n") == 2
    assert ended.stderr == b""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Missing argument"),
        (("no such file",), "does not exist"),
        (("--output", "prices.xlsx", PRICES_NAME), "use --format"),
        (("--format", "parquet", PRICES_NAME), "--output prices.parquet"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_sentence(
    arguments: tuple[str, ...], says: str, published: Path
) -> None:
    ended = subprocess.run(
        [PROGRAM, "read", *arguments], cwd=published, capture_output=True, timeout=60, check=False
    )

    assert ended.returncode == 2
    assert says in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


def test_a_file_larger_than_may_be_downloaded_is_refused(tmp_path: Path) -> None:
    (tmp_path / PRICES_NAME).write_bytes(b"<" * 1_100_000)

    ended = gogobe_read(tmp_path / PRICES_NAME, GOGOBE_MAX_DOWNLOAD_MB="1")

    assert ended.returncode == 1
    assert "too_large" in ended.stderr.decode()


def test_promotions_are_read_with_what_a_piece_costs(tmp_path: Path) -> None:
    file = tmp_path / PROMOTIONS_NAME
    file.write_text(DIALECTS["flat"], encoding="utf-8")
    spread = gogobe_read(file, "--only", "promotions", "--format", "csv").stdout.decode()
    nested = gogobe_read(file, "--only", "promotions", "--format", "jsonl").stdout.decode()

    items = {row["items.code"]: row for row in csv.DictReader(io.StringIO(spread))}
    assert (items[SOY]["effective_unit_price"], items[SOY]["price_basis"]) == ("5.0000", "piece")
    assert (items[BAG]["effective_unit_price"], items[BAG]["no_price_reason"]) == ("", "gift")
    offer = json.loads(nested)
    assert (offer["effective_unit_price"], offer["min_total_quantity"]) == ("5.0000", "2.0000")
    assert (offer["needs_club"], offer["needs_coupon"], offer["is_compensation"]) == (True, False, False)


@pytest.mark.parametrize(("form", "rows"), [("csv", 3), ("jsonl", 2)])
def test_lists_in_a_row_are_spread_in_csv_and_kept_in_json_lines(
    form: str, rows: int, tmp_path: Path
) -> None:
    target = tmp_path / f"offers.{form}"
    file = read_file(prices(MILK, BREAD).encode(), name=PRICES_NAME, limit=1 << 20)
    items = [[{"code": "1", "is_gift": False}, {"code": "2", "is_gift": True}], []]
    offers = file.rows.select("row_number", items=pl.Series(items))

    with open_output(form, target, max_rows=9) as output:
        output.add("offers", replace(file, document=Document.PROMOTIONS, rows=offers))

    written = target.read_text(encoding="utf-8").splitlines()
    assert len(written) == rows + (form == "csv")
    if form == "csv":
        assert written[0].endswith("row_number,items.code,items.is_gift")
        spread = [line.split(",")[-3:] for line in written[1:]]
        assert spread == [["1", "1", "false"], ["1", "2", "true"], ["2", "", ""]]
    else:
        assert json.loads(written[0])["items"] == items[0]
        assert json.loads(written[1])["items"] == []
