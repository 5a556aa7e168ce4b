"""The part of `load` about promotions: the same chain-wide promotions in every store, on two days.

A full promotion file of 2,000 promotions with 50 items each, in 400 stores: the first day, and the next one
with 3 % of the promotions changed; against writing stores × items out, by COPY into a table without an
index, for some of the stores.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.warehouse.bulk_io.pg_copy import copy_in
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.loader import load_promotions
from gogobe_dagster_tests.benchmarks.runner import Contender, run_in_turn, show
from gogobe_dagster_tests.warehouse.making import FEED, NOON, TODAY, parsed, sighting
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import forget, frame_of

STORES, PROMOTIONS, ITEMS = 400, 2_000, 50
CODES = 8_000
CHANGED = 0.03
FILES_A_BATCH = 50
EXPLODED_SHARE = 20
EXPLODED = (
    "create unlogged table if not exists exploded (store_id int, promotion_id text, code text, is_gift bool)"
)


def promotions(engine: sa.Engine, folder: Path, scale: float) -> dict[str, float | int | str]:
    """Load the same promotions in every store, today and tomorrow."""
    stores = max(int(STORES * scale), 1)
    first, changed = _day(), _day(changed=int(PROMOTIONS * CHANGED))
    lake = Lake(str(folder))
    forget(engine)
    today = _publish(engine, lake, first, stores, hours=5)
    tomorrow = _publish(engine, lake, changed, stores, hours=29)
    some = max(stores // EXPLODED_SHARE, 1)

    def load(files: Sequence[LedgerFile]) -> int:
        return load_promotions(engine, files, lake, now=NOON).rows

    results = run_in_turn(
        [
            Contender(name="first day", run=lambda: load(today)),
            Contender(name="next day, 3 % changed", run=lambda: load(tomorrow)),
            Contender(name=f"stores × items, {some} stores", run=lambda: _explode(engine, first, some)),
        ],
        rounds=1,  # the second goes on where the first has ended
    )
    day, next_day, exploded = results.values()
    show(f"{stores} stores, {PROMOTIONS:,} promotions", results, unit="offers", against=exploded.name)
    return {
        "promotion_files": stores,
        "promotion_seconds": round(day.seconds, 2),
        "promotion_seconds_next_day": round(next_day.seconds, 2),
        "promotion_ratio_to_exploding": round(day.rate / exploded.rate, 2),
        "promotion_bytes_a_store": _bytes(engine) // stores,
    }


def _day(changed: int = 0) -> pl.DataFrame:
    """The rows of one file."""
    offers = [
        Offer(
            f"{number}",
            [f"{1_000_000 + (number * ITEMS + offset) * 7 % CODES}" for offset in range(ITEMS)],
            price="9" if number < changed else "10",
        )
        for number in range(PROMOTIONS)
    ]
    rows = [row for offer in offers for row in PromotionFile(0, [offer]).rows]
    frame = frame_of(PromotionFile(0, []))
    numbered = [{**row, "row_number": number} for number, row in enumerate(rows, 1)]
    return pl.DataFrame(numbered, schema=frame.schema)


def _publish(
    engine: sa.Engine, lake: Lake, rows: pl.DataFrame, stores: int, *, hours: float
) -> list[LedgerFile]:
    """Bring a file of each store to the state parsed."""
    ledger = Ledger(engine)
    seen = {
        store: sighting(FileKind.FULL_PROMOTIONS, hours=hours, store=store) for store in range(1, stores + 1)
    }
    ledger.record(FEED, list(seen.values()), now=NOON)
    with engine.begin() as connection:
        connection.execute(sa.text("update file set state = 'downloaded' where state = 'discovered'"))
        named = connection.execute(sa.text("select name, file_id from file"))
        ids = {row.name: row.file_id for row in named}
    entries = []
    for start in range(1, stores + 1, FILES_A_BATCH):
        key = f"{hours}-{start}"
        with lake.batch(Document.PROMOTIONS, feed=FEED, day=TODAY, key=key) as batch:
            for store in range(start, min(start + FILES_A_BATCH, stores + 1)):
                file_id = ids[seen[store].name]
                batch.add(file_id, rows)
                entries.append(parsed(file_id, store=store, rows=len(rows), lake_path=batch.path))
    ledger.mark_parsed(entries, now=NOON)
    return ledger.files([entry.file_id for entry in entries])


def _explode(engine: sa.Engine, rows: pl.DataFrame, stores: int) -> int:
    """Write a row for every store and item."""
    items = rows.explode("items").unnest("items").select("promotion_id", "code", "is_gift")
    with engine.begin() as connection:
        connection.execute(sa.text(EXPLODED))
        for store in range(stores):
            copy_in(connection, "exploded", items.with_columns(store_id=pl.lit(store)))
        connection.execute(sa.text("drop table exploded"))
    return stores * len(rows)


def _bytes(engine: sa.Engine) -> int:
    tables = ("promotion", "promotion_offer", "promotion_item", "promotion_store")
    total = " + ".join(f"pg_total_relation_size('{table}')" for table in tables)
    with engine.connect() as connection:
        return int(connection.scalar(sa.text(f"select {total}")) or 0)
