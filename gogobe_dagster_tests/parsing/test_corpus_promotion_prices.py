"""What promotions cost in every real file, against the chain's own words."""

import csv
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
import pytest
from rich.console import Console
from rich.table import Table

from gogobe_dagster.parsing.file_reader import read_file
from gogobe_dagster.parsing.promotions.pricing.legs import with_pricing
from gogobe_dagster.parsing.promotions.pricing.shopper_price import with_shopper_prices
from gogobe_dagster_tests.parsing.contradicted_words import CONTRADICTED, NO_PRICE
from gogobe_dagster_tests.parsing.promotion_words import Said, read_words

LIMIT: Final = 1 << 29
REGULAR: Final = 1000
"""ILS: dear enough that an amount off leaves something, and a part of it is told from an amount."""
DEARER: Final = Fraction(187, 100)
"""Than a price that the words state. As dear as the whole offer, it would be a package and have no price."""
CENT: Final = Fraction(11, 1000)
ROUNDING: Final = Fraction(1, 5000)
"""Chains state two thirds and prices of a kilogram with two digits."""

pytestmark = [pytest.mark.slow, pytest.mark.corpus, pytest.mark.xdist_group("corpus")]


class Compared(NamedTuple):
    """An offer with words of a known form."""

    form: str
    chain: str
    reward_type: int
    words: str
    outcome: str
    """`agrees`, `disagrees`, or why there is no price."""


@pytest.fixture(scope="module")
def compared(corpus: Path) -> list[Compared]:
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if "Promo" in row["kind"]]
    return [offer for row in rows for offer in _compare(corpus / "files" / row["path"], row["chain_name"])]


def _compare(path: Path, chain: str) -> Iterator[Compared]:
    offers = with_pricing(read_file(path.read_bytes(), name=path.name, limit=LIMIT).rows)
    words = [_words_of(offer) for offer in offers.iter_rows(named=True)]
    prices = with_shopper_prices(
        offers.with_columns(
            pl.Series("regular_price", [_regular_price(found) for found in words], pl.Float64),
            pl.lit(value=False).alias("is_gift"),
            pl.Series(
                "product_is_weighted", [found and found.form == "N kg for X" for found in words], pl.Boolean
            ),
        )
    )
    for offer, found in zip(prices.iter_rows(named=True), words, strict=True):
        if found:
            outcome = offer["no_price_reason"] or _outcome(found, offer["effective_unit_price"])
            yield Compared(found.form, chain, offer["reward_type"], offer["description"], outcome)


def _words_of(offer: dict[str, Any]) -> Said | None:
    return read_words(offer["description"] or "", Fraction(offer["min_quantity"] or 1) or Fraction(1))


def _regular_price(words: Said | None) -> float:
    """No reader sees it: what one piece costs without the offer."""
    return float(DEARER * words.amount) if words and words.share == 0 else REGULAR


def _outcome(words: Said, price: Any) -> str:
    expected = words.price(Fraction(REGULAR))
    return "agrees" if abs(Fraction(price) - expected) <= CENT + ROUNDING * expected else "disagrees"


def test_prices_are_what_the_words_say(compared: list[Compared], capsys: pytest.CaptureFixture[str]) -> None:
    """Run with `-n 0` to see the table."""
    with capsys.disabled():
        Console(width=120).print(_table(compared))
    believed = [offer for offer in compared if offer.words not in CONTRADICTED]
    forms = Counter(offer.form for offer in believed)
    agreed = Counter(offer.form for offer in believed if offer.outcome == "agrees")

    assert {form: agreed[form] / count for form, count in forms.items() if agreed[form] < 0.99 * count} == {}
    assert forms == agreed
    assert forms["N for X"] > 9_000
    assert forms["N kg for X"] > 400
    assert forms["P% off"] > 700
    assert forms["N+M"] > 200
    assert forms["second at P%"] > 70
    assert {"second at X", "package for X"} <= set(forms)


def test_the_list_of_contradictions_has_nothing_else(compared: list[Compared]) -> None:
    found = {offer.words for offer in compared if offer.outcome != "agrees"}
    unpriced = {
        offer.words: offer.outcome for offer in compared if offer.outcome not in {"agrees", "disagrees"}
    }

    assert found == CONTRADICTED
    assert unpriced == NO_PRICE


def test_contradictions_are_few(compared: list[Compared]) -> None:
    disagreed = [offer for offer in compared if offer.outcome != "agrees"]

    assert len(disagreed) < 0.01 * len(compared)


def _table(compared: list[Compared]) -> Table:
    counts = Counter((offer.form, offer.chain, offer.reward_type, offer.outcome) for offer in compared)
    table = Table("form", "chain", "reward type", "agrees", "disagrees", "no price", title="Words and prices")
    for form, chain, kind in sorted({key[:3] for key in counts}):
        outcomes = {key[3]: count for key, count in counts.items() if key[:3] == (form, chain, kind)}
        agreed, disagreed = outcomes.pop("agrees", 0), outcomes.pop("disagrees", 0)
        unpriced = ", ".join(f"{count} {reason}" for reason, count in outcomes.items())
        table.add_row(form, chain, str(kind), str(agreed), str(disagreed), unpriced)
    return table
