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
from gogobe_dagster.warehouse.load.product_keys import Products, refusals, refuse

VOICE = "voice"
"""Number of a chain on a day: who words a product, and when."""
MARKS = [VOICE, ATTRIBUTES_HASH]
NUMBERS = ("price", "published_unit_price", "price_set_at")
_MET = pl.Schema({VOICE: pl.Int32(), ATTRIBUTES_HASH: pl.UInt64(), "product_key": pl.Int32()})
_FIRST = pl.Schema(
    {
        "file_id": pl.Int64(),
        "row_number": pl.Int32(),
        **_MET,
        "chain_id": pl.String(),
        "attributes_as_of": pl.Date(),
    }
)
"""The first row that said words which its product has already."""


class ProductTextLookup:
    """The wordings that one loader has met. Use it for one load, in transactions that commit."""

    def __init__(self, lake: Lake) -> None:
        self.products = Products()
        self._lake = lake
        self._sources: dict[int, str] = {}
        self._voices: dict[tuple[str, date], int] = {}
        self._met = pl.DataFrame(schema=_MET)
        self._repeated = pl.DataFrame(schema=_FIRST)
        self._untold: pl.DataFrame | None = None

    def read(
        self, connection: sa.Connection, files: Sequence[LedgerFile]
    ) -> tuple[pl.DataFrame, dict[int, RejectedRows]]:
        """Return the numbers of these files' rows with `product_key`, and by file what is refused of them.

        A row with nothing but a product says that the file lists it, and that its price could not be read.
        """
        sources = {file.id: str(file.lake_path) for file in files}
        self._sources.update(sources)
        texts = self._lake.read(Document.PRICES, sources, columns=(*PRODUCT_TEXT, *NUMBERS))
        unread = texts.filter(pl.col("price").is_null())
        texts = texts if unread.is_empty() else texts.filter(pl.col("price").is_not_null())
        rows = texts.select(*ROW_ID, *NUMBERS, hash_of(texts))
        rows = rows.join(self._voices_of(files), on="file_id", how="inner", maintain_order="left")
        new = rows.join(self._met, on=MARKS, how="anti").unique(MARKS, keep="first", maintain_order=True)
        if not new.is_empty():
            self._meet(connection, new, texts)
        known = rows.join(self._met, on=MARKS, how="left", maintain_order="left")
        kept, refused = refuse(known)
        if not unread.is_empty():
            kept = pl.concat([kept, self._listed_only(connection, files, unread, kept)], how="diagonal")
        return kept, _refusals(refused, texts)

    def upsert(self, connection: sa.Connection, rows: pl.DataFrame) -> None:
        """Tell chain_product the words of these rows, as `read` gave them, unless it has been told."""
        said = rows.select(MARKS).unique()
        if not self._repeated.is_empty():
            altered = touch(connection, self._repeated.join(said, on=MARKS, how="semi"))
            self._repeated = self._repeated.join(said, on=MARKS, how="anti")
            if not altered.is_empty():
                upsert(connection, self._read_again(altered))
        if self._untold is not None and not self._untold.is_empty():
            upsert(connection, self._untold.join(said, on=MARKS, how="semi"))
            self._untold = self._untold.join(said, on=MARKS, how="anti")

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

    def _voices_of(self, files: Sequence[LedgerFile]) -> pl.DataFrame:
        names = [(file.id, (str(file.chain_id), day_of(published_at_of(file)))) for file in files]
        numbers = [(id_, self._voices.setdefault(name, len(self._voices))) for id_, name in names]
        return pl.DataFrame(numbers, schema={"file_id": pl.Int64(), VOICE: pl.Int32()}, orient="row")

    def _meet(self, connection: sa.Connection, new: pl.DataFrame, texts: pl.DataFrame) -> None:
        """Find the products of rows with product text that this load has not met yet."""
        speakers = pl.DataFrame(
            [(number, chain_id, day) for (chain_id, day), number in self._voices.items()],
            schema={VOICE: pl.Int32(), "chain_id": pl.String(), "attributes_as_of": pl.Date()},
            orient="row",
        )
        first = new.select(*ROW_ID, *MARKS).join(speakers, on=VOICE, how="inner")
        repeated = lookup_by_hash(connection, first).select(_FIRST.names())
        self._repeated = pl.concat([self._repeated, repeated])
        self._met = pl.concat([self._met, repeated.select(_MET.names())])
        unknown = first.join(repeated, on=MARKS, how="anti")
        if not unknown.is_empty():
            self._look_up(connection, _with_columns(unknown, texts, PRODUCT_TEXT))

    def _look_up(self, connection: sa.Connection, unknown: pl.DataFrame) -> None:
        words = self.products.resolve(connection, unknown)
        self._met = pl.concat([self._met, words.select(_MET.names())])
        sayable = words.filter(pl.col("product_key").is_not_null()).drop(ROW_ID)
        self._untold = sayable if self._untold is None else pl.concat([self._untold, sayable])

    def _read_again(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add product text to some rows; only the files that have them are read."""
        sources = {file_id: self._sources[file_id] for file_id in rows["file_id"].unique().to_list()}
        return _with_columns(
            rows, self._lake.read(Document.PRICES, sources, columns=PRODUCT_TEXT), PRODUCT_TEXT
        )


def _refusals(refused: pl.DataFrame, texts: pl.DataFrame) -> dict[int, RejectedRows]:
    return {} if refused.is_empty() else dict(refusals(_with_columns(refused, texts, ("code", "name"))))


def _with_columns(rows: pl.DataFrame, texts: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Add text columns to some rows."""
    return rows.join(texts.select(*ROW_ID, *columns), on=ROW_ID, how="inner", maintain_order="left")
