"""Builders of ledger entries, listings and rejects for tests of the warehouse."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.parsing.reject import Reject
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster.warehouse.ledger.model import LedgerFile, ListedFile, ParsedEntry

FEED = "rami_levy"
CHAIN = "7290058140886"
NOON = datetime(2026, 11, 23, 12, tzinfo=ISRAEL)
TODAY = day_of(NOON)
NAMES = {
    FileKind.STORES: "StoresFull",
    FileKind.PRICES: "Price",
    FileKind.FULL_PRICES: "PriceFull",
    FileKind.PROMOTIONS: "Promo",
    FileKind.FULL_PROMOTIONS: "PromoFull",
}


def sighting(
    kind: FileKind = FileKind.FULL_PRICES, *, hours: float = 0, store: int = 1, **other: Any
) -> ListedFile:
    """A line of a listing: a file published some hours after midnight."""
    published_at = NOON.replace(hour=0) + timedelta(hours=hours)
    is_list = kind is FileKind.STORES
    defaults = {
        "name": f"{NAMES[kind]}{CHAIN}-001-{store:03}-{published_at:%Y%m%d-%H%M%S}.gz",
        "link": "/file/d/1",
        "size": 1000,
        "size_tolerance": 0,
        "modified_at": None,
        "publication_day": day_of(published_at),
        "kind": kind,
        "chain_id": CHAIN,
        "sub_chain_id": 1,
        "store_id": None if is_list else store,
        "published_at": published_at,
    }
    return ListedFile(**{**defaults, **other})


class StoreFileOfTest:
    """A file of one store as a test writes it: the listing's row for it. Subclasses are dataclasses."""

    delta_kind: ClassVar[FileKind]
    full_kind: ClassVar[FileKind]
    hours: float
    """Hours after midnight at which it is published."""
    is_full: bool
    store: int
    revision_size: int
    variant: str
    """Distinguishes names with the same timestamp."""

    @property
    def sighting(self) -> ListedFile:
        kind = self.full_kind if self.is_full else self.delta_kind
        seen = sighting(kind, hours=self.hours, store=self.store, size=self.revision_size)
        return replace(seen, name=f"{seen.name}{self.variant}")

    @property
    def name(self) -> str:
        return self.sighting.name


def parsed(file_id: int, *, store: int | None = 1, rows: int = 2, **other: Any) -> ParsedEntry:
    """A report of a file that was read without trouble."""
    defaults: dict[str, Any] = {
        "file_id": file_id,
        "chain_id": CHAIN,
        "sub_chain_id": 1,
        "store_id": store,
        "lake_path": "prices/feed=rami_levy/day=2026-11-23/1.parquet",
        "rows": rows,
        "rejected": 0,
        "duplicates": 0,
        "reject_reasons": {},
        "samples": [],
        "unknown_elements": {},
        "unreadable_fields": {},
        "reader": "fast",
        "dialect": "Root/Items/Item",
        "container": "gzip",
        "encoding": "utf-8",
        "is_damaged": False,
        "notes": (),
    }
    return ParsedEntry(**{**defaults, **other})


def rejects(number: int) -> list[Reject]:
    """So many rows whose price is no number."""
    return [
        Reject(row_number=i, reason="price_invalid", sample="<ItemPrice>\0x</ItemPrice>")
        for i in range(number)
    ]


def everything(ledger: Ledger) -> list[LedgerFile]:
    """All files of today."""
    return ledger.of_days(FEED, [TODAY])


def fetch_all(ledger: Ledger) -> None:
    """Note that today's files are in the raw store."""
    for pending in ledger.to_download(FEED, [TODAY]):
        ledger.mark_downloaded(pending.id, sha256="ab", size=9, now=NOON)


def rows_of(engine: sa.Engine, table: sa.Table, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of a table, by its key."""
    with engine.connect() as connection:
        query = sa.select(*(table.c[name] for name in columns)).order_by(*table.primary_key)
        return [tuple(row) for row in connection.execute(query)]
