"""From statements to offers: statements in the same terms are one offer, whatever the dialect wrote.

A promotion in one element (P1), in groups (P2) or repeated for each item (P3) becomes the same rows with
the same hash. Pieces of a document are united one by one, so that memory holds offers and not elements.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from gogobe_dagster.parsing.document_rules import TERMS
from gogobe_dagster.parsing.model import OFFER_ITEM
from gogobe_dagster.parsing.promotions.terms import ELEMENT, ITEM_COLUMNS, STATEMENT, Statements
from gogobe_dagster.parsing.report import ROW_NUMBER

UPDATED_AT: Final = "updated_at"
KEY: Final = [name for name in TERMS.schema.names if name != UPDATED_AT]
"""Offers that agree in these are one; when they were written is not part of what they say."""
OFFER: Final = "offer"
ELEMENTS: Final = "elements"
"""Beside each item, the element that said it; of several the last."""
DIGEST: Final = "digest"
HASH_BYTES: Final = 16
FIELD, ITEM = "\x1f", "\x1e"
"""Between fields, and between items: no text has them, control characters are blanks by then."""
ITEM_TYPE: Final = pl.Schema(pa.schema(OFFER_ITEM))
LISTS: Final[dict[str, pl.DataType]] = {
    "items": pl.List(pl.Struct(dict(ITEM_TYPE))),
    ELEMENTS: pl.List(pl.Int32),
    DIGEST: pl.String(),
}


@dataclass(slots=True)
class Offers:
    """The offers of a document, piece by piece."""

    duplicate_items: int = 0
    _pieces: list[pl.DataFrame] = field(default_factory=list)
    _elements: list[pl.Series] = field(default_factory=list)

    def add(self, statements: Statements) -> None:
        """Unite what a piece says."""
        terms = statements.terms.group_by(KEY, maintain_order=True).agg(
            pl.col(UPDATED_AT).max(), pl.col(ELEMENT).min(), pl.col(STATEMENT)
        )
        terms = terms.with_row_index(OFFER)
        places = terms.select(OFFER, STATEMENT).explode(STATEMENT)
        items = statements.items.join(places, on=STATEMENT, how="left", maintain_order="left")
        if len(terms) or not self._pieces:
            # in one chunk each: Polars copies columns whose chunks differ
            self._pieces.append(self._with_items(terms.drop(STATEMENT), items).rechunk())
        self._elements.append(statements.terms[ELEMENT].unique())

    def finish(self) -> pl.DataFrame:
        """Return the rows of the model without file_id, and `elements` beside the items.

        Promotions stand in the order of the document; the offers of one in the order of their terms.
        """
        offers = self._united(pl.concat(self._pieces, rechunk=False))
        first = pl.col(ELEMENT).min().over("promotion_id").alias("first")
        keys = offers.select(first, "group_id", _terms_text().alias("text"))
        order = keys.with_row_index(OFFER).sort("first", "group_id", "text")[OFFER]
        if not order.is_sorted():
            offers, keys = offers[order], keys[order]
        hashes = _hashes(offers["promotion_id"], keys["text"], offers[DIGEST])
        return offers.drop(DIGEST).with_columns(
            pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(ROW_NUMBER),
            pl.Series("content_hash", list(hashes), pl.String),
        )

    def taken_elements(self, offers: pl.DataFrame) -> int:
        """Count the elements that said something that nobody said after them."""
        # column by column: Polars would copy all of a frame in pieces to filter it
        alone = offers[ELEMENT].filter(offers["items"].list.len() == 0)
        of_items = offers[ELEMENTS].list.explode().drop_nulls()
        return len(np.unique(np.concatenate((of_items.to_numpy(), alone.to_numpy()))))

    def stated_elements(self) -> int:
        """Count the elements of which any statement was taken."""
        return sum(map(len, self._elements))

    def _with_items(self, terms: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
        """Sort the items of each offer, take each once as said last, and put them beside the terms."""
        place = [OFFER, "is_gift", "code"]
        items = items.sort(place, maintain_order=True)
        is_last = items.select(
            pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(-1)) for name in place)
        ).to_series()
        self.duplicate_items += len(items) - int(is_last.sum())
        lists = (
            items.filter(is_last)
            .group_by(OFFER, maintain_order=True)
            .agg(
                pl.struct(ITEM_COLUMNS).alias("items"),
                pl.col(ELEMENT).alias(ELEMENTS),
                _item_text().str.join(ITEM).alias(DIGEST),
            )
        )
        lists = lists.with_columns(pl.Series(DIGEST, [_digest(text) for text in lists[DIGEST]], pl.String))
        lists = lists.with_columns(pl.col(name).cast(kind) for name, kind in LISTS.items())
        offers = terms.join(lists, on=OFFER, how="left", maintain_order="left").drop(OFFER)
        nothing = {name: pl.lit(pl.Series([[]], dtype=LISTS[name])) for name in ("items", ELEMENTS)}
        return offers.with_columns(pl.col(name).fill_null(empty) for name, empty in nothing.items())

    def _united(self, offers: pl.DataFrame) -> pl.DataFrame:
        """Unite offers that several pieces have."""
        if len(self._pieces) == 1 or not (is_repeated := offers.select(KEY).is_duplicated()).any():
            return offers
        repeated = offers.filter(is_repeated)
        terms = repeated.group_by(KEY, maintain_order=True).agg(
            pl.col(UPDATED_AT).max(), pl.col(ELEMENT).min(), pl.int_range(pl.len()).alias("x")
        )
        terms = terms.drop("x").with_row_index(OFFER)
        numbered = repeated.join(terms.select(OFFER, *KEY), on=KEY, nulls_equal=True, maintain_order="left")
        items = (
            numbered.select(OFFER, "items", pl.col(ELEMENTS).alias(ELEMENT))
            .explode("items", ELEMENT)
            .unnest("items")
            .filter(pl.col("code").is_not_null())
        )
        return pl.concat([offers.filter(~is_repeated), self._with_items(terms, items).select(offers.columns)])


# ---------------------------------------------------------------- the hash


def _hashes(promotions: pl.Series, terms: pl.Series, items: pl.Series) -> Iterator[str]:
    """Yield for each offer the hash of all offers of its promotion: 128 bits of BLAKE2b.

    The text is the promotion's number, and of each offer, in order, its terms and the digest of its items.
    """
    rows = zip(promotions, terms, items, strict=True)
    for promotion_id, offers in groupby(rows, key=lambda row: row[0]):
        said = list(offers)
        whole = ITEM.join([promotion_id, *(f"{text}{FIELD}{digest or ''}" for _, text, digest in said)])
        yield from [_digest(whole)] * len(said)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=HASH_BYTES).hexdigest()


def _terms_text() -> pl.Expr:
    """Write the terms so that equal ones have equal text; an absent one is empty, and no other is."""
    return _joined(
        [pl.col(one.name) for one in TERMS.schema if one.name in KEY],
        [one.type for one in TERMS.schema if one.name in KEY],
    )


def _item_text() -> pl.Expr:
    return _joined(
        [pl.col(name) for name in ITEM_COLUMNS], [OFFER_ITEM.field(name).type for name in ITEM_COLUMNS]
    )


def _joined(columns: Sequence[pl.Expr], types: Sequence[Any]) -> pl.Expr:
    written = [
        (column.dt.timestamp("us") if pa.types.is_timestamp(type_) else column).cast(pl.String).fill_null("")
        for column, type_ in zip(columns, types, strict=True)
    ]
    return pl.concat_str(written, separator=FIELD)
