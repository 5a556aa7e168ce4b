"""Merges rows of equal terms into offers, whatever layout the chain writes.

A promotion as one flat element, with groups, or repeated for each item becomes the same rows with the same
hash. The chunks of a document are merged one by one, so that memory holds offers and not elements.
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
from gogobe_dagster.parsing.promotions.terms import ELEMENT, ITEM_COLUMNS, TERMS_ID, TermRows
from gogobe_dagster.parsing.report import ROW_NUMBER

UPDATED_AT: Final = "updated_at"
KEY: Final = [name for name in TERMS.schema.names if name != UPDATED_AT]
"""Offers that agree in these are one; the time of the last change is not part of the content."""
OFFER: Final = "offer"
ELEMENTS: Final = "elements"
"""For each item the number of its element; of several the last."""
DIGEST: Final = "digest"
HASH_BYTES: Final = 16
FIELD, ITEM = "\x1f", "\x1e"
"""Between fields and between items. No text contains them: control characters have become blanks."""
ITEM_TYPE: Final = pl.Schema(pa.schema(OFFER_ITEM))
LISTS: Final[dict[str, pl.DataType]] = {
    "items": pl.List(pl.Struct(dict(ITEM_TYPE))),
    ELEMENTS: pl.List(pl.Int32),
    DIGEST: pl.String(),
}


@dataclass(slots=True)
class Offers:
    """The offers of a document, added chunk by chunk."""

    duplicate_items: int = 0
    _chunks: list[pl.DataFrame] = field(default_factory=list)
    _elements: list[pl.Series] = field(default_factory=list)

    def add(self, term_rows: TermRows) -> None:
        """Merge the terms of a chunk, and add them."""
        terms = term_rows.terms.group_by(KEY, maintain_order=True).agg(
            pl.col(UPDATED_AT).max(), pl.col(ELEMENT).min(), pl.col(TERMS_ID)
        )
        terms = terms.with_row_index(OFFER)
        terms_of_offers = terms.select(OFFER, TERMS_ID).explode(TERMS_ID)
        items = term_rows.items.join(terms_of_offers, on=TERMS_ID, how="left", maintain_order="left")
        if len(terms) or not self._chunks:
            # rechunked: Polars copies columns whose chunks differ
            self._chunks.append(self._with_items(terms.drop(TERMS_ID), items).rechunk())
        self._elements.append(term_rows.terms[ELEMENT].unique())

    def finish(self) -> pl.DataFrame:
        """Return the rows of the model without file_id, and the column `elements` beside the items.

        Promotions are in the order of the document, and the offers of one in the order of their terms.
        """
        offers = self._merged(pl.concat(self._chunks, rechunk=False))
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

    def accepted_elements(self, offers: pl.DataFrame) -> int:
        """Count the elements that have something no later element repeats."""
        # column by column: to filter a whole frame, Polars would copy all its chunks
        without_items = offers[ELEMENT].filter(offers["items"].list.len() == 0)
        with_items = offers[ELEMENTS].list.explode().drop_nulls()
        return len(np.unique(np.concatenate((with_items.to_numpy(), without_items.to_numpy()))))

    def used_elements(self) -> int:
        """Count the elements of which any terms were accepted."""
        return sum(map(len, self._elements))

    def _with_items(self, terms: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
        """Sort the items of each offer, keep the last of each, and put them beside the terms."""
        key = [OFFER, "is_gift", "code"]
        items = items.sort(key, maintain_order=True)
        is_last = items.select(
            pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(-1)) for name in key)
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
        empty_lists = {name: pl.lit(pl.Series([[]], dtype=LISTS[name])) for name in ("items", ELEMENTS)}
        return offers.with_columns(pl.col(name).fill_null(empty) for name, empty in empty_lists.items())

    def _merged(self, offers: pl.DataFrame) -> pl.DataFrame:
        """Merge offers that several chunks have."""
        if len(self._chunks) == 1 or not (is_repeated := offers.select(KEY).is_duplicated()).any():
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

    The hashed text is the promotion's id and, for each offer in order, its terms and the digest of its items.
    """
    rows = zip(promotions, terms, items, strict=True)
    for promotion_id, offers in groupby(rows, key=lambda row: row[0]):
        offers_of_promotion = list(offers)
        whole = ITEM.join(
            [promotion_id, *(f"{text}{FIELD}{digest or ''}" for _, text, digest in offers_of_promotion)]
        )
        yield from [_digest(whole)] * len(offers_of_promotion)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=HASH_BYTES).hexdigest()


def _terms_text() -> pl.Expr:
    """Write the terms as text, so that equal terms have equal text. A null is empty, and nothing else is."""
    return _joined(
        [pl.col(field.name) for field in TERMS.schema if field.name in KEY],
        [field.type for field in TERMS.schema if field.name in KEY],
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
