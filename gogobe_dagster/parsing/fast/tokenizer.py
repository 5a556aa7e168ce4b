"""A document as texts and the markup between them, found by passes over memory and no loop over elements.

Between the 90,000 texts of a price file stand some forty different separators, such as
`</ItemName><ManufacturerName>`. The whole document is accounted for: every byte belongs to a separator or to
a text. A document that cannot be told apart so, or that holds comments or other markup, is left to `careful`.
What tags mean, and how they nest, is not known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gogobe_dagster.parsing.fast.byte_views import PAD, CannotRead, Numbers
from gogobe_dagster.parsing.fast.opaque_spans import Fold, tags_outside
from gogobe_dagster.parsing.fast.separator_matching import Kind, Separator, Separators, Tag

LESS, SLASH = ord("<"), ord("/")
FEWEST_BYTES_A_TAG: Final = 6  # real documents have 20
MOST_TAGS_BETWEEN: Final = 200  # real separators have up to 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """Texts of documents that stand one after another, each with the separator before it."""

    buffer: bytes
    """The documents, padded."""
    bounds: Numbers
    """Where each document starts in the buffer, and the end of the last."""
    separators: tuple[Separator, ...]
    """The different ones."""
    which: Numbers
    """Of each text, the separator before it."""
    starts: Numbers
    """Of each text, where it starts; texts that nothing opens are empty."""
    stops: Numbers
    """Of each text, where it stops."""

    def __len__(self) -> int:
        return len(self.which)


def read_markup(documents: Sequence[bytes | memoryview], fold: Fold | None = None) -> Markup:
    """Tell texts and separators of documents in UTF-8 apart. Raises `CannotRead`.

    What is inside a fold is not looked at; its end tag has the name of its start tag.
    """
    buffer = b"".join([PAD, *documents, PAD])
    bounds = np.cumsum([len(PAD), *map(len, documents)])
    tags = _tags(buffer)
    if fold:
        tags = tags_outside(fold, buffer, tags, np.searchsorted(tags, bounds))
    firsts, nexts, counts = _places(buffer, tags)
    separators = Separators(buffer, firsts, nexts, counts)
    which = separators.told_apart(np.searchsorted(firsts, bounds))
    lengths = np.array([len(one.text) for one in separators.all])
    return Markup(
        buffer=buffer,
        bounds=bounds,
        separators=tuple(_ending_as_begun(one, fold) if fold else one for one in separators.all),
        which=which,
        starts=firsts + lengths[which],
        stops=nexts,
    )


# ---------------------------------------------------------------- where separators are


def _tags(buffer: bytes) -> Numbers:
    tags = np.flatnonzero(np.frombuffer(buffer, np.uint8) == LESS)
    if not len(tags) or len(tags) * FEWEST_BYTES_A_TAG > len(buffer):
        raise CannotRead("odd_markup")
    if buffer[: tags[0]].strip():
        raise CannotRead("mixed_content")
    return tags


def _places(buffer: bytes, tags: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return where each separator starts and the next one, and how many tags it has.

    It starts with an end tag; so the first is what stands before the first end tag.
    """
    ends = np.flatnonzero(np.frombuffer(buffer, np.uint8)[tags + 1] == SLASH)
    if not len(ends) or not ends[0]:
        raise CannotRead("odd_markup")
    numbers = np.concatenate(([0], ends))
    counts = np.diff(numbers, append=len(tags))
    if counts.max() > MOST_TAGS_BETWEEN:
        raise CannotRead("odd_markup")
    firsts = tags[numbers]
    nexts = np.append(firsts[1:], len(buffer) - len(PAD))
    return firsts, nexts, counts


def _ending_as_begun(separator: Separator, fold: Fold) -> Separator:
    if separator.closed != fold.last:
        return separator
    return replace(separator, tags=(Tag(Kind.CLOSES, fold.first), *separator.tags[1:]))
