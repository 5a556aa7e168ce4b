"""A market with a raw store beside its lake, for the tests of retention."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from gogobe_dagster.files.raw_store import RawStore
from gogobe_dagster.warehouse.maintenance.retention import Keep, Removed, retain
from gogobe_dagster_tests.warehouse.making import NOON
from gogobe_dagster_tests.warehouse.warehouse_harness import Market

FOREVER = Keep(raw=0, lake=0, history=0, rejects=0, events=0, file_details=0)
LATER = NOON + timedelta(days=100)


class RetentionSetup:
    """A market with a raw store beside its lake."""

    def __init__(self, market: Market, raw: RawStore) -> None:
        self.market, self.raw = market, raw

    def retain(self, *, now: datetime = LATER, dry_run: bool = False, **days: int) -> dict[str, Removed]:
        keep = replace(FOREVER, **days)
        done = retain(self.market.engine, self.raw, self.market.lake, keep, now=now, dry_run=dry_run)
        return dict(done.removed)

    def save(self, content: bytes, *, modified: datetime = NOON) -> str:
        sha256 = self.raw.save([content], limit=1000).sha256
        path = next(Path(str(self.raw.root)).rglob(sha256))
        os.utime(path, (modified.timestamp(), modified.timestamp()))
        return sha256

    def give_bytes(self, file_id: int, sha256: str) -> None:
        with self.market.engine.begin() as connection:
            connection.execute(
                sa.text("update file set sha256 = :sha256 where file_id = :file_id"),
                {"sha256": sha256, "file_id": file_id},
            )


def open_setup(engine: sa.Engine, folder: str | Path) -> RetentionSetup:
    return RetentionSetup(Market.at(engine, Path(folder) / "lake"), RawStore(str(Path(folder) / "raw")))
