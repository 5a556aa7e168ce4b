"""One transaction of promotion files: from claimed ledger entries to committed rows.

Locks are taken in the order that `warehouse.locks` lists, so loaders wait for each other and never deadlock.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.parsing.reject import MAX_SAMPLES, Reject, RejectReason
from gogobe_dagster.warehouse.history.diff import find_changes
from gogobe_dagster.warehouse.history.periods import PROMOTIONS
from gogobe_dagster.warehouse.ledger.file_claims import RejectedRows, claim, mark_loaded
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.file_order import chunks, store_file_of, store_of
from gogobe_dagster.warehouse.load.late_files import (
    apply_with_followers,
    late_since,
    quarantine_too_late,
    undo_since,
)
from gogobe_dagster.warehouse.load.product_keys import Products
from gogobe_dagster.warehouse.load.promotion_periods import read_open_periods, write_periods
from gogobe_dagster.warehouse.load.promotion_versions import HASHED, Contents
from gogobe_dagster.warehouse.load.store_keys import Stores, lock_stores, lock_stores_of, note_files
from gogobe_dagster.warehouse.load.store_numbers import StoreIdentity
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.promotion_tables import PROMOTION_ID_LIMIT
from gogobe_dagster.warehouse.statistics.due import note_due

_id, _hash = pl.col("promotion_id"), pl.col("content_hash")


class PromotionLoad:
    """Loads promotion files, a transaction at a time, and remembers the products and contents it has met."""

    def __init__(self, lake: Lake, *, now: datetime, rows_at_once: int) -> None:
        self._lake, self._now, self._rows_at_once = lake, now, rows_at_once
        self._products = Products()
        self._contents = Contents(lake, self._products)

    def load(self, connection: sa.Connection, ids: Collection[int], *, wait: bool) -> Counter[str]:
        """Load those of these files that nobody else is loading; return the counts of a LoadReport."""
        claimed = claim(connection, ids, wait=wait)
        if not claimed:
            return Counter()
        products, contents = self._products.made, self._contents.made
        claimed, stores, new_stores = lock_stores_of(connection, claimed)
        claimed = quarantine_too_late(connection, Document.PROMOTIONS, claimed, stores, now=self._now)
        if not claimed:
            return Counter()
        offers, refused = self._read(connection, claimed)
        late = late_since(Document.PROMOTIONS, claimed, stores)
        again = undo_since(connection, Document.PROMOTIONS, late, stores)
        counts = apply_with_followers(
            claimed,
            _stated(offers),
            again,
            read=lambda files: _stated(self._read(connection, files)[0]),
            apply=lambda files, stated: _apply(connection, files, stated, stores),
            max_rows=self._rows_at_once,
        )
        # Last, in the same transaction: a crash leaves both the rows and the state `loaded`, or neither.
        note_files(connection, Document.PROMOTIONS, claimed, stores)
        note_due(connection, claimed)
        mark_loaded(connection, claimed, refused, now=self._now)
        counts.update(files=len(claimed), rows=offers["content_hash"].count(), new_stores=new_stores)
        counts.update(new_products=self._products.made - products)
        counts.update(new_promotions=self._contents.made - contents)
        return counts

    def replay(self, connection: sa.Connection, store: StoreIdentity, *, since: datetime) -> Counter[str]:
        """Drop what the tables say about a store since a timestamp; apply its loaded files since again.

        Promotion versions belong to the chain: this object rewrites each of them once.
        """
        lock(connection, AdvisoryLock.PROMOTION_VERSIONS, store.chain_id)
        stores, _ = lock_stores(connection, {store})
        again = undo_since(connection, Document.PROMOTIONS, {store: since}, stores)
        note_due(connection, again)
        counts = Counter(files=len(again))
        for chunk in chunks(again, self._rows_at_once):
            offers, _ = self._read(connection, chunk, rewrite=True)
            counts += _apply(connection, chunk, _stated(offers), stores)
        return counts

    def _read(
        self, connection: sa.Connection, files: Sequence[LedgerFile], *, rewrite: bool = False
    ) -> tuple[pl.DataFrame, Mapping[int, RejectedRows]]:
        """Return the offers of these files with the keys of their contents, and what is refused.

        An offer without content says that the file lists a promotion that could not be read.
        """
        sources = {file.id: str(file.lake_path) for file in files}
        chains = pl.DataFrame(
            [(file.id, file.chain_id) for file in files],
            schema={"file_id": pl.Int64(), "chain_id": pl.String()},
            orient="row",
        )
        rows = self._lake.read(Document.PROMOTIONS, sources, columns=HASHED)
        # A promotion that could not be read is listed all the same, so it must not end.
        listed_only = rows.filter(pl.col("content_hash").is_null())
        rows = rows.filter(pl.col("content_hash").is_not_null())
        judged = rows.join(chains, on="file_id", how="inner", maintain_order="left").with_columns(
            reason=_reason()
        )
        kept = judged.filter(pl.col("reason").is_null()).drop("reason")
        offers = self._contents.resolve(connection, kept, sources, rewrite=rewrite)
        refused = _refused(judged.filter(pl.col("reason").is_not_null()), offers)
        if not listed_only.is_empty():
            offers = pl.concat([offers, listed_only.select("file_id", "promotion_id")], how="diagonal")
        return offers, refused


def _reason() -> pl.Expr:
    """Say why a row cannot be taken; of two contents of a promotion in a file, the last one holds."""
    is_usable = _id.str.len_chars().is_between(1, PROMOTION_ID_LIMIT) & ~_id.str.contains("\0", literal=True)
    is_last = _hash == _hash.last().over("file_id", "promotion_id")
    unusable = pl.lit(RejectReason.PROMOTION_ID_UNUSABLE.value)
    repeated = pl.lit(RejectReason.PROMOTION_REPEATED.value)
    return pl.when(~is_usable).then(unusable).when(~is_last).then(repeated)


def _stated(offers: pl.DataFrame) -> pl.DataFrame:
    """Return one row per file and promotion."""
    return offers.select(*PROMOTIONS.file_rows).unique(["file_id", "promotion_id"])


def _apply(
    connection: sa.Connection, files: Sequence[LedgerFile], rows: pl.DataFrame, stores: Stores
) -> Counter[str]:
    statements = [store_file_of(file, stores[store_of(file)].key) for file in files]
    done = find_changes(PROMOTIONS, read_open_periods(connection, statements, rows), statements, rows)
    write_periods(connection, done)
    return Counter(inserted=len(done.inserted), changed=len(done.updated), ended=len(done.removed))


def _refused(rows: pl.DataFrame, offers: pl.DataFrame) -> dict[int, RejectedRows]:
    """Count, by file, the rows refused and the items left out of the others."""
    with_left_out = offers.filter(pl.col("unusable").is_not_null())
    left_out = with_left_out.unique(["file_id", "promotion_id"], keep="first", maintain_order=True)
    items = left_out.explode("unusable").with_columns(reason=pl.lit(RejectReason.ITEM_CODE_UNUSABLE.value))
    by_file: dict[int, list[Reject]] = {}
    for file_id, item in (*_samples(rows), *_samples(items)):
        by_file.setdefault(file_id, []).append(item)
    return {file_id: _counted(rejects) for file_id, rejects in by_file.items()}


def _samples(rows: pl.DataFrame) -> Iterator[tuple[int, Reject]]:
    for row in rows.iter_rows(named=True):
        sample = f"{row['promotion_id'][:100]} {row.get('unusable') or ''}".strip()
        yield row["file_id"], Reject(row_number=row["row_number"], reason=row["reason"], sample=sample)


def _counted(rejects: Sequence[Reject]) -> RejectedRows:
    counts = Counter(reject.reason for reject in rejects)
    inside = {
        reason: counts.pop(reason) for reason in [RejectReason.ITEM_CODE_UNUSABLE.value] if reason in counts
    }
    return RejectedRows(reasons=dict(counts), inside=inside, samples=rejects[:MAX_SAMPLES])
