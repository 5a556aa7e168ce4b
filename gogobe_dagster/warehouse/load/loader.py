"""Parsed files become rows: many files a transaction, and their ledger entries commit with them.

A killed load leaves whole transactions or nothing; the next one goes on with what is still parsed. Where the
database interrupts a load, `LoadInterrupted` says whether trying again can help. A lost
file of the lake holds up nothing: its files are read again from their raw bytes by the next run. What a file
changes is `history`; a late file is `late_files`; one transaction is `price_load`, `promotion_load` or
`store_load`; files that must leave a store are `ambiguous_numbers`.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.sizes import chunk_by_size
from gogobe_dagster.warehouse.bulk_io.db_errors import interruptions
from gogobe_dagster.warehouse.ledger.file_claims import requeue_missing
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.ambiguous_numbers import settle_ambiguous_numbers
from gogobe_dagster.warehouse.load.file_order import published_at_of, store_of
from gogobe_dagster.warehouse.load.load_report import LoadReport
from gogobe_dagster.warehouse.load.price_load import PriceLoad
from gogobe_dagster.warehouse.load.promotion_load import PromotionLoad
from gogobe_dagster.warehouse.load.store_load import StoreLoad
from gogobe_dagster.warehouse.schema.monthly_partitions import ensure_partitions

Load = PriceLoad | PromotionLoad | StoreLoad
MOST_FILES = 500
MOST_ROWS = 150_000
"""Rows that a transaction takes, unless one file has more: about 200 MB; more at once is no faster."""


@interruptions()
def load_prices(
    engine: sa.Engine,
    files: Sequence[LedgerFile],
    lake: Lake,
    *,
    now: datetime,
    rows_at_once: int = MOST_ROWS,
) -> LoadReport:
    """Bring price files into the tables. When it returns, all of them are there, whoever loaded them.

    But for those whose lake file is gone: they wait to be read again.
    """
    there = requeue_missing(engine, files, lake, now=now)
    ensure_partitions(engine, [published_at_of(file) for file in there])
    ordered = sorted(there, key=lambda file: (store_of(file), published_at_of(file), file.id))
    loads = _Loads(lambda: PriceLoad(lake, now=now, rows_at_once=rows_at_once))
    return _in_transactions(engine, _chunks(ordered, rows_at_once), loads, lake=lake, now=now)


@interruptions()
def load_promotions(
    engine: sa.Engine,
    files: Sequence[LedgerFile],
    lake: Lake,
    *,
    now: datetime,
    rows_at_once: int = MOST_ROWS,
) -> LoadReport:
    """Bring promotion files into the tables. When it returns, all are there, as after `load_prices`."""
    there = requeue_missing(engine, files, lake, now=now)
    ordered = sorted(there, key=lambda file: (store_of(file), published_at_of(file), file.id))
    loads = _Loads(lambda: PromotionLoad(lake, now=now, rows_at_once=rows_at_once))
    return _in_transactions(engine, _chunks(ordered, rows_at_once), loads, lake=lake, now=now)


@interruptions()
def load_stores(engine: sa.Engine, files: Sequence[LedgerFile], lake: Lake, *, now: datetime) -> LoadReport:
    """Bring store lists into the tables. The newest list holds, in whatever order they come."""
    there = requeue_missing(engine, files, lake, now=now)
    ordered = sorted(there, key=lambda file: (published_at_of(file), file.id))
    loads = _Loads(lambda: StoreLoad(lake, now=now))
    return _in_transactions(engine, _chunks(ordered, MOST_ROWS), loads, lake=lake, now=now)


def _chunks(files: Sequence[LedgerFile], max_rows: int) -> Iterator[list[LedgerFile]]:
    return chunk_by_size(files, lambda file: file.rows or 0, max_size=max_rows, max_items=MOST_FILES)


class _Loads:
    """One load per database connection.

    A load remembers the keys that it has met. If the server crashes after an asynchronous commit, rows with
    these keys are gone, and the keys are given to others; the pool then replaces the connection without a
    word. So what is remembered ends with the connection.
    """

    def __init__(self, make: Callable[[], Load]) -> None:
        self._make = make
        self._current: tuple[object, Load] | None = None

    def on(self, connection: sa.Connection) -> Load:
        """Return the load of this connection."""
        driver = connection.connection.dbapi_connection
        if self._current is None or self._current[0] is not driver:
            self._current = driver, self._make()
        return self._current[1]


def _in_transactions(
    engine: sa.Engine, chunks: Iterable[Sequence[LedgerFile]], loads: _Loads, *, lake: Lake, now: datetime
) -> LoadReport:
    """Load chunk by chunk. Files that another loader or a listing holds are awaited at the end."""
    started = time.perf_counter()
    counts: Counter[str] = Counter()
    busy = []
    for chunk in chunks:
        ids = [file.id for file in chunk]
        done = _in_transaction(engine, ids, loads, wait=False)
        counts += done
        if done["files"] < len(ids):
            busy.append(ids)
    for ids in busy:
        counts += _in_transaction(engine, ids, loads, wait=True)
    settle_ambiguous_numbers(engine, lake, now=now, rows_at_once=MOST_ROWS)
    return LoadReport(**counts, seconds=time.perf_counter() - started)


def _in_transaction(engine: sa.Engine, ids: Sequence[int], loads: _Loads, *, wait: bool) -> Counter[str]:
    with engine.begin() as connection:
        # A commit lost in a crash is only work to do again: the ledger's entry is lost with it.
        connection.execute(sa.text("set local synchronous_commit = off"))
        return loads.on(connection).load(connection, ids, wait=wait)
