"""What the comments of prices and promotions claim, as predicates over real rows.

One file per chain and kind is read. `-n 0` shows the table of agreement.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from rich.console import Console
from rich.table import Table

from gogobe_dagster.errors import ContentError, UnknownFileName
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.names import FileName
from gogobe_dagster.parsing import meanings
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.warehouse.load.gtin import gtin

pytestmark = [pytest.mark.slow, pytest.mark.corpus, pytest.mark.xdist_group("corpus")]

MAX_BYTES: Final = 4 << 20
LETTER: Final = "[א-תA-Za-z]"
PUBLISHED: Final = pl.col("published_at") + pl.duration(hours=1)
"""Portals' clocks differ by some minutes."""
OF_QUANTITY: Final = (
    *("Bareket", "Carrefour (formerly Mega)", "Fresh Market / Super Dosh", "Maayan 2000", "Osher Ad"),
    *("Politzer", "Rami Levy", "Shefa Birkat Hashem", "Victory", "Yeinot Bitan", "Yohananof"),
)
"""Chains whose published unit price is price / quantity."""
OF_MEASURE: Final = ("Dor Alon (AM:PM)", "Keshet Teamim", "Mahsanei HaShuk", "Shufersal")
"""Chains whose published unit price is that of one unit of measure."""


def number(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64)


def is_near(value: pl.Expr, expected: float) -> pl.Expr:
    return (value / expected - 1).abs() < 0.02  # prices have two decimals


PER_QUANTITY: Final = number("published_unit_price") * number("quantity") / number("price")
"""1 where it is the price of one unit of `quantity`, 100 where it is that of a hundred."""


@dataclass(frozen=True)
class Claim:
    """A part of a comment that can be wrong, and the share of the stated values for which it must hold."""

    text: str
    holds: pl.Expr
    share: float = 0.99
    among: pl.Expr | None = None


def is_between(name: str, low: float, high: float) -> pl.Expr:
    return number(name).is_between(low, high)


def has_letters(name: str) -> Claim:
    return Claim("a text", pl.col(name).str.contains(LETTER))


def is_flag(name: str) -> Claim:
    return Claim("true or false", pl.col(name).is_in([True, False]))


IS_COMPARABLE: Final = (number("price") > 0) & (number("quantity") > 0) & (number("published_unit_price") > 0)
PRICES: Final[Mapping[str, list[Claim]]] = {
    "code": [Claim("trimmed", ~pl.col("code").str.contains(r"^\s|\s$|^$"), 1)],
    "article": [Claim("trimmed", ~pl.col("article").str.contains(r"^\s|\s$|^$"), 1)],
    "is_barcode": [Claim("a GTIN", gtin().is_not_null(), 0.9, pl.col("is_barcode"))],
    "name": [has_letters("name")],
    "manufacturer": [has_letters("manufacturer")],
    "country": [
        Claim(
            "ISO code or name", pl.col("country").str.contains(f"^[A-Z]{{2}}$|{LETTER}{{3}}|^[א-ת ]+$"), 0.97
        )
    ],
    "description": [has_letters("description")],
    "unit_quantity": [has_letters("unit_quantity")],
    "quantity": [Claim("not negative", number("quantity") >= 0)],
    "unit_of_measure": [
        Claim("a text, perhaps with a number", pl.col("unit_of_measure").str.contains(LETTER), 0.95)
    ],
    "is_weighted": [
        Claim(
            "its unit is a weight",
            pl.col("unit_quantity").str.contains("ק|גר|g|kg"),
            0.97,
            pl.col("is_weighted"),
        )
    ],
    "quantity_in_package": [Claim("whole, not negative", (number("quantity_in_package") % 1 == 0))],
    "price": [Claim("0 to 30,000", is_between("price", 0, 30_000), 0.999)],
    "published_unit_price": [
        Claim(
            "price / quantity",
            is_near(PER_QUANTITY, 1),
            0.94,
            IS_COMPARABLE & pl.col("chain").is_in(OF_QUANTITY),
        ),
        Claim(
            "of 100 where the measure is 100",
            is_near(PER_QUANTITY, 100),
            0.94,
            IS_COMPARABLE
            & pl.col("chain").is_in(OF_MEASURE)
            & pl.col("unit_of_measure").str.contains("100")
            & pl.col("unit_quantity").str.contains('גרם|גרמים|מיליליטר|מ"ל'),
        ),
    ],
    "allows_discount": [is_flag("allows_discount")],
    "status": [Claim("0 to 3", is_between("status", 0, 3))],
    "price_set_at": [
        Claim(
            "before the file", pl.col("price_set_at") <= PUBLISHED, among=pl.col("published_at").is_not_null()
        )
    ],
    "last_sold_at": [
        Claim(
            "before the file", pl.col("last_sold_at") <= PUBLISHED, among=pl.col("published_at").is_not_null()
        )
    ],
}
PROMOTIONS: Final[Mapping[str, list[Claim]]] = {
    "promotion_id": [Claim("no leading zeros", ~pl.col("promotion_id").str.contains("^0[0-9]"), 1)],
    "content_hash": [Claim("32 hex digits", pl.col("content_hash").str.contains("^[0-9a-f]{32}$"), 1)],
    "group_id": [Claim("1 or more", pl.col("group_id") >= 0, 1)],
    "description": [has_letters("description")],
    "starts_at": [Claim("before its end", pl.col("starts_at") <= pl.col("ends_at"))],
    "ends_at": [Claim("after its start", pl.col("starts_at") <= pl.col("ends_at"))],
    "updated_at": [Claim("not after 2100", pl.col("updated_at").dt.year() < 2100)],
    "reward_type": [Claim("0 to 14", is_between("reward_type", 0, 14))],
    "discount_type": [Claim("0 to 3", is_between("discount_type", 0, 3))],
    "discount_rate": [Claim("at most hundredths of 100 %", number("discount_rate").abs() <= 10_000, 0.95)],
    "discounted_price": [Claim("ILS", is_between("discounted_price", -1_000, 20_000), 0.99)],
    "discounted_price_per_mida": [
        Claim("ILS", is_between("discounted_price_per_mida", -1_000, 20_000), 0.99)
    ],
    "min_quantity": [Claim("pieces or kilograms", is_between("min_quantity", 0, 1_000), 0.97)],
    "max_quantity": [Claim("not negative", number("max_quantity") >= 0)],
    "min_purchase_amount": [Claim("ILS", is_between("min_purchase_amount", 0, 20_000))],
    "min_basket_amount": [Claim("ILS", is_between("min_basket_amount", 0, 20_000))],
    "min_amount": [Claim("not negative", number("min_amount") >= 0)],
    "max_amount": [Claim("not negative", number("max_amount") >= 0)],
    "min_items_offered": [Claim("not negative", number("min_items_offered") >= 0)],
    "gift_count": [Claim("not negative", number("gift_count") >= 0)],
    "redemption_limit": [Claim("not negative", number("redemption_limit") >= 0)],
    "weight_unit": [Claim("a small number", is_between("weight_unit", 0, 10))],
    "is_weighted": [is_flag("is_weighted")],
    "allows_multiple_discounts": [is_flag("allows_multiple_discounts")],
    "is_coupon": [is_flag("is_coupon")],
    "is_total": [is_flag("is_total")],
    "is_active": [is_flag("is_active")],
    "club_ids": [Claim("codes with commas", pl.col("club_ids").str.contains("^[0-9]+(,[0-9]+)*$"), 0.97)],
    "days": [Claim("not blank", pl.col("days").str.strip_chars() != "")],
    "remarks": [Claim("not blank", pl.col("remarks").str.strip_chars() != "")],
    "items": [Claim("each once", pl.col("items").list.n_unique() == pl.col("items").list.len(), 1)],
}
CLAIMS: Final = {Document.PRICES: PRICES, Document.PROMOTIONS: PROMOTIONS}


def read(path: Path) -> ParsedFile | None:
    try:
        return read_file(path.read_bytes(), name=path.name, limit=1 << 28)
    except ContentError:
        return None


def published_at(name: str) -> pl.Expr:
    try:
        return pl.lit(FileName.parse(name).published_at).dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    except UnknownFileName:
        return pl.lit(None, pl.Datetime("us", "UTC"))


@pytest.fixture(scope="module")
def rows(corpus: Path) -> dict[Document, pl.DataFrame]:
    """The rows of one file per chain and kind, with `chain` and `published_at`."""
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        manifest = list(csv.DictReader(file, delimiter="\t"))
    paths = {(row["chain_name"], row["kind"]): corpus / "files" / row["path"] for row in manifest}
    frames: dict[Document, list[pl.DataFrame]] = {document: [] for document in CLAIMS}
    for (chain, _), path in paths.items():
        parsed = read(path) if path.stat().st_size <= MAX_BYTES else None
        if parsed is not None and parsed.document in frames:
            about = {"chain": pl.lit(chain), "published_at": published_at(path.name)}
            frames[parsed.document].append(parsed.rows.with_columns(**about))
    return {document: pl.concat(some) for document, some in frames.items()}


@pytest.mark.parametrize("document", CLAIMS, ids=str)
def test_every_claim_of_a_comment_holds_in_real_files(
    rows: dict[Document, pl.DataFrame], document: Document, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table("column", "claim", "values", "agree", "at least", title=f"Comments of {document}")
    wrong = []
    for column, claims in CLAIMS[document].items():
        for claim in claims:
            among = pl.col(column).is_not_null() & (claim.among if claim.among is not None else True)
            holds = rows[document].filter(among).select(claim.holds.alias("holds"))["holds"].drop_nulls()
            share = holds.mean() if len(holds) else None
            table.add_row(
                column,
                claim.text,
                f"{len(holds):,}",
                "" if share is None else f"{share!s:.6}",
                f"{claim.share}",
            )
            wrong += [(column, claim.text, share)] if isinstance(share, float) and share < claim.share else []
    with capsys.disabled():
        Console(width=110).print(table)

    assert wrong == []


def test_a_price_per_gram_would_not_pass_for_one_of_the_unit_of_measure(
    rows: dict[Document, pl.DataFrame],
) -> None:
    """A comment that says so for every chain is wrong for most of them."""
    of_hundred = pl.col("unit_of_measure").str.contains("100") & pl.col("chain").is_in(OF_QUANTITY)
    prices = rows[Document.PRICES].filter(IS_COMPARABLE & of_hundred)

    agreement = prices.select(is_near(PER_QUANTITY, 100).mean()).item()

    assert len(prices) > 1_000
    assert agreement < 0.01


def test_every_column_has_a_claim() -> None:
    assert PRICES.keys() == meanings.PRICE.keys()
    assert PROMOTIONS.keys() == meanings.OFFER.keys()
