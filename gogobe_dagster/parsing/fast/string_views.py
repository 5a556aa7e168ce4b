"""Texts of a document as Polars columns, without a copy: Arrow's string views point into the document.

An Arrow string view is 16 bytes: the length, and then either the text itself (up to 12 bytes) or its first
four bytes, the number of a buffer and the offset in it. Here they are computed with NumPy for all texts at
once. Entities become characters, and control characters become blanks; only texts that have them are copied.
What texts mean is not known here.
"""

import re
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.fast.byte_views import PADDING, WORD_BYTES, NDArray, NotRegular, uint64_view
from gogobe_dagster.parsing.fast.tokenizer import Tokens

MAX_TEXT_LENGTH: Final = 1 << 20
CONTROLS: Final = ord(" ")
"""Control characters are the bytes below this one."""
NO_OFFSETS: Final = np.array([], np.int64)
ENTITY: Final = re.compile(
    rb"&(?:(amp|lt|gt|quot|apos)|#(?:([0-9]{1,7})|[xX]([0-9a-fA-F]{1,6})));|(&)", re.ASCII
)
ENTITIES: Final = {b"amp": "&", b"lt": "<", b"gt": ">", b"quot": '"', b"apos": "'"}
CONTROL: Final = re.compile("[\x00-\x1f]+")
SURROGATES, LAST_CHARACTER = range(0xD800, 0xE000), 0x10FFFF
NO_CHARACTERS: Final = frozenset({0xFFFE, 0xFFFF})
INLINE: Final = 12
"""The longest text that a view holds itself."""
# Masks by length: which of a text's first eight bytes, and of the four after them, go into its view. The
# last entry is for all longer texts, of which a view holds four bytes. A byte too many would belong to the
# following markup, and Arrow requires that the unused bytes of a view are zero.
LOW: Final = np.array([*((1 << (8 * min(n, 8))) - 1 for n in range(INLINE + 1)), 0xFFFFFFFF], np.uint64)
HIGH: Final = np.array([*((1 << (8 * max(n - 8, 0))) - 1 for n in range(INLINE + 1)), 0], np.uint64)

SECOND_BUFFER: Final = np.uint64(1)
"""Set in the view of a longer text that is in the second buffer, not in the document."""


class SourceTexts:
    """The texts of documents as they are written, entities and all."""

    def __init__(self, tokens: Tokens) -> None:
        """Raises `ContentError` (hostile_content) for a very long text."""
        self._tokens = tokens
        self._rewritten = b""
        if (tokens.stops - tokens.starts).max() > MAX_TEXT_LENGTH:
            # Lengths and offsets are 32 bits in a view; real texts have 200 bytes.
            raise ContentError(Code.HOSTILE_CONTENT, f"a text of more than {MAX_TEXT_LENGTH:,} bytes")

    def column(self, indexes: NDArray) -> pl.Series:
        """Return the texts at these indexes."""
        return pl.Series(self._array(pa.string_view(), self._views_of(indexes)))

    def text_hashes(self, indexes: NDArray) -> pl.Series:
        """Return 64 bits for each of these texts, equal where texts are."""
        return pl.Series(self._array(pa.binary_view(), self._views_of(indexes))).hash()

    def column_per_record(self, indexes: NDArray, starts: NDArray) -> pl.Series:
        """Return for each record the one of these texts that stands in it, or null.

        A record is known by the index of its first text. Raises `NotRegular` if one has several.
        """
        if is_one_per_record(indexes, starts):
            return self.column(indexes)
        records = record_indexes(indexes, starts)
        # Indexes are in order, so a record with two texts has the same number twice in a row.
        if not np.diff(records).all():
            raise NotRegular(Note.REPEATED_FIELD)
        views, is_there = np.zeros((len(starts), 2), np.uint64), np.zeros(len(starts), np.bool_)
        views[records], is_there[records] = self._views_of(indexes), True
        return pl.Series(self._array(pa.string_view(), views, np.packbits(is_there, bitorder="little")))

    def _views_of(self, indexes: NDArray) -> NDArray:
        starts = self._tokens.starts[indexes]
        return _views(self._tokens.buffer, starts, self._tokens.stops[indexes] - starts)

    def _array(self, type_: Any, views: NDArray, validity: NDArray | None = None) -> Any:
        # Arrow keeps a reference to the buffers, so the document lives as long as the column.
        buffers = [pa.py_buffer(buffer) for buffer in (views, self._tokens.buffer, self._rewritten)]
        first = None if validity is None else pa.py_buffer(validity)
        return pa.Array.from_buffers(type_, len(views), [first, *buffers])


class DecodedTexts(SourceTexts):
    """The texts of documents as they are meant: entities as characters, control characters as blanks."""

    def __init__(self, tokens: Tokens) -> None:
        """Raises `NotRegular` for an unknown entity, `ContentError` for a very long text."""
        super().__init__(tokens)
        self._views = _views(tokens.buffer, tokens.starts, tokens.stops - tokens.starts)
        self._rewrite()

    def _views_of(self, indexes: NDArray) -> NDArray:
        return np.ascontiguousarray(self._views[indexes])

    def _rewrite(self) -> None:
        """Copy texts with entities or control characters, decoded, into a second buffer."""
        indexes = self._undecoded()
        if not len(indexes):
            return
        starts, stops = self._tokens.starts[indexes].tolist(), self._tokens.stops[indexes].tolist()
        spans = zip(starts, stops, strict=True)
        texts = [decode_text(self._tokens.buffer[start:stop]).encode() for start, stop in spans]
        self._rewritten = b"".join([*texts, PADDING])
        sizes = np.array([*map(len, texts)])
        views = _views(self._rewritten, np.cumsum(sizes) - sizes, sizes)
        views[sizes > INLINE, 1] |= SECOND_BUFFER
        self._views[indexes] = views

    def _undecoded(self) -> NDArray:
        """Return the indexes of texts with an ampersand or a control character."""
        starts, stops = self._tokens.starts, self._tokens.stops
        offsets = np.concatenate([_ampersands(self._tokens.buffer), self._controls()])
        # Two ways to the same answer: search in the shorter list.
        if len(offsets) > len(starts):
            offsets.sort()
            return np.flatnonzero(np.searchsorted(offsets, starts) < np.searchsorted(offsets, stops))
        indexes = np.searchsorted(starts, offsets, side="right") - 1
        is_inside = (indexes >= 0) & (offsets < stops[indexes])
        return np.unique(indexes[is_inside])

    def _controls(self) -> NDArray:
        """Return the offsets of control characters that may stand in texts.

        Nearly all are line ends in separators. If a character occurs exactly as often as separators have it,
        none is in a text, and its offsets need not be looked up.
        """
        characters = np.frombuffer(self._tokens.buffer, np.uint8)
        in_separators = self._count_in_separators()
        is_control = characters < CONTROLS
        if np.count_nonzero(is_control) == in_separators.sum():
            return NO_OFFSETS
        offsets = np.flatnonzero(is_control)
        controls = characters[offsets]
        is_in_texts = np.bincount(controls, minlength=CONTROLS) > in_separators
        return offsets[is_in_texts[controls]]

    def _count_in_separators(self) -> NDArray:
        """Count each control character of the separators, and of what stands before the first one."""
        tokens = self._tokens
        texts = [kind.text for kind in tokens.separators]
        texts.append(tokens.buffer[: tokens.starts[0] - len(texts[tokens.separator_ids[0]])])
        times = np.bincount(tokens.separator_ids, minlength=len(texts))
        times[-1] = 1
        characters = [np.frombuffer(text, np.uint8) for text in texts]
        counts = [np.bincount(some[some < CONTROLS], minlength=CONTROLS) for some in characters]
        in_separators: NDArray = times @ np.array(counts)
        return in_separators


def _ampersands(buffer: bytes) -> NDArray:
    # `find` beats a comparison of every byte: most documents have few or none.
    offsets, offset = [], buffer.find(b"&")
    while offset >= 0:
        offsets.append(offset)
        offset = buffer.find(b"&", offset + 1)
    return np.array(offsets, np.int64)


def is_one_per_record(indexes: NDArray, starts: NDArray) -> bool:
    """Whether each record has exactly one of these texts; `starts` are the first texts of the records."""
    return len(indexes) == len(starts) and bool(
        (starts <= indexes).all() and (indexes[:-1] < starts[1:]).all()
    )


def record_indexes(indexes: NDArray, starts: NDArray) -> NDArray:
    """Return for each of these texts the record that it stands in; `starts` are their first texts."""
    return np.searchsorted(starts, indexes, side="right") - 1


def _views(buffer: bytes, starts: NDArray, lengths: NDArray) -> NDArray:
    """Make an Arrow string view of each text: two numbers of eight bytes."""
    eight_bytes = uint64_view(buffer)
    sizes = np.minimum(lengths, INLINE + 1)
    # First number: the length and the first four bytes, for short and for long texts.
    low = eight_bytes[starts] & LOW[sizes]
    views = np.empty((len(starts), 2), np.uint64)
    np.left_shift(low, np.uint64(32), out=views[:, 0])
    views[:, 0] |= lengths.view(np.uint64)
    # Second number: bytes 4 to 12 of a short text; of a longer one the buffer (0) and the offset in it.
    np.right_shift(low, np.uint64(32), out=views[:, 1])
    if sizes.max(initial=0) > WORD_BYTES:
        high = eight_bytes[starts + WORD_BYTES] & HIGH[sizes]
        high += (starts * (sizes > INLINE)).view(np.uint64)
        views[:, 1] |= high << np.uint64(32)
    return views


def decode_text(text: bytes) -> str:
    """Decode a text: entities become characters, runs of control characters one blank.

    Raises `NotRegular` for an unknown entity.
    """
    return CONTROL.sub(" ", ENTITY.sub(_character, text).decode())


def _character(found: re.Match[bytes]) -> bytes:
    name, decimal, hexadecimal, bare = found.groups()
    if name:
        return ENTITIES[name].encode()
    number = -1 if bare else int(decimal) if decimal else int(hexadecimal, 16)
    if not 0 < number <= LAST_CHARACTER or number in SURROGATES or number in NO_CHARACTERS:
        raise NotRegular(Note.MALFORMED)
    return chr(number).encode()
