"""One transaction of price files: from claimed ledger entries to committed rows.

Locks are taken in the order that `warehouse.locks` lists, so loaders wait for each other and never deadlock.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.warehouse.history.diff import find_changes
from gogobe_dagster.warehouse.history.periods import PRICES
from gogobe_dagster.warehouse.ledger.file_claims import claim, mark_loaded
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.file_order import (
    chunks,
    published_at_of,
    store_file_of,
    store_of,
)
from gogobe_dagster.warehouse.load.late_files import (
    apply_with_followers,
    late_since,
    quarantine_too_late,
    undo_since,
)
from gogobe_dagster.warehouse.load.price_periods import read_current, write_changes
from gogobe_dagster.warehouse.load.product_text_lookup import ProductTextLookup
from gogobe_dagster.warehouse.load.store_keys import Stores, lock_stores, lock_stores_of, note_files
from gogobe_dagster.warehouse.load.store_numbers import StoreIdentity
from gogobe_dagster.warehouse.schema.monthly_partitions import ensure_partitions
from gogobe_dagster.warehouse.statistics.due import note_due


class PriceLoad:
    """Loads price files, a transaction at a time, and remembers the products that it has looked up."""

    def __init__(self, lake: Lake, *, now: datetime, rows_at_once: int) -> None:
        self._now, self._rows_at_once = now, rows_at_once
        self._lookup = ProductTextLookup(lake)

    def load(self, connection: sa.Connection, ids: Collection[int], *, wait: bool) -> Counter[str]:
        """Load those of these files that nobody else is loading; return the counts of a LoadReport."""
        claimed = claim(connection, ids, wait=wait)
        if not claimed:
            return Counter()
        made_before = self._lookup.products.made
        claimed, stores, new_stores = lock_stores_of(connection, claimed)
        claimed = quarantine_too_late(connection, Document.PRICES, claimed, stores, now=self._now)
        if not claimed:
            return Counter()
        # Text before prices: the locks of products come before those of prices in every loader.
        rows, rejected = self._lookup.read(connection, claimed)
        self._lookup.upsert(connection, rows)
        late = late_since(Document.PRICES, claimed, stores)
        again = _undo(connection, late, stores)
        counts = apply_with_followers(
            claimed,
            rows.select(*PRICES.file_rows),
            again,
            read=lambda files: self._lookup.read(connection, files)[0].select(*PRICES.file_rows),
            apply=lambda files, stated: _apply(connection, files, stated, stores),
            max_rows=self._rows_at_once,
        )
        # Last, in the same transaction: a crash leaves both the rows and the state `loaded`, or neither.
        note_files(connection, Document.PRICES, claimed, stores)
        note_due(connection, claimed)
        mark_loaded(connection, claimed, rejected, now=self._now)
        counts.update(files=len(claimed), rows=rows["price"].count(), new_stores=new_stores)
        counts.update(new_products=self._lookup.products.made - made_before)
        return counts

    def replay(self, connection: sa.Connection, store: StoreIdentity, *, since: datetime) -> Counter[str]:
        """Drop what the tables say about a store since a timestamp; apply its loaded files since again."""
        stores, _ = lock_stores(connection, {store})
        again = _undo(connection, {store: since}, stores)
        note_due(connection, again)
        counts = Counter(files=len(again))
        for chunk in chunks(again, self._rows_at_once):
            rows, _ = self._lookup.read(connection, chunk)
            self._lookup.upsert(connection, rows)
            counts += _apply(connection, chunk, rows.select(*PRICES.file_rows), stores)
        return counts


def _undo(
    connection: sa.Connection, since: Mapping[StoreIdentity, datetime], stores: Stores
) -> list[LedgerFile]:
    """Undo, and see that the periods of the files to apply again find their months."""
    again = undo_since(connection, Document.PRICES, since, stores)
    if again:
        ensure_partitions(connection.engine, map(published_at_of, again))
    return again


def _apply(
    connection: sa.Connection, files: Sequence[LedgerFile], rows: pl.DataFrame, stores: Stores
) -> Counter[str]:
    statements = [store_file_of(file, stores[store_of(file)].key) for file in files]
    done = find_changes(PRICES, read_current(connection, statements, rows), statements, rows)
    write_changes(connection, done)
    return Counter(inserted=len(done.inserted), changed=len(done.updated), ended=len(done.removed))
