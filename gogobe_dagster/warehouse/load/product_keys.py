"""Product keys for the rows of price files: looked up, and made where a product is new.

What makes two rows one product is `gtin`. A row whose code cannot be one, or that repeats a product of
its file, is rejected with a reason and never fatal. Rows of `product` are never deleted, so what a process
has once looked up stays right.

A GTIN is one product in all chains, and loaders of all chains meet the same new ones: they are made in short
transactions of their own, or a loader would wait for the whole transaction of another one. So a load that
fails may leave products that no row refers to; the next load finds them.
"""

from collections.abc import Mapping

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.parsing.reject import MAX_SAMPLES, Reject, RejectReason
from gogobe_dagster.warehouse.bulk_io.pg_binary import Array
from gogobe_dagster.warehouse.bulk_io.pg_copy import execute
from gogobe_dagster.warehouse.ledger.file_claims import RejectedRows
from gogobe_dagster.warehouse.load.gtin import gtin, is_usable

ANY_CHAIN = ""
"""Owner of a GTIN, where a chain owns its own codes."""
IDENTITY = ["owner", "text"]
SPELLING = ["chain_id", "code", "is_barcode"]
_KEYS = pl.Schema({"owner": pl.String(), "text": pl.String(), "product_key": pl.Int32()})
NO_PRODUCT = 0
"""No product has this key: they begin with 1."""
PATIENCE = "10s"
"""How long making products waits: who locks the whole table may himself be waiting for this load."""
_LOOK_UP = f"""
select array_agg(coalesce(product_key, {NO_PRODUCT}) order by number)
from unnest(%(texts)s::text[]) with ordinality as wanted (text, number)
"""  # noqa: S608 - a number of ours
_GTINS = f"{_LOOK_UP} left join product on gtin = text"
_CODES = f"{_LOOK_UP} left join product on chain_id = %(owner)s and code = text"
_MAKE_GTINS = sa.text(
    "insert into product (gtin) select text from unnest(cast(:texts as text[])) as new (text)"
    " order by text on conflict (gtin) do nothing"
)
_MAKE_CODES = sa.text(
    "insert into product (chain_id, code) select :owner, text"
    " from unnest(cast(:texts as text[])) as new (text) order by text on conflict (chain_id, code) do nothing"
)


class Products:
    """The product keys that a loader has looked up. Use it for one load, in transactions that commit."""

    def __init__(self) -> None:
        self.made = 0
        self._spellings = pl.DataFrame(
            schema={
                "chain_id": pl.String(),
                "code": pl.String(),
                "is_barcode": pl.Boolean(),
                "product_key": pl.Int32(),
            }
        )

    def resolve(self, connection: sa.Connection, rows: pl.DataFrame) -> pl.DataFrame:
        """Add `product_key` to rows of price files with `chain_id`; null where the code is unusable."""
        spelled = rows.select(SPELLING).unique()
        unknown = spelled.join(self._spellings, on=SPELLING, how="anti", nulls_equal=True).filter(is_usable())
        if not unknown.is_empty():
            identities = _identities(unknown)
            keys = self._keys(connection, identities.select(IDENTITY).unique().sort(IDENTITY))
            found = identities.join(keys, on=IDENTITY, how="left").select(*SPELLING, "product_key")
            self._spellings = pl.concat([self._spellings, found])
        return rows.join(self._spellings, on=SPELLING, how="left", nulls_equal=True, maintain_order="left")

    def find(self, connection: sa.Connection, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with `chain_id` and `code`, once with each product that the code can mean; makes none.

        ItemType is left aside: it may be what could not be read of the row.
        """
        item_types = pl.DataFrame({"is_barcode": [True, False, None]}, schema={"is_barcode": pl.Boolean()})
        # A code that cannot be one was never loaded, so it can keep nothing from ending.
        spelled = rows.filter(is_usable()).join(item_types, how="cross")
        identities = _identities(spelled)
        keys = _look_up(connection, identities.select(IDENTITY).unique().sort(IDENTITY))
        found = identities.join(keys, on=IDENTITY, how="inner").select(*rows.columns, "product_key")
        return found.unique(maintain_order=True)

    def _keys(self, connection: sa.Connection, identities: pl.DataFrame) -> pl.DataFrame:
        known = _look_up(connection, identities)
        # Another loader may make the same product meanwhile: `on conflict do nothing`, then look up again.
        missing = identities.join(known, on=IDENTITY, how="anti", maintain_order="left")
        if missing.is_empty():
            return known
        self.made += _make(connection, missing)
        return pl.concat([known, _look_up(connection, missing)])


def _identities(spellings: pl.DataFrame) -> pl.DataFrame:
    """Add the IDENTITY that each spelling of a product means."""
    return spellings.with_columns(gtin().alias("gtin")).with_columns(
        owner=pl.when(pl.col("gtin").is_null()).then("chain_id").otherwise(pl.lit(ANY_CHAIN)),
        text=pl.coalesce("gtin", "code"),
    )


def _by_owner(identities: pl.DataFrame) -> list[tuple[str, list[str]]]:
    """GTINs first, then chain by chain, each sorted: every loader makes products in this order."""
    groups = identities.sort(IDENTITY).partition_by("owner", as_dict=True, maintain_order=True)
    return [(str(owner), group["text"].to_list()) for (owner,), group in groups.items()]


def _look_up(connection: sa.Connection, identities: pl.DataFrame) -> pl.DataFrame:
    """Return the products that are there, with their keys."""
    frames = [pl.DataFrame(schema=_KEYS)]
    for owner, texts in _by_owner(identities):
        query = _CODES if owner else _GTINS
        ((keys,),) = execute(connection, query, owner=owner, texts=texts)
        columns = {"owner": [owner] * len(texts), "text": texts, "product_key": Array(keys).integers()}
        frames.append(pl.DataFrame(columns, schema=_KEYS).filter(pl.col("product_key") != NO_PRODUCT))
    return pl.concat(frames)


def _make(connection: sa.Connection, missing: pl.DataFrame) -> int:
    return sum(
        _make_codes(connection, owner, texts) if owner else _make_gtins(connection.engine, texts)
        for owner, texts in _by_owner(missing)
    )


def _make_gtins(engine: sa.Engine, texts: list[str]) -> int:
    with engine.begin() as connection:
        connection.execute(sa.text("set local synchronous_commit = off"))
        connection.execute(sa.text(f"set local lock_timeout = '{PATIENCE}'"))
        return connection.execute(_MAKE_GTINS, {"texts": texts}).rowcount


def _make_codes(connection: sa.Connection, owner: str, texts: list[str]) -> int:
    """Make products of a chain in the load's transaction, in which the chain itself may be new."""
    return connection.execute(_MAKE_CODES, {"owner": owner, "texts": texts}).rowcount


def split_rejected(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split resolved rows into those to load, one per file and product, and the rejected, with a `reason`.

    Where a file names a product twice (two articles of one code, or a code with and without its zeros), its
    last row holds.
    """
    # Keys are below 2**31, so no two pairs share a value; one column is compared in half the time of two.
    file_and_product = pl.col("file_id") * 2**31 + pl.col("product_key")
    has_key = pl.col("product_key").is_not_null()
    is_plain = rows.select(has_key.all() & (file_and_product.n_unique() == pl.len())).item()
    if is_plain:
        return rows, rows.clear().with_columns(reason=pl.lit(None, pl.String))
    is_last = pl.col("row_number") == pl.col("row_number").max().over("file_id", "product_key")
    with_reason = rows.with_columns(
        reason=pl.when(~has_key)
        .then(pl.lit(RejectReason.CODE_UNUSABLE.value))
        .when(~is_last)
        .then(pl.lit(RejectReason.PRODUCT_REPEATED.value))
    )
    kept = with_reason.filter(pl.col("reason").is_null()).drop("reason")
    return kept, with_reason.filter(pl.col("reason").is_not_null())


def count_rejected(rejected: pl.DataFrame) -> Mapping[int, RejectedRows]:
    """Count and show rejected rows by file: `file_id`, `row_number`, `reason`, `code`, `name` and `price`."""
    by_file = rejected.partition_by("file_id", as_dict=True)
    return {int(str(file_id)): _rejected_rows(some) for (file_id,), some in by_file.items()}


def _rejected_rows(rows: pl.DataFrame) -> RejectedRows:
    reasons = rows.group_by("reason").len().iter_rows()
    samples = (
        rows.select("row_number", "reason", "code", "name", "price").head(MAX_SAMPLES).iter_rows(named=True)
    )
    return RejectedRows(
        reasons=dict(reasons),
        samples=[
            Reject(
                row_number=row["row_number"],
                reason=row["reason"],
                sample=f"{row['code'][:100]} {(row['name'] or '')[:100]} {row['price']}",
            )
            for row in samples
        ],
    )
