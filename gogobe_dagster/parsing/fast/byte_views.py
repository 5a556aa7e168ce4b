"""NumPy views of a document's bytes, and the exception for documents that the fast reader cannot take."""

from typing import Any, Final

import numpy as np

from gogobe_dagster.files.notes import Note

NDArray = np.ndarray[Any, np.dtype[Any]]

WORD_BYTES: Final = 8
MAX_COMPARED_BYTES: Final = 64
"""The widest view: bytes that are compared at all offsets at once."""
PADDING: Final = b" " * MAX_COMPARED_BYTES
"""Put before and after the documents, so that the widest view can be read at every offset of them."""


class NotRegular(Exception):
    """The document is not written regularly: lxml has to read it."""

    def __init__(self, note: Note) -> None:
        """Keep the reason, which the report of the file shows."""
        super().__init__(note)
        self.note = note


def uint64_view(buffer: bytes) -> NDArray:
    """View the eight bytes at every offset as a number."""
    return strided_view(buffer, "<u8")


def strided_view(buffer: bytes, type_: str) -> NDArray:
    """View the bytes at every offset as one value of a fixed-width type; the views overlap."""
    size = np.dtype(type_).itemsize
    # A stride of one byte: nothing is copied, whatever the width.
    return np.ndarray((len(buffer) - size + 1,), type_, buffer=buffer, strides=(1,))


def matches_at(text: bytes, buffer: bytes, offsets: NDArray) -> NDArray:
    """Tell for each offset whether the text is there, byte for byte."""
    views = strided_view(buffer, f"S{len(text)}")
    # Near the end the view is clipped to the last one, which then cannot match: the padding is no text.
    is_match: NDArray = views[np.minimum(offsets, len(views) - 1)] == text
    return is_match
