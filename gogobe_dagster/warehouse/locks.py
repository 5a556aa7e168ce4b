"""Every advisory lock of the warehouse. All of them are held until the transaction ends.

Each writer takes its locks in the order of its line, from left to right, and locks of one kind in sorted
order. Therefore writers wait for each other and never deadlock. Rows are row locks. The lock of a store
number covers all stores with this number and the loaded files about them: only its holder attributes files.

    migrate                 SCHEMA
    replacing localities    STORE_LISTS; rows of locality, store
    replacing contents      PRODUCT_ATTRIBUTES of one chain after another; rows of chain_product
    ensure_partitions       SCHEMA, in a transaction of its own, also in the middle of a load
    recording a listing     LISTING of the feed; rows of file
    load of store lists     STORE_LISTS; rows of file, chain, sub_chain, store_number, store
    load of prices          rows of file, chain, sub_chain, store_number, store; HISTORY shared, if files
                            are late; rows of product; PRODUCT_ATTRIBUTES of the chains; rows of prices
    load of promotions      rows of file, chain, sub_chain, store_number, store; HISTORY shared, if files
                            are late; rows of product, promotion
    ambiguous numbers       STORE_LISTS; rows of store_number, store; then as rebuilds of promotions, prices
                            and store lists
    rebuild of prices       rows of store_number, store; HISTORY shared; then as a load
    rebuild of promotions   rows of store_number, store; HISTORY shared; PROMOTION_VERSIONS of the chain;
                            then as a load
    rebuild of store lists  STORE_LISTS; rows of store_number, store
    backup                  HISTORY shared, while tables are dumped: dropping one would end the dump
    statistics              STATISTICS of a chain; HISTORY shared; rows of product_statistics,
                            chain_discount. Then STATISTICS; rows of price_index
    backup, all of it       BACKUP of its folder, on a connection that does nothing else
    publishing a dataset    DATASET of its folder, on a connection that does nothing else
    retention               HISTORY exclusive; tables and rows of the history
"""

from enum import IntEnum

import sqlalchemy as sa


class AdvisoryLock(IntEnum):
    """What is locked. A lock by key is one lock for each key."""

    SCHEMA = 0x60_60_BE_01
    """The tables themselves: one process migrates, or makes monthly partitions."""
    STORE_LISTS = 0x60_60_BE_02
    """All store lists. They are few and small, so their loads run one after another."""
    PROMOTION_VERSIONS = 0x60_60_BE_03
    """By chain. Each store's files write versions in an order of their own, so rebuilds of a chain would
    deadlock on rows of `promotion`."""
    HISTORY = 0x60_60_BE_04
    """How far back history goes. Loads of late files need it to stay and share the lock; retention moves
    it and takes it exclusively. Without it a late file could undo history that is being deleted."""
    PRODUCT_ATTRIBUTES = 0x60_60_BE_05
    """By chain. Many loads update the same rows of `chain_product`, in whatever order their files have."""
    LISTING = 0x60_60_BE_06
    """By feed. Two listings at once would both insert the same new file."""
    STATISTICS = 0x60_60_BE_07
    """By chain, and without a key for what is about all chains. One process at a time replaces them."""
    DATASET = 0x60_60_BE_08
    """By folder. Two at once would remove each other's drafts."""
    BACKUP = 0x60_60_BE_09
    """By folder. Two at once would remove each other's unfinished backup."""


def lock(connection: sa.Connection, what: AdvisoryLock, key: str | None = None) -> None:
    """Wait for a lock and hold it until the transaction ends. A process may take it again.

    Two keys with the same hash share a lock, which only makes their writers wait for each other.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(*_arguments(what, key))))


def try_lock(connection: sa.Connection, what: AdvisoryLock, key: str | None = None) -> bool:
    """Take a lock unless another process has it; return whether it was taken."""
    return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(*_arguments(what, key)))))


def share(connection: sa.Connection, what: AdvisoryLock) -> None:
    """Hold a lock together with others that share it; only `lock` keeps out all of them."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(int(what))))


def _arguments(what: AdvisoryLock, key: str | None) -> tuple[int | sa.ColumnElement[int], ...]:
    return (int(what),) if key is None else (int(what), sa.func.hashtext(key))
