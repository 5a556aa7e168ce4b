"""Merges rows of equal terms into offers, whatever layout the chain writes.

A promotion as one flat element, with groups, or repeated for each item becomes the same rows with the same
hash. The chunks of a document are merged one by one, so that memory holds offers and not elements. Short
documents are merged together, each by itself: the number of its document is part of an offer's key.
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
from gogobe_dagster.parsing.promotions.terms import DOCUMENT, ELEMENT, ITEM_COLUMNS, TERMS_ID, TermRows
from gogobe_dagster.parsing.report import ROW_NUMBER

UPDATED_AT: Final = "updated_at"
KEY: Final = [DOCUMENT, *(name for name in TERMS.schema.names if name != UPDATED_AT)]
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
NDArray = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOffers:
    """The offers of one document, and how many of its elements and items they have."""

    rows: pl.DataFrame
    """The model without file_id, and more columns. In the order of promotions, then of terms."""
    used_elements: int
    """The elements of which any terms were accepted."""
    accepted_elements: int
    """Those that have something no later element repeats."""
    accepted_items: int
    duplicate_items: int


@dataclass(slots=True)
class Offers:
    """The offers of a document, added chunk by chunk, or of several documents, added at once."""

    _chunks: list[pl.DataFrame] = field(default_factory=list)
    _used: list[pl.Series] = field(default_factory=list)
    _duplicates: list[pl.Series] = field(default_factory=list)
    """The elements of items that another item repeats."""

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
        self._used.append(term_rows.terms[ELEMENT].unique())

    def finish(self, lengths: Sequence[int]) -> list[DocumentOffers]:
        """Return the offers of each document; `lengths` are the numbers of their elements."""
        rows = self._rows()
        sizes = np.bincount(rows[DOCUMENT], minlength=len(lengths))
        numbers = np.concatenate([np.arange(1, size + 1, dtype=np.int32) for size in sizes])
        rows = rows.with_columns(pl.Series(ROW_NUMBER, numbers))
        with_items = rows[ELEMENTS].list.explode().drop_nulls()
        counts = zip(
            count_per_document(_concatenated(self._used), lengths),
            count_per_document(_accepted_elements(rows, with_items), lengths),
            count_per_document(with_items, lengths),
            count_per_document(_concatenated(self._duplicates), lengths),
            strict=True,
        )
        starts = np.cumsum(sizes) - sizes
        return [
            DocumentOffers(
                rows=rows.slice(start, size),
                used_elements=used,
                accepted_elements=accepted,
                accepted_items=items,
                duplicate_items=duplicates,
            )
            for start, size, (used, accepted, items, duplicates) in zip(starts, sizes, counts, strict=True)
        ]

    def _rows(self) -> pl.DataFrame:
        """Return the offers of all documents in order, with their hashes."""
        offers = self._merged(pl.concat(self._chunks, rechunk=False))
        first = pl.col(ELEMENT).min().over(DOCUMENT, "promotion_id").alias("first")
        keys = offers.select(first, "group_id", _terms_text().alias("text"))
        order = keys.with_row_index(OFFER).sort("first", "group_id", "text")[OFFER]
        if not order.is_sorted():
            offers, keys = offers[order], keys[order]
        hashes = _hashes(offers.select(DOCUMENT, "promotion_id"), keys["text"], offers[DIGEST])
        return offers.drop(DIGEST).with_columns(pl.Series("content_hash", list(hashes), pl.String))

    def _with_items(self, terms: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
        """Sort the items of each offer, keep the last of each, and put them beside the terms."""
        key = [OFFER, "is_gift", "code"]
        items = items.sort(key, maintain_order=True)
        is_last = items.select(
            pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(-1)) for name in key)
        ).to_series()
        self._duplicates.append(items[ELEMENT].filter(~is_last))
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


# ---------------------------------------------------------------- counts


def count_per_document(elements: pl.Series | NDArray, lengths: Sequence[int]) -> list[int]:
    """Count how many of these elements each document has; `lengths` are the numbers of all its elements."""
    documents = np.searchsorted(np.cumsum(lengths), elements)
    return list(map(int, np.bincount(documents, minlength=len(lengths))))


def _accepted_elements(offers: pl.DataFrame, with_items: pl.Series) -> NDArray:
    # column by column: to filter a whole frame, Polars would copy all its chunks
    without_items = offers[ELEMENT].filter(offers["items"].list.len() == 0)
    return np.unique(np.concatenate((with_items.to_numpy(), without_items.to_numpy())))


def _concatenated(elements: Sequence[pl.Series]) -> NDArray:
    return np.concatenate([np.zeros(0, np.int32), *(some.to_numpy() for some in elements)])


# ---------------------------------------------------------------- the hash


def _hashes(promotions: pl.DataFrame, terms: pl.Series, items: pl.Series) -> Iterator[str]:
    """Yield for each offer the hash of all offers of its promotion: 128 bits of BLAKE2b.

    The hashed text is the promotion's id and, for each offer in order, its terms and the digest of its items.
    """
    rows = zip(promotions.iter_rows(), terms, items, strict=True)
    for (_, promotion_id), offers in groupby(rows, key=lambda row: row[0]):
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
