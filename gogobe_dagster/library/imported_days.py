"""The rows of a feed and publication day as its files stated them, from the lake.

The ledger says which files these are and which store they are about, so the warehouse's database is asked.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.library.rows import IDS, with_unit_prices
from gogobe_dagster.library.table import Table
from gogobe_dagster.parsing.promotions.pricing.legs import with_pricing
from gogobe_dagster.postgres.server import ensure_running, warehouse_url
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.schema.migrate import connect
from gogobe_dagster.warehouse.schema.tables import file

_FILES: Final[Mapping[str, pl.DataType]] = {
    "file_id": pl.Int64(),
    "file": pl.String(),
    "kind": pl.String(),
    "published_at": pl.Datetime("us", "UTC"),
    "chain_id": pl.String(),
    "sub_chain_id": pl.Int32(),
    "store_id": pl.Int32(),
    "lake_path": pl.String(),
}


def prices(feed: str, day: date, *, stores: Collection[int] = ()) -> Table:
    """Return every price that a feed's files of a publication day state, complete files and deltas.

    `stores` are store ids; none: all. The price is null where a file lists a code without a readable one.
    Reads the installation of the GOGOBE_ settings: its lake, and its database, which is started if it is
    embedded. Raises `SettingsError` for an unknown feed, `DatabaseUnavailable`, and `ContentError` if the
    lake has lost a file.
    """
    return _rows(Document.PRICES, feed, day, stores)


def promotions(feed: str, day: date, *, stores: Collection[int] = ()) -> Table:
    """Return every offer that these files state, with the price of a unit where the offer alone has one."""
    return _rows(Document.PROMOTIONS, feed, day, stores)


def stores(feed: str, day: date) -> Table:
    """Return every line of the store lists of a feed and day."""
    return _rows(Document.STORES, feed, day, ())


def _rows(document: Document, feed: str, day: date, stores: Collection[int]) -> Table:
    settings = Settings.read()
    files = _files(settings, document, find_feed(feed).key, day, stores)
    paths = dict(files.select("file_id", "lake_path").iter_rows())
    rows = Lake(settings.lake_url).read(document, paths)
    about = files.drop("lake_path", *(IDS if document is Document.STORES else ()))
    joined = about.join(rows, on="file_id", maintain_order="left_right")
    return Table(with_unit_prices(with_pricing(joined) if document is Document.PROMOTIONS else joined))


def _files(
    settings: Settings, document: Document, feed: str, day: date, stores: Collection[int]
) -> pl.DataFrame:
    """Return the files in the lake, in the order in which they were published."""
    conditions = [
        file.c.feed == feed,
        file.c.publication_day == day,
        file.c.kind.in_([kind for kind in FileKind if kind.document is document]),
        file.c.lake_path.is_not(None),
    ]
    if stores:
        conditions.append(file.c.store_id.in_(stores))
    columns = [file.c.name.label("file") if name == "file" else file.c[name] for name in _FILES]
    query = sa.select(*columns).where(*conditions).order_by(file.c.published_at, file.c.file_id)
    ensure_running(settings)
    engine = connect(warehouse_url(settings))
    try:
        with engine.connect() as connection:
            return pl.DataFrame(list(map(tuple, connection.execute(query))), schema=_FILES, orient="row")
    finally:
        engine.dispose()
