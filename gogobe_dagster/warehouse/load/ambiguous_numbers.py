"""Store numbers that turn out to stand in several sub-chains: files without a sub-chain leave the first one.

Such files were attributed to the only sub-chain known then (`store_numbers`). Where they belong now cannot be
told, so they move to the store of sub-chain 0. Both stores are replayed from the oldest of these files on, so
that the tables are the same as if the second sub-chain had been known from the start. Files that retention
has passed, or whose rows the lake has lost, stay where they are; the ledger says where.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.warehouse.history.retention_watermark import HISTORY, LAKE, removed_until
from gogobe_dagster.warehouse.ledger.file_rows import FILE_COLUMNS, as_file
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.file_order import published_at_of, store_of
from gogobe_dagster.warehouse.load.price_load import PriceLoad
from gogobe_dagster.warehouse.load.promotion_load import PromotionLoad
from gogobe_dagster.warehouse.load.store_keys import lock_stores
from gogobe_dagster.warehouse.load.store_load import StoreLoad, loaded_lists, stores_of_chain
from gogobe_dagster.warehouse.load.store_numbers import StoreIdentity, StoreNumber, set_sub_chain
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file, store_number

_NUMBER = (store_number.c.chain_id, store_number.c.store_id)


def settle_ambiguous_numbers(engine: sa.Engine, lake: Lake, *, now: datetime, rows_at_once: int) -> int:
    """Settle what loads have left, each number in a transaction of its own; return how many."""
    with engine.connect() as connection:
        query = sa.select(*_NUMBER).where(~store_number.c.is_settled).order_by(*_NUMBER)
        numbers = [StoreNumber(*row) for row in connection.execute(query)]
    for number in numbers:
        with engine.begin() as connection:
            _settle(connection, number, lake, now=now, rows_at_once=rows_at_once)
    return len(numbers)


def _settle(
    connection: sa.Connection, number: StoreNumber, lake: Lake, *, now: datetime, rows_at_once: int
) -> None:
    # All stores of the chain at once: no loader may attribute a file to one that is about to be emptied.
    lock(connection, AdvisoryLock.STORE_LISTS)
    lock_stores(connection, stores_of_chain(connection, number.chain_id))
    moving = _moving(connection, number, lake)
    set_sub_chain(connection, [file.id for file in moving], 0)
    stores = {store_of(file) for file in moving} | {StoreIdentity(number.chain_id, 0, number.store_id)}
    loads: dict[Document, PromotionLoad | PriceLoad] = {
        Document.PROMOTIONS: PromotionLoad(lake, now=now, rows_at_once=rows_at_once),
        Document.PRICES: PriceLoad(lake, now=now, rows_at_once=rows_at_once),
    }
    # Promotions before prices: the order of locks in `warehouse.locks`.
    for document, load in loads.items():
        moved = [file for file in moving if file.kind and file.kind.document is document]
        for identity in sorted(stores) if moved else ():
            load.replay(connection, identity, since=min(map(published_at_of, moved)))
    if _all_there(loaded_lists(connection, number.chain_id), lake):
        StoreLoad(lake, now=now).replay(connection, number.chain_id)
    is_it = sa.tuple_(*_NUMBER) == sa.tuple_(*number)
    connection.execute(sa.update(store_number).where(is_it).values(is_settled=True))


def _moving(connection: sa.Connection, number: StoreNumber, lake: Lake) -> list[LedgerFile]:
    """Return the attributed files that can still be moved: all that was published since must be there."""
    until = removed_until(connection, LAKE, HISTORY)
    is_its = (
        (file.c.state == FileState.LOADED)
        & (sa.tuple_(file.c.chain_id, file.c.store_id) == sa.tuple_(*number))
        & (sa.true() if until is None else file.c.published_at > until)
    )
    loaded = [as_file(row) for row in connection.execute(sa.select(*FILE_COLUMNS).where(is_its))]
    inferred = set(connection.scalars(sa.select(file.c.file_id).where(is_its, file.c.is_sub_chain_inferred)))
    return [file for file in loaded if file.id in inferred] if _all_there(loaded, lake) else []


def _all_there(files: Sequence[LedgerFile], lake: Lake) -> bool:
    return all(lake.has(path) for path in {str(file.lake_path) for file in files})
