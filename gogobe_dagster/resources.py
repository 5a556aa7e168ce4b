"""What an import works with, opened from the settings: ledger, raw store, lake, portals.

Everything is opened when first used, and the heavy libraries are imported then, so that a process
that only looks at the definitions stays light. Nothing here decides anything.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

from stamina.instrumentation import LoggingOnRetryHook, set_on_retry_hooks

from gogobe_dagster import clock
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.settings import Settings
from gogobe_dagster.sizes import MEGABYTE

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gogobe_dagster.files.raw_store import RawStore
    from gogobe_dagster.lake.parquet_lake import Lake
    from gogobe_dagster.portals.base import Portal
    from gogobe_dagster.warehouse.ledger.ledger import Ledger

# Processes work side by side, a step each; threads of Polars in each of them would cost a tenth more.
# Polars looks when it is imported, which is later: nothing above imports it.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

# by itself stamina prints every retry to stdout when structlog happens to be installed
set_on_retry_hooks([LoggingOnRetryHook])


@dataclass(frozen=True)
class Resources:
    """One set for one process; share it between threads, never between processes."""

    settings: Settings
    clock: Callable[[], datetime] = field(default=clock.now)

    @cached_property
    def engine(self) -> "Engine":
        """The warehouse. Raises `DatabaseUnavailable` when it does not answer."""
        from gogobe_dagster.postgres.server import warehouse_url
        from gogobe_dagster.warehouse.schema.migrate import connect

        return connect(warehouse_url(self.settings))

    @cached_property
    def ledger(self) -> "Ledger":
        """The life of every file."""
        from gogobe_dagster.warehouse.ledger.ledger import Ledger

        return Ledger(self.engine)

    @cached_property
    def raw_store(self) -> "RawStore":
        """The bytes as served."""
        from gogobe_dagster.files.raw_store import RawStore

        return RawStore(self.settings.raw_store_url)

    @cached_property
    def lake(self) -> "Lake":
        """The parsed rows."""
        from gogobe_dagster.lake.parquet_lake import Lake

        return Lake(self.settings.lake_url)

    @contextmanager
    def portal(self, feed: Feed, *, budget: float = inf) -> "Iterator[Portal]":
        """Open a feed's portal for the time of a listing or of a round of downloads.

        `budget` is how many seconds all pages may take together.
        """
        from gogobe_dagster.portals.factory import open_portal

        with closing(open_portal(feed, self.settings, clock=self.clock, budget=budget)) as portal:
            yield portal

    @property
    def download_limit(self) -> int:
        """Bytes that one file as served may have."""
        return self.settings.max_download_mb * MEGABYTE

    @property
    def document_limit(self) -> int:
        """Bytes that one unpacked document may have."""
        return self.settings.max_document_mb * MEGABYTE

    @property
    def batch_bytes(self) -> int:
        """Compressed bytes that one parse step takes."""
        return self.settings.batch_mb * MEGABYTE

    def close(self) -> None:
        """Give back the database connections, if any were opened. Idempotent."""
        if "engine" in self.__dict__:
            self.engine.dispose()
