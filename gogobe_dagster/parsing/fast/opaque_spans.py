"""Fields of rows that are taken for one text, markup and all, so that they are not looked at.

Where folds are is found out here; what is in them, and why, is `wordings`.
"""

from typing import NamedTuple

import numpy as np

from gogobe_dagster.parsing.fast.byte_views import WORD, CannotRead, Numbers, stands_at, words_of

FEW_TAGS = 1000


class Fold(NamedTuple):
    """A fold goes from the text of the first field to the end of the text of the last."""

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


def tags_outside(fold: Fold, buffer: bytes, tags: Numbers, bounds: Numbers) -> Numbers:
    """Leave out the tags inside folds; `bounds` are the first tag of each document, and the number of all.

    Raises `CannotRead` for folds that begin and do not end, or in each other.
    """
    is_outside = np.ones(len(tags), np.bool_)
    is_long = len(tags) > FEW_TAGS * (len(bounds) - 1)
    documents = [slice(*pair) for pair in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
    if not (is_long and all(_is_regular(fold, buffer, tags[one], is_outside[one]) for one in documents)):
        is_outside = _outside(fold, buffer, tags)
    outside: Numbers = tags[is_outside]
    return outside


def _is_regular(fold: Fold, buffer: bytes, tags: Numbers, is_outside: Numbers) -> bool:
    """Mark what is outside, if the rows of a document have as many tags each, in the same places."""
    begin = buffer.find(fold.start, int(tags[0]))
    places = [begin, buffer.find(fold.end, begin), buffer.find(fold.start, begin + 1)]
    start, end, again = np.searchsorted(tags, places).tolist()
    length, turn = end - start, again - start
    if min(places) < 0 or not 0 < length < turn:
        return False
    begun = np.arange(start, len(tags) - length, turn)
    if not (
        stands_at(fold.start, buffer, tags[begun]) & stands_at(fold.end, buffer, tags[begun + length])
    ).all():
        return False
    whole = turn * (len(begun) - 1)
    is_outside[start : start + whole].reshape(-1, turn)[:, 1:length] = False
    is_outside[start + whole + 1 : start + whole + length] = False
    return True


def _outside(fold: Fold, buffer: bytes, tags: Numbers) -> Numbers:
    words = words_of(buffer)[tags]
    begun, ended = (_written_so(text, buffer, tags, words) for text in (fold.start, fold.end))
    if len(begun) != len(ended) or (begun >= ended).any() or (ended[:-1] >= begun[1:]).any():
        raise CannotRead("odd_fold")
    steps = np.zeros(len(tags) + 1, np.int8)
    steps[begun + 1] += 1
    steps[ended] -= 1
    is_outside: Numbers = np.cumsum(steps[:-1], dtype=np.int8) == 0
    return is_outside


def _written_so(text: bytes, buffer: bytes, tags: Numbers, words: Numbers) -> Numbers:
    """Return which tags are written so, by the words at their places first."""
    start = text[:WORD]
    mask = np.uint64((1 << (8 * len(start))) - 1)
    likely = np.flatnonzero(words & mask == np.uint64(int.from_bytes(start, "little")))
    written_so: Numbers = likely[stands_at(text, buffer, tags[likely])]
    return written_so
