"""The products of the rows of price files, looked up by a hash of the product text.

Every store of a chain has mostly the same text for a product, every day. So the text of a row is hashed; a
hash that chain_product has already gives the product at once. For any other hash one row is looked up by its
code and written to chain_product. What makes rows one product is `product_keys`; which text holds is
`product_attributes`.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.clock import day_of
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import ROW_ID, Lake
from gogobe_dagster.parsing.model import PRODUCT_TEXT
from gogobe_dagster.warehouse.ledger.file_claims import RejectedRows
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.file_order import published_at_of
from gogobe_dagster.warehouse.load.product_attributes import (
    ATTRIBUTES_HASH,
    hash_of,
    lookup_by_hash,
    touch,
    upsert,
)
from gogobe_dagster.warehouse.load.product_keys import Products, count_rejected, split_rejected

CHAIN_DAY = "chain_day"
"""Number of a chain on a day. Text is stored per chain and dated, so a hash alone does not identify it."""
TEXT_ID = [CHAIN_DAY, ATTRIBUTES_HASH]
NUMBERS = ("price", "published_unit_price", "price_set_at")
_SEEN = pl.Schema({CHAIN_DAY: pl.Int32(), ATTRIBUTES_HASH: pl.UInt64(), "product_key": pl.Int32()})
_FIRST = pl.Schema(
    {
        "file_id": pl.Int64(),
        "row_number": pl.Int32(),
        **_SEEN,
        "chain_id": pl.String(),
        "attributes_as_of": pl.Date(),
    }
)
"""The first row with text that its product has already."""


class ProductTextLookup:
    """The product text that one loader has seen. Use it for one load, in transactions that commit."""

    def __init__(self, lake: Lake) -> None:
        self.products = Products()
        self._lake = lake
        self._sources: dict[int, str] = {}
        self._chain_days: dict[tuple[str, date], int] = {}
        self._seen = pl.DataFrame(schema=_SEEN)
        self._repeated = pl.DataFrame(schema=_FIRST)
        self._unwritten: pl.DataFrame | None = None

    def read(
        self, connection: sa.Connection, files: Sequence[LedgerFile]
    ) -> tuple[pl.DataFrame, dict[int, RejectedRows]]:
        """Return the numbers of these files' rows with `product_key`, and by file what is rejected of them.

        A row with nothing but a product says that the file lists it, and that its price could not be read.
        """
        sources = {file.id: str(file.lake_path) for file in files}
        self._sources.update(sources)
        texts = self._lake.read(Document.PRICES, sources, columns=(*PRODUCT_TEXT, *NUMBERS))
        unread = texts.filter(pl.col("price").is_null())
        texts = texts if unread.is_empty() else texts.filter(pl.col("price").is_not_null())
        rows = texts.select(*ROW_ID, *NUMBERS, hash_of(texts))
        rows = rows.join(self._chain_days_of(files), on="file_id", how="inner", maintain_order="left")
        # The first row with a text speaks for all others: the database is asked once per text, not per row.
        new = rows.join(self._seen, on=TEXT_ID, how="anti").unique(TEXT_ID, keep="first", maintain_order=True)
        if not new.is_empty():
            self._resolve_new(connection, new, texts)
        known = rows.join(self._seen, on=TEXT_ID, how="left", maintain_order="left")
        kept, rejected = split_rejected(known)
        if not unread.is_empty():
            kept = pl.concat([kept, self._listed_only(connection, files, unread, kept)], how="diagonal")
        return kept, _count_rejected(rejected, texts)

    def upsert(self, connection: sa.Connection, rows: pl.DataFrame) -> None:
        """Write the text of these rows, as `read` returned them, to chain_product, unless that is done."""
        written = rows.select(TEXT_ID).unique()
        if not self._repeated.is_empty():
            # Known text only needs its date, unless another load has given the product other text since.
            altered = touch(connection, self._repeated.join(written, on=TEXT_ID, how="semi"))
            self._repeated = self._repeated.join(written, on=TEXT_ID, how="anti")
            if not altered.is_empty():
                upsert(connection, self._read_again(altered))
        if self._unwritten is not None and not self._unwritten.is_empty():
            upsert(connection, self._unwritten.join(written, on=TEXT_ID, how="semi"))
            self._unwritten = self._unwritten.join(written, on=TEXT_ID, how="anti")

    def _listed_only(
        self, connection: sa.Connection, files: Sequence[LedgerFile], unread: pl.DataFrame, kept: pl.DataFrame
    ) -> pl.DataFrame:
        """Return the products that files list without a readable price, and with no other row."""
        chains = pl.DataFrame(
            [(file.id, str(file.chain_id)) for file in files],
            schema={"file_id": pl.Int64(), "chain_id": pl.String()},
            orient="row",
        )
        codes = unread.select("file_id", "code").join(chains, on="file_id")
        row_of_product = ["file_id", "product_key"]
        listed = self.products.find(connection, codes).unique(row_of_product)
        return listed.select(row_of_product).join(kept, on=row_of_product, how="anti")

    def _chain_days_of(self, files: Sequence[LedgerFile]) -> pl.DataFrame:
        names = [(file.id, (str(file.chain_id), day_of(published_at_of(file)))) for file in files]
        numbers = [(id_, self._chain_days.setdefault(name, len(self._chain_days))) for id_, name in names]
        return pl.DataFrame(numbers, schema={"file_id": pl.Int64(), CHAIN_DAY: pl.Int32()}, orient="row")

    def _resolve_new(self, connection: sa.Connection, new: pl.DataFrame, texts: pl.DataFrame) -> None:
        """Find the products of rows with product text that this load has not seen yet."""
        chain_days = pl.DataFrame(
            [(number, chain_id, day) for (chain_id, day), number in self._chain_days.items()],
            schema={CHAIN_DAY: pl.Int32(), "chain_id": pl.String(), "attributes_as_of": pl.Date()},
            orient="row",
        )
        first = new.select(*ROW_ID, *TEXT_ID).join(chain_days, on=CHAIN_DAY, how="inner")
        repeated = lookup_by_hash(connection, first).select(_FIRST.names())
        # Written in `upsert`, after all reading: products are locked for as short as possible.
        self._repeated = pl.concat([self._repeated, repeated])
        self._seen = pl.concat([self._seen, repeated.select(_SEEN.names())])
        unknown = first.join(repeated, on=TEXT_ID, how="anti")
        if not unknown.is_empty():
            self._look_up(connection, _with_columns(unknown, texts, PRODUCT_TEXT))

    def _look_up(self, connection: sa.Connection, unknown: pl.DataFrame) -> None:
        resolved = self.products.resolve(connection, unknown)
        self._seen = pl.concat([self._seen, resolved.select(_SEEN.names())])
        usable = resolved.filter(pl.col("product_key").is_not_null()).drop(ROW_ID)
        self._unwritten = usable if self._unwritten is None else pl.concat([self._unwritten, usable])

    def _read_again(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add product text to some rows; only the files that have them are read."""
        sources = {file_id: self._sources[file_id] for file_id in rows["file_id"].unique().to_list()}
        return _with_columns(
            rows, self._lake.read(Document.PRICES, sources, columns=PRODUCT_TEXT), PRODUCT_TEXT
        )


def _count_rejected(rejected: pl.DataFrame, texts: pl.DataFrame) -> dict[int, RejectedRows]:
    return (
        {} if rejected.is_empty() else dict(count_rejected(_with_columns(rejected, texts, ("code", "name"))))
    )


def _with_columns(rows: pl.DataFrame, texts: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Add text columns to some rows."""
    return rows.join(texts.select(*ROW_ID, *columns), on=ROW_ID, how="inner", maintain_order="left")
