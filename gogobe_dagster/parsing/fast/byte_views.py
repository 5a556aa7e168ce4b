"""A document's bytes as NumPy sees them: what stands from every place on, without a copy.

The ground of the fast readers, with what they raise. What the bytes mean is not known here.
"""

from typing import Any, Final

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]

WORD: Final = 8
WIDEST: Final = 64
"""Bytes that are compared at all places at once."""
PAD: Final = b" " * WIDEST
"""Around documents, so that so many bytes can be read from every place of them."""


class CannotRead(Exception):
    """This document is for the careful reader; the text is a stable word that says why."""


def words_of(buffer: bytes) -> Numbers:
    """View the eight bytes from every place on as a number."""
    return spans_of(buffer, "<u8")


def spans_of(buffer: bytes, type_: str) -> Numbers:
    """View what stands from every place on as one value of a type."""
    size = np.dtype(type_).itemsize
    return np.ndarray((len(buffer) - size + 1,), type_, buffer=buffer, strides=(1,))


def stands_at(text: bytes, buffer: bytes, places: Numbers) -> Numbers:
    """Say at which of these places a text stands, byte for byte."""
    spans = spans_of(buffer, f"S{len(text)}")
    is_it: Numbers = spans[np.minimum(places, len(spans) - 1)] == text
    return is_it
