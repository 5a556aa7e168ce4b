"""What promotions offer, once a chain: keys for contents, looked up by hash, and made where one is new.

Only contents that nobody has stored yet have their offers and items read from the lake; of all others the
hash is enough. An item whose code cannot be one is left out, and its code kept, so that every file with this
content can tell of it. Rows of `promotion` never change, but by a rebuild. Retention removes those that no
store refers to (`promotion_retention`); who looks one up keeps it from going until its transaction ends.

Products are made before contents, each kind in one sorted go: loaders wait for each other and never deadlock.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.parsing.promotions.pricing.legs import with_pricing
from gogobe_dagster.parsing.promotions.pricing.rules import CONDITIONS, PRICES
from gogobe_dagster.warehouse.bulk_io.pg_copy import copy_in, stage
from gogobe_dagster.warehouse.load.gtin import is_usable
from gogobe_dagster.warehouse.load.product_keys import SPELLING, Products
from gogobe_dagster.warehouse.schema.promotion_tables import promotion_item, promotion_offer

CONTENTS_AT_ONCE = 20_000
"""Contents whose items are in memory together: some 100 MB where they have fifty each."""
CONTENT = ["chain_id", "promotion_id", "content_hash"]
HASHED = ["promotion_id", "content_hash"]
"""The columns of the lake that tell a content."""
TERMS = [
    column.name for column in promotion_offer.columns if column.name not in {"promotion_key", "offer_number"}
]
STATED = [name for name in TERMS if name not in {*PRICES, *CONDITIONS}]
"""The columns of the lake. An offer's prices and conditions are computed from them."""
TEXTS = [name for name in TERMS if isinstance(promotion_offer.c[name].type, sa.Text)]
SHOWN_CODE = 100
_BETWEEN = "\x1f"  # stands between codes on their way into an array; no code has it
_KEYS = pl.Schema(
    {**dict.fromkeys(CONTENT, pl.String()), "promotion_key": pl.Int32(), "unusable": pl.List(pl.String())}
)
_STAGED = (
    "chain_id text, promotion_id text, content_hash uuid, description text, starts_at timestamptz,"
    " ends_at timestamptz, unusable text"
)
_INSERT = """
insert into promotion
    (chain_id, promotion_id, content_hash, description, starts_at, ends_at, invalid_item_codes)
select chain_id, promotion_id, content_hash, nullif(description, ''), starts_at, ends_at,
    string_to_array(unusable, :between)
from new_promotion order by chain_id, promotion_id collate "C", content_hash
on conflict (chain_id, promotion_id, content_hash)
"""
_MADE = """
returning chain_id, promotion_id, replace(content_hash::text, '-', ''), promotion_key, invalid_item_codes
"""
_MAKE = sa.text(f"{_INSERT} do nothing {_MADE}")
_REWRITE = sa.text(f"""
{_INSERT} do update set description = excluded.description, starts_at = excluded.starts_at,
    ends_at = excluded.ends_at, invalid_item_codes = excluded.invalid_item_codes
{_MADE}
""")
_HOLD = sa.text("""
select chain_id, promotion_id, replace(content_hash::text, '-', ''), promotion_key, invalid_item_codes
from promotion
join unnest(cast(:chain_id as text[]), cast(:promotion_id as text[]), cast(:content_hash as uuid[]))
    as wanted (chain_id, promotion_id, content_hash) using (chain_id, promotion_id, content_hash)
for key share of promotion
""")
_INTEGERS = sa.ARRAY(sa.Integer())
_storable = pl.col(pl.String).str.replace_all("\0", "", literal=True)  # PostgreSQL's text holds no NUL


class Contents:
    """Looks contents up and makes them. Use it for one load, in transactions that commit."""

    def __init__(self, lake: Lake, products: Products) -> None:
        self.made = 0
        self._lake, self._products = lake, products
        self._written_anew = pl.DataFrame(schema=_KEYS)

    def resolve(
        self, connection: sa.Connection, rows: pl.DataFrame, sources: Mapping[int, str], *, rewrite: bool
    ) -> pl.DataFrame:
        """Add `promotion_key` and `unusable` codes to rows with `chain_id` and HASHED columns.

        `rewrite`: versions are written whatever the tables hold, once in the life of this object.
        """
        wanted = rows.group_by(CONTENT).agg(pl.col("file_id").min())
        known = _hold(connection, wanted)
        if rewrite:
            known = known.join(self._written_anew, on=CONTENT, how="semi")
        while not (missing := wanted.join(known, on=CONTENT, how="anti")).is_empty():
            self._make(connection, missing, sources, rewrite=rewrite)
            known = pl.concat([known, _hold(connection, missing)])
        if rewrite:
            self._written_anew = pl.concat([self._written_anew, known]).unique(CONTENT)
        return rows.join(known, on=CONTENT, how="left", maintain_order="left")

    def _make(
        self, connection: sa.Connection, missing: pl.DataFrame, sources: Mapping[int, str], *, rewrite: bool
    ) -> None:
        """Write contents, each from the first file that has it."""
        heads, codes = [], []
        for offers in self._offers(missing, sources, ["description", "starts_at", "ends_at", "group_id"]):
            items = _items(offers)
            codes.append(items.select(SPELLING).unique())
            heads.append(_heads(offers, items))
        self._products.resolve(connection, pl.concat(codes).unique())
        stage(connection, "new_promotion", _STAGED, pl.concat(heads).with_columns(_storable))
        made = _frame(connection.execute(_REWRITE if rewrite else _MAKE, {"between": _BETWEEN}))
        if rewrite:
            _forget_offers(connection, made["promotion_key"].to_list())
        self.made += len(made)
        mine = missing.join(made, on=CONTENT, how="inner")
        for offers in self._offers(mine, sources, STATED):
            priced = with_pricing(offers.join(made, on=CONTENT, how="inner"), "promotion_key")
            self._write_offers(connection, priced)

    def _offers(
        self, contents: pl.DataFrame, sources: Mapping[int, str], columns: list[str]
    ) -> Iterator[pl.DataFrame]:
        """Read the offers of contents from the files that they are to be taken from, some at a time."""
        by_file = contents.group_by("file_id").len().sort("file_id")
        part = (pl.col("len").cum_sum() - 1) // CONTENTS_AT_ONCE
        for some in by_file.with_columns(part=part).partition_by("part", maintain_order=True):
            paths = {file_id: sources[file_id] for file_id in some["file_id"]}
            rows = self._lake.read(Document.PROMOTIONS, paths, columns=[*HASHED, *columns, "items"])
            yield rows.join(contents, on=["file_id", *HASHED], how="inner", maintain_order="left")

    def _write_offers(self, connection: sa.Connection, offers: pl.DataFrame) -> None:
        # not as the file lists them: two files with the same content may differ in that
        ordered = offers.sort("promotion_key", *TERMS, "row_number")
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("promotion_key")
        numbered = ordered.with_columns(offer_number=number)
        key = ["promotion_key", "offer_number"]
        terms = numbered.select(*key, *TERMS).with_columns(_storable)
        copy_in(connection, "promotion_offer", terms, empty_is_null=TEXTS)
        items = self._products.resolve(connection, _items(numbered).filter(is_usable()))
        # two spellings of one product, with and without its zeros, are one item
        once = items.unique([*key, "product_key", "is_gift"], keep="last", maintain_order=True)
        copy_in(connection, "promotion_item", once.select(*key, "product_key", "is_gift", "gift_price"))


def _forget_offers(connection: sa.Connection, keys: list[int]) -> None:
    """Delete the offers of versions before they are rewritten; the versions' rows are locked meanwhile."""
    for table in (promotion_item, promotion_offer):
        connection.execute(sa.delete(table).where(table.c.promotion_key == sa.any_(sa.cast(keys, _INTEGERS))))


def _items(offers: pl.DataFrame) -> pl.DataFrame:
    """Return one row an item, with its offer's other columns."""
    return offers.explode("items").drop_nulls("items").unnest("items")


def _heads(offers: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Return what the table promotion says of each content."""
    first = offers.sort("group_id", "description", nulls_last=True).group_by(CONTENT)
    terms = first.agg(
        pl.col("description").first(),
        pl.when(pl.col("starts_at").is_not_null().all()).then(pl.col("starts_at").min()),
        pl.when(pl.col("ends_at").is_not_null().all()).then(pl.col("ends_at").max()),
    )
    shown = (
        pl.col("code").str.slice(0, SHOWN_CODE).str.replace_all(f"[\0{_BETWEEN}]", "").replace("", "(empty)")
    )
    unusable = items.filter(~is_usable()).group_by(CONTENT)
    left_out = unusable.agg(unusable=shown.unique().sort().str.join(_BETWEEN))
    return terms.join(left_out, on=CONTENT, how="left")


def _hold(connection: sa.Connection, contents: pl.DataFrame) -> pl.DataFrame:
    """Look contents up, and keep those that are there from being removed."""
    return _frame(connection.execute(_HOLD, {name: contents[name].to_list() for name in CONTENT}))


def _frame(rows: Iterable[sa.Row[Any]]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in rows], schema=_KEYS, orient="row")
