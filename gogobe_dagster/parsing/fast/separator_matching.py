"""The markup between texts: told apart by comparing it, byte for byte, with the few kinds of it there are.

Programs write the same markup again and again, so each different separator is parsed once. Rows are mostly
written in turns: the same separators, one after another, row after row. So these are supposed and compared;
where they are not, what begins alike is supposed to be the same. What tags mean is not known here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from gogobe_dagster.parsing.fast.byte_views import (
    WIDEST,
    WORD,
    CannotRead,
    Numbers,
    spans_of,
    stands_at,
    words_of,
)

MOST_SEPARATORS: Final = 1000  # real documents have up to 150
FEWEST_IN_TURNS: Final = 1000
"""Separators of a document; of fewer, turns are not worth looking for."""
MOST_IN_TURN: Final = 64  # real rows have up to 40
FEW: Final = 20  # separators, which are compared one by one
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


class Separators:
    """The separators of some markup: where each starts and the next one, and how many tags it has."""

    def __init__(self, buffer: bytes, firsts: Numbers, nexts: Numbers, counts: Numbers) -> None:
        self.all: list[Separator] = []
        self._buffer, self._firsts, self._nexts, self._counts = buffer, firsts, nexts, counts
        self._numbers: dict[bytes, int] = {}

    def told_apart(self, bounds: Numbers) -> Numbers:
        """Return which of `all` stands at each place; `bounds` are the first of each document, and their end.

        Raises `CannotRead` for markup that is not plain tags, or of too many kinds.
        """
        which = np.zeros(len(self._firsts), np.uint16)
        left = self._in_turns(which, bounds.tolist())
        if len(left) > FEW:
            left = self._alike(which, left)
        while len(left):
            number = self._number_at(int(left[0]))
            is_it = self._stands_at(number, left)
            which[left[is_it]] = number
            left = left[~is_it]
        return which

    def _number_at(self, place: int) -> int:
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

    def _in_turns(self, which: Numbers, bounds: Sequence[int]) -> Numbers:
        """Suppose that long documents are turns of the same separators, as rows are; return where not."""
        is_left = np.ones(len(which), np.bool_)
        for start, stop in pairwise(bounds):
            middle = (start + stop) // 2
            turn = self._turn_at(middle) if stop - start >= FEWEST_IN_TURNS else None
            if turn is not None:
                begin = start + (middle - start) % len(turn)
                end = stop - (stop - begin) % len(turn)
                which[begin:end].reshape(-1, len(turn))[:] = turn
                is_left[begin:end] = self._wrong(slice(begin, end), turn[np.newaxis]).ravel()
        return np.flatnonzero(is_left)

    def _turn_at(self, place: int) -> Numbers | None:
        """Return the separators from a place on until the first of them comes again."""
        turn = [self._number_at(place)]
        for later in range(place + 1, min(place + MOST_IN_TURN + 1, len(self._firsts))):
            if (number := self._number_at(later)) == turn[0]:
                return np.array(turn, np.uint16)
            turn.append(number)
        return None

    def _alike(self, which: Numbers, places: Numbers) -> Numbers:
        """Suppose that what begins alike and has as many tags is the same; return where it is not."""
        which[places] = supposed = self._guessed(places)
        return places[self._wrong(places, supposed[:, np.newaxis]).ravel()]

    def _guessed(self, places: Numbers) -> Numbers:
        words, firsts = words_of(self._buffer), self._firsts[places]
        marks = words[firsts] * MIX_FIRST
        marks += words[firsts + WORD] * MIX_SECOND
        marks += self._counts[places].view(np.uint64) * MIX_COUNT
        slots = (marks >> np.uint64(64 - SLOT_BITS)).astype(np.uint16)
        first_places = np.zeros(1 << SLOT_BITS, np.int64)
        first_places[slots[::-1]] = places[::-1]
        used = np.flatnonzero(np.bincount(slots))
        if len(used) > MOST_SEPARATORS:
            raise CannotRead("too_many_tags")
        numbers = np.zeros(1 << SLOT_BITS, np.uint16)
        numbers[used] = [self._number_at(int(place)) for place in first_places[used]]
        return numbers[slots]

    def _wrong(self, places: slice | Numbers, supposed: Numbers) -> Numbers:
        """Say at which of these places other separators stand than supposed.

        What is supposed is in rows, with as many columns as the answer has, or one row for all.
        """
        firsts, nexts, counts = (
            one[places].reshape(-1, supposed.shape[1]) for one in (self._firsts, self._nexts, self._counts)
        )
        tags = np.array([len(one.tags) for one in self.all])
        lengths = np.array([len(one.text) for one in self.all])
        is_bare = np.array([not one.opened for one in self.all])
        is_wrong: Numbers = counts != tags[supposed]
        is_wrong |= is_bare[supposed] & (nexts - firsts != lengths[supposed])
        is_wrong |= self._differ(firsts, supposed)
        return is_wrong

    def _differ(self, firsts: Numbers, supposed: Numbers) -> Numbers:
        """Say where other bytes stand than supposed."""
        texts = [one.text for one in self.all]
        lengths = np.array([len(text) for text in texts])
        width = WORD * -(-min(lengths[supposed].max(), WIDEST) // WORD)
        expected = _wide(texts, width)
        masks = _wide([b"\xff" * len(text) for text in texts], width)
        spans = spans_of(self._buffer, f"V{width}")
        is_other = np.zeros(firsts.shape, np.bool_)
        rows = max(BLOCK // firsts.shape[1], 1)
        for some in (slice(start, start + rows) for start in range(0, len(firsts), rows)):
            row = supposed if len(supposed) == 1 else supposed[some]
            found = _words(spans[firsts[some]])
            found &= _words(masks[row])
            differs = found != _words(expected[row])
            if differs.any():
                is_other[some] = differs.reshape(*firsts[some].shape, -1).any(axis=2)
        for number in np.unique(supposed[(lengths > width)[supposed]]).tolist():
            members = np.broadcast_to(supposed == number, firsts.shape)
            is_other[members] |= ~stands_at(texts[number], self._buffer, firsts[members])
        return is_other

    def _stands_at(self, number: int, places: Numbers) -> Numbers:
        """Say at which of these places a separator stands, and nothing else."""
        separator, firsts = self.all[number], self._firsts[places]
        is_it = stands_at(separator.text, self._buffer, firsts)
        is_it &= self._counts[places] == len(separator.tags)
        if not separator.opened:
            is_it &= self._nexts[places] - firsts == len(separator.text)
        return is_it


def _words(spans: Numbers) -> Numbers:
    """View rows of spans as rows of numbers."""
    return spans.view("<u8").reshape(len(spans), -1)


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
