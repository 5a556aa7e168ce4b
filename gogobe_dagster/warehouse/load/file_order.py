"""The order in which files of stores apply: where a ledger file belongs, when, and in which chunks.

What files then change is `history`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby

from gogobe_dagster.sizes import chunk_by_size
from gogobe_dagster.warehouse.history.periods import StoreFile
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.store_numbers import StoreIdentity


def store_of(file: LedgerFile) -> StoreIdentity:
    """Return the store that a parsed file is about; the table checks that it has one."""
    return StoreIdentity(str(file.chain_id), int(file.sub_chain_id or 0), int(file.store_id or 0))


def published_at_of(file: LedgerFile) -> datetime:
    """Return the timestamp of a parsed file; the table checks that it has one."""
    if file.published_at is None:
        raise ValueError(f"{file.name} has no timestamp")
    return file.published_at


def store_file_of(file: LedgerFile, store_key: int) -> StoreFile:
    """Return what `history` needs to know of a parsed file."""
    is_delta = file.kind is None or not file.kind.is_full
    return StoreFile(
        file_id=file.id,
        store_key=store_key,
        published_at=published_at_of(file),
        is_complete=file.is_complete,
        tie_break=(is_delta, file.feed, file.name, file.revision),
    )


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
