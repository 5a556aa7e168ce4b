"""The only door to the fast reader: nothing outside this package imports its other modules.

`FastReader.read` takes what is complete and regular. Everything else comes back as `NotRegular`, and lxml
reads it with the same result. `docs/fast-reader.md` shows how it works, step by step. With
`GOGOBE_FAST_READER=false` nothing here is called, and lxml reads every document.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.fast.byte_views import NotRegular
from gogobe_dagster.parsing.fast.opaque_spans import NotCacheable
from gogobe_dagster.parsing.fast.product_text_cache import (
    CachedFields,
    FirstDocument,
    ProductTextCache,
    find_cached_fields,
)
from gogobe_dagster.parsing.fast.promotion_reader import read_promotions_fast
from gogobe_dagster.parsing.fast.reader import read_batch
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.normalization import NormalizedRows, normalize_batch, split_by_document
from gogobe_dagster.parsing.promotions.raw import RawPromotions
from gogobe_dagster.parsing.report import RawRows

MIN_CACHED_BYTES: Final = 1 << 17
"""Shorter documents, such as deltas, are read faster without the cache of product text."""

__all__ = ["FastReader", "NormalizedDocument", "NotRegular", "Outcome", "Xml"]

Xml = bytes | memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedDocument:
    """A document of prices, read and normalized."""

    raw: RawRows
    """Header, counts and unknown elements, without the rows."""
    normalized: NormalizedRows


Outcome = NormalizedDocument | RawRows | NotRegular | ContentError


class FastReader:
    """Reads documents, and remembers the product text that it met. Use one for one batch of files."""

    def __init__(self, *, min_cached_bytes: int = MIN_CACHED_BYTES) -> None:
        """Start with an empty cache, for documents of at least this size."""
        self._min_cached_bytes = min_cached_bytes
        self._caches: dict[tuple[Layout, CachedFields], ProductTextCache] = {}

    def read(self, documents: Sequence[Xml], layout: Layout) -> Iterator[Outcome]:
        """Read documents of one layout; yield what became of each, in their order.

        Prices come normalized, stores as text columns. `NotRegular` means that lxml has to read the document,
        `ContentError` that it is hostile.
        """
        if layout.dialects.document is Document.PRICES:
            yield from self._read_prices(documents, layout)
            return
        for xml in documents:
            try:
                yield _read_stores(xml, layout)
            except (NotRegular, ContentError) as error:
                yield error

    def read_promotions(self, documents: Sequence[Xml], layout: Layout) -> RawPromotions:
        """Read promotions of one layout as if they were one document, as tables of text.

        Raises `NotRegular` if lxml has to read one of them, `ContentError` if one is hostile.
        """
        return read_promotions_fast(documents, layout)

    def forget(self) -> None:
        """Empty the caches: after an unexpected error nobody knows what is in them."""
        self._caches.clear()

    def _read_prices(self, documents: Sequence[Xml], layout: Layout) -> Iterator[Outcome]:
        groups: dict[CachedFields | None, list[Xml]] = {}
        fields = [self._cached_fields(xml, layout) for xml in documents]
        for key, xml in zip(fields, documents, strict=True):
            groups.setdefault(key, []).append(xml)
        outcomes = {key: self._read_group(layout, key, group) for key, group in groups.items()}
        for key in fields:
            yield next(outcomes[key])

    def _cached_fields(self, xml: Xml, layout: Layout) -> CachedFields | None:
        return find_cached_fields(xml, layout) if len(xml) >= self._min_cached_bytes else None

    def _read_group(
        self, layout: Layout, fields: CachedFields | None, documents: Sequence[Xml]
    ) -> Iterator[Outcome]:
        if fields is None:
            yield from _read_without_cache(layout, documents)
            return
        if (layout, fields) not in self._caches:
            yield self._read_first(layout, fields, documents[0])
            documents = documents[1:]
        if documents:
            yield from self._read_cached(layout, self._caches[layout, fields], documents)

    def _read_first(self, layout: Layout, fields: CachedFields, xml: Xml) -> Outcome:
        """Read without the cache; it is filled from this document if another one follows."""
        cache = self._caches[layout, fields] = ProductTextCache(layout, fields)
        try:
            batch = read_batch([xml], layout)
        except (NotRegular, ContentError) as error:
            return error
        (normalized,) = normalize_batch(batch.rows, batch.lengths, layout.dialects.document)
        raw = batch.documents[0]
        if not (normalized.reasons or raw.unknown or normalized.notes):
            cache.fill_from(FirstDocument(xml=xml, field_counts=batch.field_counts, rows=normalized.rows))
        return NormalizedDocument(raw=raw, normalized=normalized)

    def _read_cached(
        self, layout: Layout, cache: ProductTextCache, documents: Sequence[Xml]
    ) -> Iterator[Outcome]:
        batch = None
        with suppress(NotRegular, NotCacheable, ContentError):
            batch = cache.read(documents)
        if batch is None:
            yield from _read_without_cache(layout, documents)
            return
        split = split_by_document(batch.rows, batch.is_rounded, batch.lengths, Document.PRICES)
        for raw, normalized in zip(batch.documents, split, strict=True):
            yield NormalizedDocument(raw=raw, normalized=normalized)


def _read_without_cache(layout: Layout, documents: Sequence[Xml]) -> Iterator[Outcome]:
    """Read documents together; if one of them is not regular, halve the batch until it is alone."""
    try:
        batch = read_batch(documents, layout)
    except (NotRegular, ContentError) as error:
        if len(documents) == 1:
            yield error
            return
        middle = len(documents) // 2
        yield from _read_without_cache(layout, documents[:middle])
        yield from _read_without_cache(layout, documents[middle:])
        return
    normalized = normalize_batch(batch.rows, batch.lengths, layout.dialects.document)
    for raw, rows in zip(batch.documents, normalized, strict=True):
        yield NormalizedDocument(raw=raw, normalized=rows)


def _read_stores(xml: Xml, layout: Layout) -> RawRows:
    batch = read_batch([xml], layout)
    return replace(batch.documents[0], rows=batch.rows)
