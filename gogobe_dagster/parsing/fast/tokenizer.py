"""Splits documents into texts and the separators between them, in passes over memory and without a loop.

Between the 90,000 texts of a price file stand some forty kinds of separators, such as
`</ItemName><ManufacturerName>`. The whole document is accounted for: every byte belongs to a separator or to
a text. A document for which that is not so, or that holds comments or other markup, is left to lxml. What
tags mean, and how they nest, is not known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.fast.byte_views import PADDING, NDArray, NotRegular
from gogobe_dagster.parsing.fast.opaque_spans import Span, tags_outside_spans
from gogobe_dagster.parsing.fast.separator_matching import Kind, Separator, Separators, Tag

LESS_THAN, SLASH = ord("<"), ord("/")
MIN_BYTES_PER_TAG: Final = 6
"""Real documents have 20. Arrays per tag would make a document of tags alone many times its size."""
MAX_TAGS_BETWEEN: Final = 200
"""Tags in one separator; real ones have up to 12."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Documents as texts, each with the separator before it. Arrays have one value per text."""

    buffer: bytes
    """The documents one after another, padded."""
    bounds: NDArray
    """The offset of each document in the buffer, and the end of the last."""
    separators: tuple[Separator, ...]
    """The kinds of separators."""
    separator_ids: NDArray
    """The kind of the separator before each text, as an index of `separators`."""
    starts: NDArray
    """The offset where each text starts. A separator that opens no element is followed by an empty text."""
    stops: NDArray
    """The offset where each text stops, which is where the next separator begins."""

    def __len__(self) -> int:
        return len(self.separator_ids)


def tokenize(documents: Sequence[bytes | memoryview], span: Span | None = None) -> Tokens:
    """Split documents in UTF-8. Raises `NotRegular`.

    What is inside an opaque span is one text, whatever markup is in it.
    """
    buffer = b"".join([PADDING, *documents, PADDING])
    bounds = np.cumsum([len(PADDING), *map(len, documents)])
    tags = _tag_offsets(buffer)
    if span:
        tags = tags_outside_spans(span, buffer, tags, np.searchsorted(tags, bounds))
    firsts, nexts, counts = _separator_offsets(buffer, tags)
    separators = Separators(buffer, firsts, nexts, counts)
    ids = separators.match_all(np.searchsorted(firsts, bounds))
    lengths = np.array([len(kind.text) for kind in separators.kinds])
    return Tokens(
        buffer=buffer,
        bounds=bounds,
        separators=tuple(_closing_span(kind, span) if span else kind for kind in separators.kinds),
        separator_ids=ids,
        starts=firsts + lengths[ids],
        stops=nexts,
    )


def _tag_offsets(buffer: bytes) -> NDArray:
    """Return the offset of every `<`: in XML none stands inside a text."""
    tags = np.flatnonzero(np.frombuffer(buffer, np.uint8) == LESS_THAN)
    if not len(tags) or len(tags) * MIN_BYTES_PER_TAG > len(buffer):
        raise NotRegular(Note.UNSUPPORTED_MARKUP)
    # Text before the first tag would belong to no separator and be lost.
    if buffer[: tags[0]].strip():
        raise NotRegular(Note.MIXED_CONTENT)
    return tags


def _separator_offsets(buffer: bytes, tags: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return the offset of each separator, the offset of the next one, and its number of tags.

    A separator begins with an end tag. The first one is what stands before the first end tag.
    """
    # Every text ends with an end tag, so the end tags divide the document into separator plus text.
    ends = np.flatnonzero(np.frombuffer(buffer, np.uint8)[tags + 1] == SLASH)
    if not len(ends) or not ends[0]:
        raise NotRegular(Note.UNSUPPORTED_MARKUP)
    numbers = np.concatenate(([0], ends))
    counts = np.diff(numbers, append=len(tags))
    if counts.max() > MAX_TAGS_BETWEEN:
        raise NotRegular(Note.UNSUPPORTED_MARKUP)
    firsts = tags[numbers]
    nexts = np.append(firsts[1:], len(buffer) - len(PADDING))
    return firsts, nexts, counts


def _closing_span(separator: Separator, span: Span) -> Separator:
    """Let a separator after an opaque span close the element that the span began with.

    A span goes from one field's start tag to another's end tag; without this the tags would not nest.
    """
    if separator.closed != span.last:
        return separator
    return replace(separator, tags=(Tag(Kind.CLOSES, span.first), *separator.tags[1:]))
