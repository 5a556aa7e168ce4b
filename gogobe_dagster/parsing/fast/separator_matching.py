"""Finds out which separator stands before each text, by comparing bytes with the few kinds there are.

A separator is the markup between two texts, such as `</ItemName><ManufacturerName>`. Programs write the same
markup again and again, so each kind of separator is parsed once, with a regular expression, and all others of
its kind are only compared with it. Three ways, from the cheapest:

1. `_match_repeating`: rows are mostly written alike, so the separators of one row are taken for a pattern
   that repeats through the whole document.
2. `_match_by_prefix`: of what is left, separators with the same first bytes and number of tags are taken for
   the same kind.
3. One by one.

The first two only guess, and `_mismatches` then compares every byte of every separator with the guess. A
guess that is wrong costs time and never a wrong result. What tags mean is not known here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.fast.byte_views import (
    MAX_COMPARED_BYTES,
    WORD_BYTES,
    NDArray,
    NotRegular,
    matches_at,
    strided_view,
    uint64_view,
)

MAX_SEPARATORS: Final = 1000
"""Kinds of separators in a document; real documents have up to 150."""
MIN_REPEATING: Final = 1000
"""Separators of a document; with fewer it does not pay to look for a repeating pattern."""
MAX_PATTERN: Final = 64
"""Separators in a row; real rows have up to 40."""
FEW: Final = 20
"""Separators that are compared one by one."""
BLOCK: Final = 4096
"""Separators compared at a time: their bytes stay in the processor's cache."""
SLOT_BITS: Final = 14
# Large odd numbers, as in xxHash: multiplying spreads the differing bits of prefixes over the upper bits.
MIX_FIRST, MIX_SECOND, MIX_COUNT = (
    np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
NAME: Final = rb"[A-Za-z_][\w.:-]*"
ATTRIBUTE: Final = re.compile(rb"""\s+([\w.:-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""", re.ASCII)
# Real tags have up to 5 attributes. Without a limit a million of them took half a gigabyte.
START_TAG: Final = re.compile(
    rb"\s*<(%s)((?:\s+[\w.:-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')){0,1000}+)\s*(/?)>" % NAME, re.ASCII
)
END_TAG: Final = re.compile(rb"</(%s)\s*>" % NAME, re.ASCII)
BLANKS: Final = re.compile(rb"\s*")


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
    """The markup between two texts: an end tag (not in the first separator), then start and empty tags."""

    text: bytes
    tags: tuple[Tag, ...]

    @property
    def closed(self) -> str:
        """The element that ends here; empty if none does."""
        return self.tags[0].name if self.tags[0].kind is Kind.CLOSES else ""

    @property
    def opened(self) -> str:
        """The element whose text follows; empty if no text follows."""
        return self.tags[-1].name if self.tags[-1].kind is Kind.OPENS else ""

    @property
    def is_step(self) -> bool:
        """Whether one element begins where another ends, so that the enclosing elements stay the same."""
        return bool(self.opened and self.closed) and all(tag.kind is Kind.EMPTY for tag in self.tags[1:-1])


class Separators:
    """The separators of a buffer: the offset of each, the offset of the next one, and its number of tags."""

    def __init__(self, buffer: bytes, firsts: NDArray, nexts: NDArray, counts: NDArray) -> None:
        self.kinds: list[Separator] = []
        self._buffer, self._firsts, self._nexts, self._counts = buffer, firsts, nexts, counts
        self._ids: dict[bytes, int] = {}

    def match_all(self, bounds: NDArray) -> NDArray:
        """Return for each separator its index in `kinds`.

        `bounds` are the index of the first separator of each document, and the number of all. Raises
        `NotRegular` for markup that is not plain tags, or of too many kinds.
        """
        ids = np.zeros(len(self._firsts), np.uint16)
        left = self._match_repeating(ids, bounds.tolist())
        if len(left) > FEW:
            left = self._match_by_prefix(ids, left)
        # Each pass settles at least its first separator, so this ends.
        while len(left):
            kind = self._separator_id(int(left[0]))
            is_match = self._matches_at(kind, left)
            ids[left[is_match]] = kind
            left = left[~is_match]
        return ids

    def _separator_id(self, index: int) -> int:
        """Parse the separator at this index; return the id of its kind, a new one if necessary."""
        separator = _parse_separator(
            self._buffer, int(self._firsts[index]), int(self._nexts[index]), int(self._counts[index])
        )
        kind = self._ids.setdefault(separator.text, len(self.kinds))
        if kind == len(self.kinds):
            self.kinds.append(separator)
        # Ids are uint16, and time is linear in the kinds: a document with a new tag in every row would take
        # for ever.
        if kind == MAX_SEPARATORS:
            raise NotRegular(Note.TOO_MANY_TAGS)
        return kind

    def _match_repeating(self, ids: NDArray, bounds: Sequence[int]) -> NDArray:
        """Guess that long documents repeat one pattern of separators; return the indexes where not."""
        is_left = np.ones(len(ids), np.bool_)
        for start, stop in pairwise(bounds):
            # The middle is inside the rows, wherever header and footer end.
            middle = (start + stop) // 2
            pattern = self._pattern_at(middle) if stop - start >= MIN_REPEATING else None
            if pattern is not None:
                # The pattern is laid over the whole document, in step with the middle. Where the header
                # shifts it, and where single rows differ, `_mismatches` finds it wrong.
                begin = start + (middle - start) % len(pattern)
                end = stop - (stop - begin) % len(pattern)
                ids[begin:end].reshape(-1, len(pattern))[:] = pattern
                is_left[begin:end] = self._mismatches(slice(begin, end), pattern[np.newaxis]).ravel()
        return np.flatnonzero(is_left)

    def _pattern_at(self, index: int) -> NDArray | None:
        """Return the separators from an index on until the first of them comes again."""
        pattern = [self._separator_id(index)]
        for later in range(index + 1, min(index + MAX_PATTERN + 1, len(self._firsts))):
            if (kind := self._separator_id(later)) == pattern[0]:
                return np.array(pattern, np.uint16)
            pattern.append(kind)
        return None

    def _match_by_prefix(self, ids: NDArray, indexes: NDArray) -> NDArray:
        """Guess that separators with the same prefix are of one kind; return the indexes where not."""
        ids[indexes] = guess = self._guess(indexes)
        return indexes[self._mismatches(indexes, guess[:, np.newaxis]).ravel()]

    def _guess(self, indexes: NDArray) -> NDArray:
        words, firsts = uint64_view(self._buffer), self._firsts[indexes]
        hashes = words[firsts] * MIX_FIRST
        hashes += words[firsts + WORD_BYTES] * MIX_SECOND
        hashes += self._counts[indexes].view(np.uint64) * MIX_COUNT
        slots = (hashes >> np.uint64(64 - SLOT_BITS)).astype(np.uint16)
        # Of several indexes in one slot the first one counts: assigned in reverse, it is written last.
        first_indexes = np.zeros(1 << SLOT_BITS, np.int64)
        first_indexes[slots[::-1]] = indexes[::-1]
        used = np.flatnonzero(np.bincount(slots))
        if len(used) > MAX_SEPARATORS:
            raise NotRegular(Note.TOO_MANY_TAGS)
        kinds = np.zeros(1 << SLOT_BITS, np.uint16)
        kinds[used] = [self._separator_id(int(index)) for index in first_indexes[used]]
        return kinds[slots]

    def _mismatches(self, indexes: slice | NDArray, guess: NDArray) -> NDArray:
        """Tell at which of these indexes the separator is not the guessed one.

        The guess is a table of ids with as many columns as the answer gets, or one row for all rows.
        """
        firsts, nexts, counts = (
            values[indexes].reshape(-1, guess.shape[1])
            for values in (self._firsts, self._nexts, self._counts)
        )
        tags = np.array([len(kind.tags) for kind in self.kinds])
        lengths = np.array([len(kind.text) for kind in self.kinds])
        has_no_text = np.array([not kind.opened for kind in self.kinds])
        # The same bytes are another separator if more tags follow before the next text.
        is_wrong: NDArray = counts != tags[guess]
        # After a separator that opens nothing, the next one begins at once. Otherwise text stands between
        # elements, which must not be lost silently.
        is_wrong |= has_no_text[guess] & (nexts - firsts != lengths[guess])
        is_wrong |= self._bytes_differ(firsts, guess)
        return is_wrong

    def _bytes_differ(self, firsts: NDArray, guess: NDArray) -> NDArray:
        """Tell where other bytes stand than the guess has: this comparison is what makes guessing safe."""
        texts = [kind.text for kind in self.kinds]
        lengths = np.array([len(text) for text in texts])
        # Whole words, as wide as the longest text of the guess, up to 64 bytes.
        width = WORD_BYTES * -(-min(lengths[guess].max(), MAX_COMPARED_BYTES) // WORD_BYTES)
        expected = _fixed_width(texts, width)
        # Bytes after a shorter text belong to the document and are masked out.
        masks = _fixed_width([b"\xff" * len(text) for text in texts], width)
        views = strided_view(self._buffer, f"V{width}")
        is_other = np.zeros(firsts.shape, np.bool_)
        rows = max(BLOCK // firsts.shape[1], 1)
        for some in (slice(start, start + rows) for start in range(0, len(firsts), rows)):
            row = guess if len(guess) == 1 else guess[some]
            found = _as_words(views[firsts[some]])
            found &= _as_words(masks[row])
            differs = found != _as_words(expected[row])
            if differs.any():
                is_other[some] = differs.reshape(*firsts[some].shape, -1).any(axis=2)
        # Longer separators are compared again in full: 64 equal bytes prove nothing about the rest.
        for kind in np.unique(guess[(lengths > width)[guess]]).tolist():
            members = np.broadcast_to(guess == kind, firsts.shape)
            is_other[members] |= ~matches_at(texts[kind], self._buffer, firsts[members])
        return is_other

    def _matches_at(self, kind: int, indexes: NDArray) -> NDArray:
        """Tell at which of these indexes a separator of this kind stands, and nothing else."""
        separator, firsts = self.kinds[kind], self._firsts[indexes]
        is_match = matches_at(separator.text, self._buffer, firsts)
        is_match &= self._counts[indexes] == len(separator.tags)
        if not separator.opened:
            is_match &= self._nexts[indexes] - firsts == len(separator.text)
        return is_match


def _as_words(views: NDArray) -> NDArray:
    """View rows of bytes as rows of numbers."""
    return views.view("<u8").reshape(len(views), -1)


def _fixed_width(texts: Sequence[bytes], width: int) -> NDArray:
    return np.frombuffer(b"".join(text[:width].ljust(width, b"\0") for text in texts), f"V{width}")


def _parse_separator(buffer: bytes, first: int, stop: int, count: int) -> Separator:
    """Parse the separator from `first` on, which has `count` tags and must end before `stop`.

    Raises `NotRegular` for any other markup than plain tags.
    """
    tags, offset = [], first
    if (end := END_TAG.match(buffer, offset, stop)) is not None:
        tags.append(Tag(Kind.CLOSES, end[1].decode()))
        offset = end.end()
    while (start := START_TAG.match(buffer, offset, stop)) is not None:
        kind = Kind.EMPTY if start[3] else Kind.OPENS
        attributes = tuple(
            (name.decode(), (double or single).decode())
            for name, double, single in ATTRIBUTE.findall(start[2])
        )
        if len(dict(attributes)) < len(attributes):
            raise NotRegular(Note.MALFORMED)
        tags.append(Tag(kind, start[1].decode(), attributes))
        offset = start.end()
    # A `<` that is no tag: a comment, CDATA, an instruction, or damage.
    if len(tags) != count:
        rest = buffer[offset:stop]
        raise NotRegular(Note.UNSUPPORTED_MARKUP if b"<!" in rest or b"<?" in rest else Note.MALFORMED)
    if tags[-1].kind is not Kind.OPENS:
        blanks = BLANKS.match(buffer, offset, stop)
        offset = blanks.end() if blanks else offset
        if offset != stop:
            raise NotRegular(Note.MIXED_CONTENT)
    return Separator(buffer[first:offset], tuple(tags))
