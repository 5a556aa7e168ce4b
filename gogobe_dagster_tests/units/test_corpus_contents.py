"""Comparable prices of every real row, against the unit prices that the chains publish.

`-n 0` shows the tables.
"""

import csv
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from rich.console import Console
from rich.table import Table

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.units.comparable import with_comparable_prices
from gogobe_dagster.units.reasons import NoContentReason
from gogobe_dagster.units.table import read_measure

pytestmark = [pytest.mark.slow, pytest.mark.corpus, pytest.mark.xdist_group("corpus")]

LIMIT: Final = 1 << 29
LETTER: Final = "[א-תA-Za-z]"
ROUNDING: Final = 0.02
"""Chains state prices of 100 grams with two digits."""
DEPOSIT: Final = 0.3
"""ILS for a bottle or can, which is in the price and not in the unit price."""
BOTTLES: Final = (1, 2, 3, 4, 6, 8, 10, 12, 20, 24)
HALF_AGORA: Final = 0.0051
AGREES, NO_MEASURE, DIFFERS = "agrees", "no measure", "differs"
PER_PACKAGE, NO_DEPOSIT = "per package", "without deposit"
POWERS: Final = {"× 1/1000": 0.001, "× 1/100": 0.01, "× 1/10": 0.1, "× 10": 10, "× 100": 100, "× 1000": 1000}
EXPLAINED: Final = (AGREES, *POWERS, PER_PACKAGE, NO_DEPOSIT)
OUTCOMES: Final = (*EXPLAINED, DIFFERS, NO_MEASURE)
MANY: Final = 500


def number(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64)


@pytest.fixture(scope="module")
def prices(corpus: Path) -> pl.DataFrame:
    """Every row of every price file, with `chain` and comparable prices."""
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        manifest = [row for row in csv.DictReader(file, delimiter="\t") if "Price" in row["kind"]]
    served = ((row["path"], (corpus / "files" / row["path"]).read_bytes()) for row in manifest)
    frames = [
        outcome.rows.with_columns(pl.lit(row["chain_name"]).alias("chain"))
        for row, outcome in zip(manifest, read_files(served, limit=LIMIT), strict=True)
        if not isinstance(outcome, ContentError) and outcome.document is Document.PRICES
    ]
    return with_comparable_prices(pl.concat(frames))


def show(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        Console(width=150).print(table)


def test_nearly_every_row_with_a_usable_content_has_a_comparable_price(
    prices: pl.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    units = (
        pl.col(name).str.contains(LETTER).fill_null(value=False)
        for name in ("unit_quantity", "unit_of_measure")
    )
    states_content = pl.col("is_weighted").fill_null(value=False) | (
        pl.any_horizontal(*units) & (pl.col("quantity") > 0)
    )
    counts = prices.group_by("chain").agg(
        pl.len().alias("rows"),
        (states_content & (pl.col("price") > 0)).sum().alias("usable"),
        (states_content & pl.col("comparable_price").is_not_null()).sum().alias("comparable"),
        (pl.col("content_source") == "name").sum().alias("by name"),
        *((pl.col("no_content_reason") == reason).sum().alias(reason) for reason in NoContentReason),
    )
    table = Table(*counts.columns, title="Contents")
    for row in counts.sort("chain").iter_rows():
        table.add_row(*map(str, row))
    show(table, capsys)

    rows, share = counts.select(
        pl.col("rows").sum(), pl.col("comparable").sum() / pl.col("usable").sum()
    ).row(0)
    assert rows > 160_000
    assert share >= 0.97
    no_price = prices.filter(pl.col("comparable_price").is_null() & pl.col("no_content_reason").is_null())
    assert no_price.filter(pl.col("price") > 0).is_empty()


def outcome() -> pl.Expr:
    """What the published unit price is, measured against that of its unit of measure."""
    published, price = number("published_unit_price"), number("price")
    expected = number("comparable_price") * number("measure_size")
    ratio = published / expected
    is_agreed = ((ratio - 1).abs() < ROUNDING) | ((published - expected).abs() <= HALF_AGORA)
    powers = (
        pl.when((ratio / factor - 1).abs() < ROUNDING).then(pl.lit(text)) for text, factor in POWERS.items()
    )
    return pl.coalesce(
        pl.when(is_agreed).then(pl.lit(AGREES)),
        *powers,
        pl.when(published == price).then(pl.lit(PER_PACKAGE)),
        pl.when(is_without_deposit()).then(pl.lit(NO_DEPOSIT)),
        pl.lit(DIFFERS),
    )


def is_without_deposit() -> pl.Expr:
    """Per measure, per hundred of it, or per package."""
    measures = number("base_quantity") / number("measure_size")
    return pl.any_horizontal(
        (number("price") - DEPOSIT * bottles - number("published_unit_price") * scale).abs()
        <= HALF_AGORA * (1 + scale)
        for bottles in BOTTLES
        for scale in (measures, measures / 100, pl.lit(1.0))
    )


def measured(prices: pl.DataFrame) -> pl.DataFrame:
    """Rows with both prices and `outcome`."""
    texts = prices["unit_of_measure"].unique().drop_nulls()
    measures = pl.DataFrame(
        [
            (text, measure.base_unit.value, float(measure.size))
            for text in texts
            if (measure := read_measure(text))
        ],
        schema={"unit_of_measure": pl.String(), "measure_unit": pl.String(), "measure_size": pl.Float64()},
        orient="row",
    )
    both = prices.filter(pl.col("comparable_price").is_not_null() & (pl.col("published_unit_price") > 0))
    joined = both.join(measures, on="unit_of_measure", how="left")
    is_measured = (pl.col("measure_unit") == pl.col("base_unit")).fill_null(value=False)
    return joined.with_columns(
        pl.when(is_measured).then(outcome()).otherwise(pl.lit(NO_MEASURE)).alias("outcome")
    )


def test_published_unit_prices_agree_by_chain_or_by_a_power_of_ten(
    prices: pl.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = measured(prices)
    counts = rows.group_by("chain").agg(*((pl.col("outcome") == one).sum().alias(one) for one in OUTCOMES))
    table = Table("chain", *OUTCOMES, title="Published unit price, in that of the unit of measure")
    for row in counts.sort("chain").iter_rows():
        table.add_row(*map(str, row))
    show(table, capsys)
    shares = counts.select(
        "chain",
        pl.sum_horizontal(EXPLAINED).alias("explained"),
        pl.sum_horizontal(*EXPLAINED, DIFFERS).alias("all"),
    ).filter(pl.col("all") >= MANY)

    assert len(shares) > 10
    assert shares.filter(pl.col("explained") < 0.999 * pl.col("all")).rows() == []


def test_a_power_of_ten_is_told_from_agreement(prices: pl.DataFrame) -> None:
    """Shufersal publishes prices of the unit of measure, Politzer those of one gram beside "100 grams"."""
    per_hundred = measured(prices).filter(pl.col("unit_of_measure") == "100 גרם")
    shares = dict(
        per_hundred.group_by("chain")
        .agg(pl.col("outcome").value_counts(sort=True).first().struct.field("outcome"))
        .iter_rows()
    )

    assert shares["Shufersal"] == shares["Keshet Teamim"] == AGREES
    assert shares["Politzer"] == shares["Rami Levy"] == shares["Yohananof"] == "× 1/100"
    assert shares["King Store"] == PER_PACKAGE
