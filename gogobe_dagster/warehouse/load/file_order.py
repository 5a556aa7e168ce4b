"""The order in which files of stores apply: where a ledger file belongs, when, and in which parts.

What files then change is `history`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from gogobe_dagster.warehouse.history.periods import Statement
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.store_keys import LockedStore, Place


def place_of(one: LedgerFile) -> Place:
    """Return the store that a parsed file is about; the table checks that it has one."""
    return Place(str(one.chain_id), int(one.sub_chain_id or 0), int(one.store_id or 0))


def stamp_of(one: LedgerFile) -> datetime:
    """Return the stamp of a parsed file; the table checks that it has one."""
    if one.published_at is None:
        raise ValueError(f"{one.name} has no stamp")
    return one.published_at


def statement_of(one: LedgerFile, store_key: int) -> Statement:
    """Return what `history` needs to know of a parsed file."""
    is_delta = one.kind is None or not one.kind.is_full
    return Statement(
        file_id=one.id,
        store_key=store_key,
        published_at=stamp_of(one),
        is_complete=one.is_complete,
        tie=(is_delta, one.feed, one.name, one.revision),
    )


def spoken_of(
    files: Sequence[LedgerFile], stores: Mapping[Place, LockedStore]
) -> list[tuple[int, datetime, bool]]:
    """Return key of the store, stamp, and whether it is complete, of each file, for `places.note_files`."""
    return [(stores[place_of(one)].key, stamp_of(one), one.is_complete) for one in files]


def parts(files: Sequence[LedgerFile], most_rows: int) -> Iterator[list[LedgerFile]]:
    """Split files by store and instant, in order; an instant of a store is never split."""
    some: list[LedgerFile] = []
    ordered = sorted(files, key=lambda one: (place_of(one), stamp_of(one)))
    for _, of_instant in groupby(ordered, key=lambda one: (place_of(one), stamp_of(one))):
        instant = list(of_instant)
        if some and sum(one.rows or 0 for one in (*some, *instant)) > most_rows:
            yield some
            some = []
        some += instant
    yield some
