"""The order in which files of stores apply: where a ledger file belongs, when, and in which chunks.

What files then change is `history`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, groupby

from gogobe_dagster.sizes import chunk_by_size
from gogobe_dagster.warehouse.history.periods import StoreFile
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.store_keys import LockedStore, StoreIdentity


def store_of(one: LedgerFile) -> StoreIdentity:
    """Return the store that a parsed file is about; the table checks that it has one."""
    return StoreIdentity(str(one.chain_id), int(one.sub_chain_id or 0), int(one.store_id or 0))


def published_at_of(one: LedgerFile) -> datetime:
    """Return the stamp of a parsed file; the table checks that it has one."""
    if one.published_at is None:
        raise ValueError(f"{one.name} has no stamp")
    return one.published_at


def store_file_of(one: LedgerFile, store_key: int) -> StoreFile:
    """Return what `history` needs to know of a parsed file."""
    is_delta = one.kind is None or not one.kind.is_full
    return StoreFile(
        file_id=one.id,
        store_key=store_key,
        published_at=published_at_of(one),
        is_complete=one.is_complete,
        tie_break=(is_delta, one.feed, one.name, one.revision),
    )


def store_timestamps(
    files: Sequence[LedgerFile], stores: Mapping[StoreIdentity, LockedStore]
) -> list[tuple[int, datetime, bool]]:
    """Return key of the store, stamp, and whether it is complete, of each file, for `places.note_files`."""
    return [(stores[store_of(file)].key, published_at_of(file), file.is_complete) for file in files]


def chunks(files: Sequence[LedgerFile], max_rows: int) -> Iterator[list[LedgerFile]]:
    """Yield chunks in the order in which files apply; a store's files of one timestamp stay together."""
    ordered = sorted(files, key=_store_and_timestamp)
    together = [list(some) for _, some in groupby(ordered, key=_store_and_timestamp)]
    for chunk in chunk_by_size(together, _rows, max_size=max_rows):
        yield list(chain.from_iterable(chunk))


def _store_and_timestamp(file: LedgerFile) -> tuple[StoreIdentity, datetime]:
    return store_of(file), published_at_of(file)


def _rows(files: Sequence[LedgerFile]) -> int:
    return sum(file.rows or 0 for file in files)
