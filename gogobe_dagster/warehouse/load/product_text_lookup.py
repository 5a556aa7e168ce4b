"""Which products rows of price files are about, by the hash of their words; the words are read only once.

Every store of a chain words a product alike, mostly, and every day alike. So words that a product has already
are known by their hash; of the others one row is read with its text, its product looked up and told to
chain_product. All other rows are numbers. What makes rows one product is `products`; which words hold is
`statements`.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.clock import day_of
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import OBSERVED, Lake
from gogobe_dagster.parsing.fast.product_text_cache import WORDING_HASH
from gogobe_dagster.parsing.model import WORDING
from gogobe_dagster.warehouse.ledger.file_claims import Refused
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.file_order import stamp_of
from gogobe_dagster.warehouse.load.product_attributes import recall, repeat, tell
from gogobe_dagster.warehouse.load.product_keys import Products, refusals, refuse

VOICE = "voice"
"""Number of a chain on a day: who words a product, and when."""
MARKS = [VOICE, WORDING_HASH]
NUMBERS = (WORDING_HASH, "price", "unit_price", "priced_at")
_MET = pl.Schema({VOICE: pl.Int32(), WORDING_HASH: pl.UInt64(), "product_key": pl.Int32()})
_FIRST = pl.Schema(
    {
        "file_id": pl.Int64(),
        "row_number": pl.Int32(),
        **_MET,
        "chain_id": pl.String(),
        "stated_on": pl.Date(),
    }
)
"""The first row that said words which its product has already."""


class Wordings:
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
    ) -> tuple[pl.DataFrame, dict[int, Refused]]:
        """Return the numbers of these files' rows with `product_key`, and by file what is refused of them."""
        sources = {one.id: str(one.lake_path) for one in files}
        self._sources.update(sources)
        rows = self._lake.read(Document.PRICES, sources, columns=NUMBERS)
        rows = rows.join(self._voices_of(files), on="file_id", how="inner", maintain_order="left")
        new = rows.join(self._met, on=MARKS, how="anti").unique(MARKS, keep="first", maintain_order=True)
        if not new.is_empty():
            self._meet(connection, new)
        known = rows.join(self._met, on=MARKS, how="left", maintain_order="left")
        kept, refused = refuse(known)
        return kept, self._refusals(refused)

    def tell(self, connection: sa.Connection, rows: pl.DataFrame) -> None:
        """Tell chain_product the words of these rows, as `read` gave them, unless it has been told."""
        said = rows.select(MARKS).unique()
        if not self._repeated.is_empty():
            altered = repeat(connection, self._repeated.join(said, on=MARKS, how="semi"))
            self._repeated = self._repeated.join(said, on=MARKS, how="anti")
            if not altered.is_empty():
                tell(connection, self._words(altered, WORDING))
        if self._untold is not None and not self._untold.is_empty():
            tell(connection, self._untold.join(said, on=MARKS, how="semi"))
            self._untold = self._untold.join(said, on=MARKS, how="anti")

    def _voices_of(self, files: Sequence[LedgerFile]) -> pl.DataFrame:
        names = [(one.id, (str(one.chain_id), day_of(stamp_of(one)))) for one in files]
        numbers = [(id_, self._voices.setdefault(name, len(self._voices))) for id_, name in names]
        return pl.DataFrame(numbers, schema={"file_id": pl.Int64(), VOICE: pl.Int32()}, orient="row")

    def _meet(self, connection: sa.Connection, new: pl.DataFrame) -> None:
        """Find the products of rows that are the first to say so; words that no product has are read."""
        speakers = pl.DataFrame(
            [(number, chain_id, day) for (chain_id, day), number in self._voices.items()],
            schema={VOICE: pl.Int32(), "chain_id": pl.String(), "stated_on": pl.Date()},
            orient="row",
        )
        first = new.select(*OBSERVED, *MARKS).join(speakers, on=VOICE, how="inner")
        repeated = recall(connection, first).select(_FIRST.names())
        self._repeated = pl.concat([self._repeated, repeated])
        self._met = pl.concat([self._met, repeated.select(_MET.names())])
        unknown = first.join(repeated, on=MARKS, how="anti")
        if not unknown.is_empty():
            self._look_up(connection, unknown)

    def _look_up(self, connection: sa.Connection, unknown: pl.DataFrame) -> None:
        words = self.products.resolve(connection, self._words(unknown, WORDING))
        self._met = pl.concat([self._met, words.select(_MET.names())])
        sayable = words.filter(pl.col("product_key").is_not_null()).drop(OBSERVED)
        self._untold = sayable if self._untold is None else pl.concat([self._untold, sayable])

    def _refusals(self, refused: pl.DataFrame) -> dict[int, Refused]:
        return {} if refused.is_empty() else dict(refusals(self._words(refused, ("code", "name"))))

    def _words(self, rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
        """Add text columns to some rows; only the files that have them are read."""
        there = {file_id: self._sources[file_id] for file_id in rows["file_id"].unique().to_list()}
        texts = self._lake.read(Document.PRICES, there, columns=columns)
        return rows.join(texts, on=OBSERVED, how="inner", maintain_order="left")
