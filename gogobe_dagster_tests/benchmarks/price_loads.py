"""The work of `load` about prices: published files in a raw store, and ways to bring them into tables.

Two feeds, a process each, as two runs at the same time. Each contender starts from a copy of the same
database, so that every round does the same work.
"""

import multiprocessing
import os
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, LiteralString

import polars as pl
import psycopg
from isal import isal_zlib
from psycopg import sql

from gogobe_dagster import pipeline
from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.registry import Feed, find_feed
from gogobe_dagster.files.content import open_content
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.parsing.dialects import PRICES, spellings
from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster.replica.generator.market import Priced, SyntheticMarket
from gogobe_dagster.replica.generator.stores import Store
from gogobe_dagster.replica.generator.styles import style_of
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import ListedFile
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.benchmarks.baseline import bare_rows, fields_of

FEEDS = ("rami_levy", "osher_ad")
FIRST_DAY = date(2026, 11, 22)
CHANGED_DAY = FIRST_DAY + timedelta(days=1)
DELTA_DAY = CHANGED_DAY + timedelta(days=1)
CHANGED_PERCENT, STRIDE = 3, 7
FILES_AT_ONCE = 400
FETCHED = "update file set state = 'downloaded', sha256 = %s, size = %s, downloaded_at = %s where name = %s"
DELTA_ROWS = 20
GZIP = 31
STATED = ("code", "price", "published_unit_price", "price_set_at")
"""What the baseline copies of each row."""


@dataclass(frozen=True, slots=True)
class LoadSetup:
    """Where one state of the databases and folders is."""

    server: EmbeddedPostgres
    folder: Path

    def settings(self, database: str) -> Settings:
        """Return the settings of an import into one of the databases."""
        url = self.server.admin_url(database)
        return Settings(home=self.folder / "home", database_url=url, stale_after_days=9999)

    def resources(self, database: str) -> Resources:
        """Return what an import into one of the databases works with."""
        return Resources(self.settings(database))

    def copy(self, template: str, database: str) -> None:
        """Make a database what another one is."""
        with psycopg.connect(self.server.admin_url("postgres"), autocommit=True) as connection:
            names = {"new": sql.Identifier(database), "old": sql.Identifier(template)}
            connection.execute(sql.SQL("drop database if exists {new} with (force)").format(**names))
            create = "create database {new} template {old} strategy file_copy"
            connection.execute(sql.SQL(create).format(**names))

    def vacuum(self, database: str) -> None:
        """Do at once what autovacuum does within minutes, so that a day later finds it done."""
        with psycopg.connect(self.server.admin_url(database), autocommit=True) as connection:
            connection.execute("vacuum analyze")

    def count(self, database: str, rows: LiteralString) -> int:
        """Return how many rows there are: a table, with or without a condition."""
        with psycopg.connect(self.server.admin_url(database)) as connection:
            row = connection.execute(f"select count(*) from {rows}").fetchone()
        return int(row[0]) if row else 0


# ---------------------------------------------------------------- what is published


Processes = ProcessPoolExecutor


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A file that a feed shows, and its bytes."""

    feed: Feed
    name: str
    kind: FileKind
    published_at: datetime
    chain_id: str
    sub_chain_id: int | None
    store_id: int | None
    content: bytes

    @property
    def sighting(self) -> ListedFile:
        """The line of a listing."""
        return ListedFile(
            name=self.name, link=self.name, size=len(self.content), size_tolerance=0, modified_at=None,
            publication_day=day_of(self.published_at), kind=self.kind, chain_id=self.chain_id,
            sub_chain_id=self.sub_chain_id, store_id=self.store_id, published_at=self.published_at,
            problem=None,
        )  # fmt: skip


def publish(setup: LoadSetup, database: str, files: Iterator[Published]) -> None:
    """Put files into the raw store and the ledger, as if listed and fetched."""
    resources = setup.resources(database)
    while batch := list(islice(files, FILES_AT_ONCE)):
        seen: dict[str, list[ListedFile]] = {}
        fetched = []
        for published in batch:
            seen.setdefault(published.feed.key, []).append(published.sighting)
            stored = resources.raw_store.save([published.content], limit=1 << 30)
            fetched.append((stored.sha256, stored.size, published.published_at, published.name))
        for feed_key, sightings in seen.items():
            resources.ledger.record(feed_key, sightings, now=batch[-1].published_at)
        with psycopg.connect(setup.server.admin_url(database)) as connection:
            connection.cursor().executemany(FETCHED, fetched)
    resources.close()


def fulls(market: SyntheticMarket) -> Iterator[Published]:
    """Yield the full price file of every store at three in the morning of the first day."""
    for feed in map(find_feed, FEEDS):
        for store in _shops(market, feed):
            items = market.prices(store, at(FIRST_DAY, hour=3))
            yield _published(feed, store, FileKind.FULL_PRICES, at(FIRST_DAY, hour=3), items)


def fulls_a_day_later(market: SyntheticMarket) -> Iterator[Published]:
    """Yield the same a day later, with three prices of a hundred changed in every store."""
    changed_at = at(FIRST_DAY, hour=12)
    for feed in map(find_feed, FEEDS):
        for number, store in enumerate(_shops(market, feed)):
            items = [
                replace(priced, agorot=priced.agorot + 10, priced_at=changed_at)
                if (position + number * STRIDE) % 100 < CHANGED_PERCENT
                else priced
                for position, priced in enumerate(market.prices(store, at(FIRST_DAY, hour=3)))
            ]
            yield _published(feed, store, FileKind.FULL_PRICES, at(CHANGED_DAY, hour=3), items)


def at(day: date, *, hour: int) -> datetime:
    """Return an hour of a day by Israel's clock."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=ISRAEL)


def deltas(market: SyntheticMarket, day: date, *, a_store: int) -> Iterator[Published]:
    """Yield files of twenty changed prices for every store, minute by minute from seven on."""
    opening = at(day, hour=7)
    for feed in map(find_feed, FEEDS):
        for store in _shops(market, feed):
            priced = market.prices(store, opening)
            for number in range(a_store):
                published_at = opening + timedelta(minutes=number)
                start = number * DELTA_ROWS % (len(priced) - DELTA_ROWS)
                rows = priced[start : start + DELTA_ROWS]
                changed = [replace(row, agorot=row.agorot + 10) for row in rows]
                yield _published(feed, store, FileKind.PRICES, published_at, changed)


def _shops(market: SyntheticMarket, feed: Feed) -> list[Store]:
    """Return the stores that publish gzip; the baseline reads nothing else."""
    return [store for store in market.stores(feed) if not store.is_online]


def _published(
    feed: Feed, store: Store, kind: FileKind, published_at: datetime, items: Sequence[Priced]
) -> Published:
    style = style_of(feed, store, day_of(published_at))
    name = style.name(kind, store, published_at)
    return Published(
        feed=feed, name=name, kind=kind, published_at=published_at, chain_id=store.chain_id,
        sub_chain_id=store.sub_chain_id, store_id=store.store_id,
        content=style.pack(style.prices.write(store, items), name),
    )  # fmt: skip


# ---------------------------------------------------------------- processes


@contextmanager
def two_processes() -> Iterator[Processes]:
    """Two warm processes with one thread of Polars each, as in an import; a fork of its users would hang."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_warm, range(2)))
        yield pool


def _warm(_: int) -> None:
    time.sleep(0.5)


def _sum(processes: Processes, work: Callable[..., int], *arguments: Any) -> int:
    return sum(future.result() for future in [processes.submit(work, key, *arguments) for key in FEEDS])


def ours(processes: Processes, setup: LoadSetup, database: str, day: date) -> int:
    """Read a day's files into the lake and bring them into the tables, a feed a process; return the rows."""
    return _sum(processes, import_day, setup, database, day)


def import_day(feed_key: str, setup: LoadSetup, database: str, day: date) -> int:
    """Read a feed's day into the lake and bring it into the tables; return the rows."""
    resources, feed = setup.resources(database), find_feed(feed_key)
    for batch in pipeline.plan(feed, [day], resources):
        pipeline.parse(batch, feed, resources)
    report = pipeline.load(Document.PRICES, feed, [day], resources)
    resources.close()
    return report.rows


def copy_every_row(processes: Processes, setup: LoadSetup, database: str, day: date) -> int:
    """Copy every row of a day's files into a table without an index, a feed a process; return the rows."""
    return _sum(processes, copy_day, setup, database, day)


def copy_day(feed_key: str, setup: LoadSetup, database: str, day: date) -> int:
    """Copy every row of a feed's day; return the rows."""
    resources, rows = setup.resources(database), 0
    files = resources.ledger.to_parse(feed_key, [day])
    with psycopg.connect(setup.server.admin_url(database)) as connection, connection.cursor() as cursor:
        columns = sql.SQL(", ").join(sql.SQL(f"{name} text") for name in STATED)
        cursor.execute(sql.SQL("create temporary table everything ({}) on commit drop").format(columns))
        for file in files:
            frame = _bare(isal_zlib.decompress(resources.raw_store.read(str(file.sha256)), wbits=GZIP))
            with cursor.copy("copy everything from stdin") as copy:
                copy.write(
                    frame.write_csv(include_header=False, separator="\t", quote_style="never").encode()
                )
            rows += len(frame)
    resources.close()
    return rows


def _bare(document: bytes) -> pl.DataFrame:
    """Read with nothing but xml2arrow, as text."""
    document = document.removeprefix(b"\xef\xbb\xbf")
    fields = fields_of(document)
    frame = pl.DataFrame(bare_rows(document, fields))
    names = {column: tag for tag, column in spellings(PRICES, fields.tags)}
    return frame.select(pl.col(names[column]).alias(column) for column in STATED)


UPSERT = """
insert into plain_price (store_id, code, price) values (%s, %s, %s)
on conflict (store_id, code) do update set price = excluded.price, updated_at = now()
"""


def plain(setup: LoadSetup, database: str, day: date, *, files: int) -> int:
    """Upsert row by row in transactions of a hundred, as a plain importer does; return the rows."""
    resources, rows = setup.resources(database), 0
    with psycopg.connect(setup.server.admin_url(database)) as connection:
        connection.execute(
            "create table plain_price (store_id int, code text, price numeric,"
            " updated_at timestamptz default now(), primary key (store_id, code))"
        )
        for file in resources.ledger.to_parse(FEEDS[0], [day])[:files]:
            content = resources.raw_store.read(str(file.sha256))
            document = open_content(content, name=file.name, limit=1 << 30).xml
            for item in ET.fromstring(document).iter("Item"):  # noqa: S314 - of our own generator
                row = (file.store_id, item.findtext("ItemCode"), item.findtext("ItemPrice"))
                connection.execute(UPSERT, row)
                rows += 1
                if rows % 100 == 0:
                    connection.commit()
    resources.close()
    return rows


def new_warehouse(setup: LoadSetup, database: str) -> None:
    """Make a database with empty tables."""
    with psycopg.connect(setup.server.admin_url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
    migrate(setup.server.admin_url(database))
