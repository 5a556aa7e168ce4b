"""Which products rows of price files are about, by the hash of their words; the words are read only once.

Every store of a chain words a product alike, mostly, and every day alike. So of a hundred rows one is read
with its text, its product looked up and told to chain_product; the others are numbers. What makes rows one
product is `products`; which words hold is `statements`.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.clock import day_of
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.lake import OBSERVED, Lake
from gogobe_dagster.parsing.model import WORDING
from gogobe_dagster.parsing.wordings import WORDING_HASH
from gogobe_dagster.warehouse.claims import Refused
from gogobe_dagster.warehouse.ledger import LedgerFile
from gogobe_dagster.warehouse.order import stamp_of
from gogobe_dagster.warehouse.products import Products, refusals, refuse
from gogobe_dagster.warehouse.statements import tell

VOICE = "voice"
"""Number of a chain on a day: who words a product, and when."""
MARKS = [VOICE, WORDING_HASH]
NUMBERS = (WORDING_HASH, "price", "unit_price", "priced_at")
_MET = pl.Schema({VOICE: pl.Int32(), WORDING_HASH: pl.UInt64(), "product_key": pl.Int32()})


class Wordings:
    """The wordings that one loader has met. Use it for one load, in transactions that commit."""

    def __init__(self, lake: Lake) -> None:
        self.products = Products()
        self._lake = lake
        self._voices: dict[tuple[str, date], int] = {}
        self._met = pl.DataFrame(schema=_MET)
        self._untold: pl.DataFrame | None = None

    def read(
        self, connection: sa.Connection, files: Sequence[LedgerFile]
    ) -> tuple[pl.DataFrame, dict[int, Refused]]:
        """Return the numbers of these files' rows with `product_key`, and by file what is refused of them."""
        sources = {one.id: str(one.lake_path) for one in files}
        rows = self._lake.read(Document.PRICES, sources, columns=NUMBERS)
        rows = rows.join(self._voices_of(files), on="file_id", how="inner", maintain_order="left")
        new = rows.join(self._met, on=MARKS, how="anti").unique(MARKS, keep="first", maintain_order=True)
        if not new.is_empty():
            self._meet(connection, new, sources)
        known = rows.join(self._met, on=MARKS, how="left", maintain_order="left")
        kept, refused = refuse(known)
        return kept, self._refusals(refused, sources)

    def tell(self, connection: sa.Connection, rows: pl.DataFrame) -> None:
        """Tell chain_product the words of these rows, as `read` gave them, unless it has been told."""
        if self._untold is None or self._untold.is_empty():
            return
        said = rows.select(MARKS).unique()
        tell(connection, self._untold.join(said, on=MARKS, how="semi"))
        self._untold = self._untold.join(said, on=MARKS, how="anti")

    def _voices_of(self, files: Sequence[LedgerFile]) -> pl.DataFrame:
        names = [(one.id, (str(one.chain_id), day_of(stamp_of(one)))) for one in files]
        numbers = [(id_, self._voices.setdefault(name, len(self._voices))) for id_, name in names]
        return pl.DataFrame(numbers, schema={"file_id": pl.Int64(), VOICE: pl.Int32()}, orient="row")

    def _meet(self, connection: sa.Connection, new: pl.DataFrame, sources: dict[int, str]) -> None:
        """Read the words of rows that are the first to say so, and look their products up."""
        speakers = pl.DataFrame(
            [(number, chain_id, day) for (chain_id, day), number in self._voices.items()],
            schema={VOICE: pl.Int32(), "chain_id": pl.String(), "stated_on": pl.Date()},
            orient="row",
        )
        words = self._words(new.select(*OBSERVED, *MARKS), sources, WORDING)
        words = self.products.resolve(connection, words.join(speakers, on=VOICE, how="inner"))
        self._met = pl.concat([self._met, words.select(_MET.names())])
        sayable = words.filter(pl.col("product_key").is_not_null()).drop(OBSERVED)
        self._untold = sayable if self._untold is None else pl.concat([self._untold, sayable])

    def _refusals(self, refused: pl.DataFrame, sources: dict[int, str]) -> dict[int, Refused]:
        if refused.is_empty():
            return {}
        return dict(refusals(self._words(refused, sources, ("code", "name"))))

    def _words(self, rows: pl.DataFrame, sources: dict[int, str], columns: Sequence[str]) -> pl.DataFrame:
        """Add text columns to some rows; only the files that have them are read."""
        there = {file_id: sources[file_id] for file_id in rows["file_id"].unique().to_list()}
        texts = self._lake.read(Document.PRICES, there, columns=columns)
        return rows.join(texts, on=OBSERVED, how="inner", maintain_order="left")
