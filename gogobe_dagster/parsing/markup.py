"""A document as texts and the markup between them, found by passes over memory and no loop over elements.

Programs write the same markup again and again: between 90,000 texts of a price file stand some forty
different separators, such as `</ItemName><ManufacturerName>`. So each of these is parsed once, and each of
their places is compared with it, byte for byte. The whole document is accounted for: every byte belongs to a
separator or to a text. A document that cannot be told apart so, or that holds comments or other markup, is
left to `careful`. What tags mean, and how they nest, is not known here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from gogobe_dagster.parsing.buffers import (
    PAD,
    WIDEST,
    WORD,
    CannotRead,
    Numbers,
    spans_of,
    stands_at,
    words_of,
)
from gogobe_dagster.parsing.folds import Fold, tags_outside

LESS, SLASH = ord("<"), ord("/")
FEWEST_BYTES_A_TAG: Final = 6  # real documents have 20
MOST_SEPARATORS: Final = 1000  # real documents have up to 150
MOST_TAGS_BETWEEN: Final = 200  # real separators have up to 12
BLOCK: Final = 4096  # separators, whose bytes stay in the processor's cache
SLOT_BITS: Final = 14
MIX_FIRST, MIX_SECOND, MIX_COUNT = (
    np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
NAME: Final = rb"[A-Za-z_][\w.:-]*"
ATTRIBUTE: Final = re.compile(rb"""\s+([\w.:-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""", re.ASCII)
START: Final = re.compile(
    rb"\s*<(%s)((?:\s+[\w.:-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*)\s*(/?)>" % NAME, re.ASCII
)
END: Final = re.compile(rb"</(%s)\s*>" % NAME, re.ASCII)
BLANK: Final = re.compile(rb"\s*")


class Kind(IntEnum):
    """What a tag does."""

    OPENS = 0
    CLOSES = 1
    EMPTY = 2


class Tag(NamedTuple):
    """A tag as written."""

    kind: Kind
    name: str
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Separator:
    """The markup between two texts: first an end tag, except in the first, then start tags and empty ones."""

    text: bytes
    tags: tuple[Tag, ...]

    @property
    def closed(self) -> str:
        """The element that ends here; empty: none does."""
        return self.tags[0].name if self.tags[0].kind is Kind.CLOSES else ""

    @property
    def opened(self) -> str:
        """The element whose text follows; empty: no text follows."""
        return self.tags[-1].name if self.tags[-1].kind is Kind.OPENS else ""

    @property
    def is_step(self) -> bool:
        """Whether one element begins where another ends: those around them stay the same."""
        return bool(self.opened and self.closed) and all(tag.kind is Kind.EMPTY for tag in self.tags[1:-1])


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
    separators = _Separators(buffer, firsts, nexts, counts)
    which = separators.told_apart()
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


# ---------------------------------------------------------------- which they are


class _Separators:
    """The different separators met so far."""

    def __init__(self, buffer: bytes, firsts: Numbers, nexts: Numbers, counts: Numbers) -> None:
        self.all: list[Separator] = []
        self._buffer, self._firsts, self._nexts, self._counts = buffer, firsts, nexts, counts
        self._numbers: dict[bytes, int] = {}

    def number_at(self, place: int) -> int:
        """Return the number of the separator at this place."""
        separator = _parsed(
            self._buffer, int(self._firsts[place]), int(self._nexts[place]), int(self._counts[place])
        )
        number = self._numbers.setdefault(separator.text, len(self.all))
        if number == len(self.all):
            self.all.append(separator)
        if number == MOST_SEPARATORS:
            raise CannotRead("too_many_tags")
        return number

    def told_apart(self) -> Numbers:
        """Return which separator stands at each place."""
        which = self._guessed()
        left = self._wrong(which)
        while len(left):
            number = self.number_at(int(left[0]))
            is_it = self._stands_at(number, left)
            which[left[is_it]] = number
            left = left[~is_it]
        return which

    def _guessed(self) -> Numbers:
        """Take separators that begin alike, and have as many tags, for the same."""
        words = words_of(self._buffer)
        marks = words[self._firsts] * MIX_FIRST
        marks += words[self._firsts + WORD] * MIX_SECOND
        marks += self._counts.view(np.uint64) * MIX_COUNT
        slots = (marks >> np.uint64(64 - SLOT_BITS)).astype(np.uint16)
        first_places = np.zeros(1 << SLOT_BITS, np.int64)
        first_places[slots[::-1]] = np.arange(len(slots))[::-1]
        used = np.flatnonzero(np.bincount(slots))
        if len(used) > MOST_SEPARATORS:
            raise CannotRead("too_many_tags")
        numbers = np.zeros(1 << SLOT_BITS, np.uint16)
        numbers[used] = [self.number_at(int(place)) for place in first_places[used]]
        return numbers[slots]

    def _wrong(self, which: Numbers) -> Numbers:
        """Return the places where another separator stands than supposed."""
        texts = [one.text for one in self.all]
        width = WORD * -(-min(max(map(len, texts)), WIDEST) // WORD)
        expected = _wide(texts, width)
        masks = _wide([b"\xff" * len(text) for text in texts], width)
        spans = spans_of(self._buffer, f"V{width}")
        is_wrong = self._counts != np.array([len(one.tags) for one in self.all])[which]
        for start in range(0, len(which), BLOCK):
            some = slice(start, start + BLOCK)
            found = spans[self._firsts[some]].view("<u8")
            found &= masks[which[some]].view("<u8")
            differs = found != expected[which[some]].view("<u8")
            if differs.any():
                is_wrong[some] |= differs.reshape(-1, width // WORD).any(axis=1)
        is_special = np.array([len(one.text) > width or not one.opened for one in self.all])
        special = np.flatnonzero(is_special[which])
        for number in np.flatnonzero(is_special).tolist():
            members = special[which[special] == number]
            is_wrong[members] |= ~self._stands_at(number, members)
        return np.flatnonzero(is_wrong)

    def _stands_at(self, number: int, places: Numbers) -> Numbers:
        """Say at which of these places a separator stands, and nothing else."""
        separator, firsts = self.all[number], self._firsts[places]
        is_it = stands_at(separator.text, self._buffer, firsts)
        is_it &= self._counts[places] == len(separator.tags)
        if not separator.opened:
            is_it &= self._nexts[places] - firsts == len(separator.text)
        return is_it


def _wide(texts: Sequence[bytes], width: int) -> Numbers:
    return np.frombuffer(b"".join(text[:width].ljust(width, b"\0") for text in texts), f"V{width}")


def _parsed(buffer: bytes, first: int, stop: int, count: int) -> Separator:
    """Parse one separator. Raises `CannotRead` for any other markup than plain tags."""
    tags, at = [], first
    if (end := END.match(buffer, at, stop)) is not None:
        tags.append(Tag(Kind.CLOSES, end[1].decode()))
        at = end.end()
    while (start := START.match(buffer, at, stop)) is not None:
        kind = Kind.EMPTY if start[3] else Kind.OPENS
        attributes = tuple(
            (name.decode(), (one or other).decode()) for name, one, other in ATTRIBUTE.findall(start[2])
        )
        if len(dict(attributes)) < len(attributes):
            raise CannotRead("malformed")
        tags.append(Tag(kind, start[1].decode(), attributes))
        at = start.end()
    if len(tags) != count:
        raise CannotRead(
            "odd_markup" if b"<!" in buffer[at:stop] or b"<?" in buffer[at:stop] else "malformed"
        )
    if tags[-1].kind is not Kind.OPENS:
        blank = BLANK.match(buffer, at, stop)
        at = blank.end() if blank else at
        if at != stop:
            raise CannotRead("mixed_content")
    return Separator(buffer[first:at], tuple(tags))
