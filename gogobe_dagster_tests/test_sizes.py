"""Chunks are as large as their limits allow, and lose nothing."""

from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from gogobe_dagster.sizes import chunk_by_size

MAX_SIZE, MAX_ITEMS = 10, 3


@given(st.lists(st.integers(0, 15)))
def test_chunks_are_as_large_as_the_limits_allow(sizes: list[int]) -> None:
    chunks = list(chunk_by_size(sizes, lambda size: size, max_size=MAX_SIZE, max_items=MAX_ITEMS))

    assert list(chain.from_iterable(chunks)) == sizes
    assert all(len(chunk) == 1 or (sum(chunk) <= MAX_SIZE and len(chunk) <= MAX_ITEMS) for chunk in chunks)
    assert all(
        sum(chunk) + following[0] > MAX_SIZE or len(chunk) == MAX_ITEMS
        for chunk, following in pairwise(chunks)
    )


def test_without_a_number_of_items_only_the_size_counts() -> None:
    assert list(chunk_by_size([0] * 5, lambda size: size, max_size=MAX_SIZE)) == [[0] * 5]
