"""Texts of a document as columns, without a copy: Polars and Arrow can point into the document itself.

Entities become characters, and control characters blanks; only texts with such are written anew. What texts
mean is not known here.
"""

import re
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.fast.byte_views import PAD, WORD, CannotRead, Numbers, words_of
from gogobe_dagster.parsing.fast.tokenizer import Markup

LONGEST_TEXT: Final = 1 << 20
CONTROLS: Final = ord(" ")
NOWHERE: Final = np.array([], np.int64)
ENTITY: Final = re.compile(
    rb"&(?:(amp|lt|gt|quot|apos)|#(?:([0-9]{1,7})|[xX]([0-9a-fA-F]{1,6})));|(&)", re.ASCII
)
ENTITIES: Final = {b"amp": "&", b"lt": "<", b"gt": ">", b"quot": '"', b"apos": "'"}
CONTROL: Final = re.compile("[\x00-\x1f]+")
SURROGATES, LAST_CHARACTER = range(0xD800, 0xE000), 0x10FFFF
INLINE: Final = 12
"""Bytes of a text that a view holds, after its length; of a longer text, the first four and its place."""
LOW: Final = np.array([*((1 << (8 * min(n, 8))) - 1 for n in range(INLINE + 1)), 0xFFFFFFFF], np.uint64)
HIGH: Final = np.array([*((1 << (8 * max(n - 8, 0))) - 1 for n in range(INLINE + 1)), 0], np.uint64)
"""What of a text's first eight bytes, and of the four after them, goes into the view of a text of n bytes."""

REWRITTEN: Final = np.uint64(1)
"""In the view of a longer text: it is in the second buffer."""


class WrittenTexts:
    """The texts of some markup, as they are written."""

    def __init__(self, markup: Markup) -> None:
        """Raises `ContentError` hostile_content for a very long text."""
        self._markup = markup
        self._rewritten = b""
        if (markup.stops - markup.starts).max() > LONGEST_TEXT:
            raise ContentError(Code.HOSTILE_CONTENT, f"a text of more than {LONGEST_TEXT:,} bytes")

    def column(self, places: Numbers) -> pl.Series:
        """Return some texts."""
        return pl.Series(self._array(pa.string_view(), self._views_of(places)))

    def marks(self, places: Numbers) -> pl.Series:
        """Return 64 bits for each of some texts, equal where texts are."""
        return pl.Series(self._array(pa.binary_view(), self._views_of(places))).hash()

    def column_of(self, places: Numbers, starts: Numbers) -> pl.Series:
        """Return for each record, by its first text, the one of these texts that it has, or null.

        Raises `CannotRead` for a record that has several.
        """
        if is_one_each(places, starts):
            return self.column(places)
        records = records_of(places, starts)
        if not np.diff(records).all():
            raise CannotRead("repeated_field")
        views, is_there = np.zeros((len(starts), 2), np.uint64), np.zeros(len(starts), np.bool_)
        views[records], is_there[records] = self._views_of(places), True
        return pl.Series(self._array(pa.string_view(), views, np.packbits(is_there, bitorder="little")))

    def _views_of(self, places: Numbers) -> Numbers:
        starts = self._markup.starts[places]
        return _views(self._markup.buffer, starts, self._markup.stops[places] - starts)

    def _array(self, type_: Any, views: Numbers, validity: Numbers | None = None) -> Any:
        buffers = [pa.py_buffer(one) for one in (views, self._markup.buffer, self._rewritten)]
        first = None if validity is None else pa.py_buffer(validity)
        return pa.Array.from_buffers(type_, len(views), [first, *buffers])


class Texts(WrittenTexts):
    """The texts of some markup, as they are meant: entities are characters, control characters blanks."""

    def __init__(self, markup: Markup) -> None:
        """Raises `CannotRead` for what is no entity, `ContentError` hostile_content for a very long text."""
        super().__init__(markup)
        self._views = _views(markup.buffer, markup.starts, markup.stops - markup.starts)
        self._rewrite()

    def _views_of(self, places: Numbers) -> Numbers:
        return np.ascontiguousarray(self._views[places])

    def _rewrite(self) -> None:
        """Write texts with entities or control characters anew, beside the documents."""
        places = self._marked()
        if not len(places):
            return
        starts, stops = self._markup.starts[places].tolist(), self._markup.stops[places].tolist()
        spans = zip(starts, stops, strict=True)
        texts = [clean(self._markup.buffer[start:stop]).encode() for start, stop in spans]
        self._rewritten = b"".join([*texts, PAD])
        sizes = np.array([*map(len, texts)])
        views = _views(self._rewritten, np.cumsum(sizes) - sizes, sizes)
        views[sizes > INLINE, 1] |= REWRITTEN
        self._views[places] = views

    def _marked(self) -> Numbers:
        """Return the texts that have an ampersand or a control character in them."""
        starts, stops = self._markup.starts, self._markup.stops
        marks = np.concatenate([_ampersands(self._markup.buffer), self._controls()])
        if len(marks) > len(starts):
            marks.sort()
            return np.flatnonzero(np.searchsorted(marks, starts) < np.searchsorted(marks, stops))
        places = np.searchsorted(starts, marks, side="right") - 1
        is_inside = (places >= 0) & (marks < stops[places])
        return np.unique(places[is_inside])

    def _controls(self) -> Numbers:
        """Return where control characters are, of which there are more than separators have, as line ends."""
        everywhere = np.frombuffer(self._markup.buffer, np.uint8)
        between = self._between()
        is_control = everywhere < CONTROLS
        if np.count_nonzero(is_control) == between.sum():
            return NOWHERE
        places = np.flatnonzero(is_control)
        characters = everywhere[places]
        is_in_texts = np.bincount(characters, minlength=CONTROLS) > between
        return places[is_in_texts[characters]]

    def _between(self) -> Numbers:
        """Count each control character of separators, and of what stands before them."""
        markup = self._markup
        texts = [one.text for one in markup.separators]
        texts.append(markup.buffer[: markup.starts[0] - len(texts[markup.which[0]])])
        times = np.bincount(markup.which, minlength=len(texts))
        times[-1] = 1
        characters = [np.frombuffer(text, np.uint8) for text in texts]
        counts = [np.bincount(some[some < CONTROLS], minlength=CONTROLS) for some in characters]
        between: Numbers = times @ np.array(counts)
        return between


def _ampersands(buffer: bytes) -> Numbers:
    places, at = [], buffer.find(b"&")
    while at >= 0:
        places.append(at)
        at = buffer.find(b"&", at + 1)
    return np.array(places, np.int64)


def is_one_each(places: Numbers, starts: Numbers) -> bool:
    """Whether each record has one of these texts, by the first texts of the records."""
    return len(places) == len(starts) and bool((starts <= places).all() and (places[:-1] < starts[1:]).all())


def records_of(places: Numbers, starts: Numbers) -> Numbers:
    """Return for each text the record that it stands in, which begins with the text at its start."""
    return np.searchsorted(starts, places, side="right") - 1


def _views(buffer: bytes, starts: Numbers, lengths: Numbers) -> Numbers:
    """Make Arrow's views, sixteen bytes each."""
    words = words_of(buffer)
    sizes = np.minimum(lengths, INLINE + 1)
    low = words[starts] & LOW[sizes]
    views = np.empty((len(starts), 2), np.uint64)
    np.left_shift(low, np.uint64(32), out=views[:, 0])
    views[:, 0] |= lengths.view(np.uint64)
    np.right_shift(low, np.uint64(32), out=views[:, 1])
    if sizes.max(initial=0) > WORD:
        high = words[starts + WORD] & HIGH[sizes]
        high += (starts * (sizes > INLINE)).view(np.uint64)
        views[:, 1] |= high << np.uint64(32)
    return views


def clean(text: bytes) -> str:
    """Return a text with its entities as characters and its control characters as blanks.

    Raises `CannotRead` for what is no entity.
    """
    return CONTROL.sub(" ", ENTITY.sub(_character, text).decode())


def _character(found: re.Match[bytes]) -> bytes:
    name, decimal, hexadecimal, bare = found.groups()
    if name:
        return ENTITIES[name].encode()
    number = -1 if bare else int(decimal) if decimal else int(hexadecimal, 16)
    if not 0 < number <= LAST_CHARACTER or number in SURROGATES:
        raise CannotRead("malformed")
    return chr(number).encode()
