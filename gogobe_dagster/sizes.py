"""Units of size, and lists split into chunks of a limited size."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

KILOBYTE: Final = 1024
MEGABYTE: Final = 1024 * KILOBYTE

Item = TypeVar("Item")


def chunk_by_size(
    items: Iterable[Item], size_of: Callable[[Item], int], *, max_size: int, max_items: int | None = None
) -> Iterator[list[Item]]:
    """Yield the items in their order, in chunks as large as the limits allow.

    No chunk is empty; an item larger than `max_size` is a chunk of its own.
    """
    chunk: list[Item] = []
    size = 0
    for item in items:
        item_size = size_of(item)
        if chunk and (size + item_size > max_size or len(chunk) == max_items):
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += item_size
    if chunk:
        yield chunk
