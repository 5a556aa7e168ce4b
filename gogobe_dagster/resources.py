"""Database, ledger, raw store, lake and portals, opened from the settings.

Each is opened at first use, and heavy libraries are imported then: processes that only load the definitions
start faster. Nothing here makes decisions.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from gogobe_dagster import clock
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.portals.portal import Portal
from gogobe_dagster.settings import Settings
from gogobe_dagster.sizes import MEGABYTE

# 1.7 s of imports (SQLAlchemy, Polars, PyArrow, fsspec), which loading commands and definitions does not need
if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gogobe_dagster.files.raw_store import RawStore
    from gogobe_dagster.lake.parquet_lake import Lake
    from gogobe_dagster.warehouse.ledger.ledger import Ledger
    from gogobe_dagster.warehouse.ledger.portal_pause import PortalAccount

# Steps run in parallel processes, so threads of Polars in each of them would cost 10 % more CPU.
# Polars reads the variable when it is imported, which is later: nothing above imports it.
os.environ.setdefault("POLARS_MAX_THREADS", "1")


@dataclass(frozen=True)
class Resources:
    """Everything that an import needs. Threads may share it, processes may not."""

    settings: Settings
    clock: Callable[[], datetime] = field(default=clock.now)

    @cached_property
    def engine(self) -> "Engine":
        """Connections to the warehouse. Raises `DatabaseUnavailable` when it does not answer."""
        from gogobe_dagster.postgres.server import warehouse_url
        from gogobe_dagster.warehouse.schema.migrate import connect

        return connect(warehouse_url(self.settings))

    @cached_property
    def ledger(self) -> "Ledger":
        """The states of all files."""
        from gogobe_dagster.warehouse.ledger.ledger import Ledger

        return Ledger(self.engine)

    @cached_property
    def raw_store(self) -> "RawStore":
        """The downloaded files."""
        from gogobe_dagster.files.raw_store import RawStore

        return RawStore(self.settings.raw_store_url)

    @cached_property
    def lake(self) -> "Lake":
        """The parsed rows."""
        from gogobe_dagster.lake.parquet_lake import Lake

        return Lake(self.settings.lake_url)

    @contextmanager
    def portal(self, feed: Feed, *, budget: float = inf) -> Iterator[Portal]:
        """Open a feed's portal, and close it at the end. `budget`: seconds for all pages of a listing."""
        from gogobe_dagster.portals.factory import open_portal

        with closing(open_portal(feed, self.settings, clock=self.clock, budget=budget)) as portal:
            yield portal

    def portal_account(self, feed: Feed) -> "PortalAccount":
        """Return where a feed's portal is and the account there, for its pauses."""
        from gogobe_dagster.portals.factory import base_url
        from gogobe_dagster.warehouse.ledger.portal_pause import PortalAccount

        parts = urlsplit(base_url(feed, self.settings))
        user = self.settings.for_feed(feed.key).user
        address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        return PortalAccount(portal=address, account=feed.account if user is None else user)

    @property
    def download_limit(self) -> int:
        """Largest file as served, in bytes."""
        return self.settings.max_download_mb * MEGABYTE

    @property
    def document_limit(self) -> int:
        """Largest unpacked document, in bytes."""
        return self.settings.max_document_mb * MEGABYTE

    @property
    def batch_bytes(self) -> int:
        """Compressed size of a batch, in bytes."""
        return self.settings.batch_mb * MEGABYTE

    def close(self) -> None:
        """Close the database connections, if any were opened. Idempotent."""
        if "engine" in self.__dict__:
            self.engine.dispose()
