"""Finds opaque spans: neighbouring fields of a row that are taken for one text, markup and all.

The product text of a row is such a span for `product_text_cache`, which looks it up instead of reading it.
"""

from typing import NamedTuple

import numpy as np

from gogobe_dagster.parsing.fast.byte_views import WORD_BYTES, NDArray, matches_at, uint64_view

MIN_REGULAR_TAGS = 1000
"""Tags of a document; with fewer it does not pay to look for a regular pattern."""


class NotCacheable(Exception):
    """The product text of these documents cannot be looked up: they are read like any others."""


class Span(NamedTuple):
    """A span goes from the text of the first field to the end of the text of the last."""

    first: str
    last: str

    @property
    def start(self) -> bytes:
        """The tag before it."""
        return f"<{self.first}>".encode()

    @property
    def end(self) -> bytes:
        """The tag after it."""
        return f"</{self.last}>".encode()


def tags_outside_spans(span: Span, buffer: bytes, tags: NDArray, bounds: NDArray) -> NDArray:
    """Return the tags outside spans; `bounds` are the first tag of each document, and the number of all.

    Raises `NotCacheable` for spans that begin and do not end, or that overlap.
    """
    is_outside = np.ones(len(tags), np.bool_)
    is_long = len(tags) > MIN_REGULAR_TAGS * (len(bounds) - 1)
    documents = [slice(*pair) for pair in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
    is_regular = is_long and all(
        _mark_regular(span, buffer, tags[document], is_outside[document]) for document in documents
    )
    if not is_regular:
        is_outside = _outside(span, buffer, tags)
    outside: NDArray = tags[is_outside]
    return outside


def _mark_regular(span: Span, buffer: bytes, tags: NDArray, is_outside: NDArray) -> bool:
    """Mark the tags inside spans, if all rows have equally many tags and the span in the same place."""
    begin = buffer.find(span.start, int(tags[0]))
    offsets = [begin, buffer.find(span.end, begin), buffer.find(span.start, begin + 1)]
    start, end, next_start = np.searchsorted(tags, offsets).tolist()
    length, period = end - start, next_start - start
    if min(offsets) < 0 or not 0 < length < period:
        return False
    # Guessed from the first row, then compared at every row.
    begins = np.arange(start, len(tags) - length, period)
    if not (
        matches_at(span.start, buffer, tags[begins]) & matches_at(span.end, buffer, tags[begins + length])
    ).all():
        return False
    whole = period * (len(begins) - 1)
    is_outside[start : start + whole].reshape(-1, period)[:, 1:length] = False
    is_outside[start + whole + 1 : start + whole + length] = False
    return True


def _outside(span: Span, buffer: bytes, tags: NDArray) -> NDArray:
    eight_bytes = uint64_view(buffer)[tags]
    begins, ended = (_tags_like(text, buffer, tags, eight_bytes) for text in (span.start, span.end))
    if len(begins) != len(ended) or (begins >= ended).any() or (ended[:-1] >= begins[1:]).any():
        raise NotCacheable
    # Plus one after each beginning, minus one at each end: the running sum is 1 inside spans.
    steps = np.zeros(len(tags) + 1, np.int8)
    steps[begins + 1] += 1
    steps[ended] -= 1
    is_outside: NDArray = np.cumsum(steps[:-1], dtype=np.int8) == 0
    return is_outside


def _tags_like(text: bytes, buffer: bytes, tags: NDArray, eight_bytes: NDArray) -> NDArray:
    """Return which tags are written like this; the first eight bytes of all are compared first."""
    start = text[:WORD_BYTES]
    mask = np.uint64((1 << (8 * len(start))) - 1)
    candidates = np.flatnonzero(eight_bytes & mask == np.uint64(int.from_bytes(start, "little")))
    matching: NDArray = candidates[matches_at(text, buffer, tags[candidates])]
    return matching
