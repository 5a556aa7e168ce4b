"""What each chain says about its products: names, makers, units. The newest day's statement holds.

Stores of a chain publish different text for a product on the same day. So that the result does not depend on
the order of loading, versions of the text have one order (day, then the number of filled columns, then their
bytes) and the greatest is kept. Writing one again changes nothing, so a loader may skip what it has written.
Most text is that of the day before: for it only the day is written, and a loader need not read it, because
its hash is stored beside it.

One writer per chain, held by an advisory lock until its transaction ends.
"""

from collections.abc import Collection
from datetime import date
from functools import reduce

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.parsing.model import PRODUCT_TEXT
from gogobe_dagster.units.content import OUTPUT, with_content
from gogobe_dagster.warehouse.bulk_io.pg_binary import Array
from gogobe_dagster.warehouse.bulk_io.pg_copy import copy_in, execute
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.tables import chain_product

KEY = ["chain_id", "product_key"]
ATTRIBUTES_HASH = "attributes_hash"
CONTENT = list(OUTPUT)
"""Found from the attributes, and written with them."""
NOT_ATTRIBUTES = {*KEY, "attributes_as_of", ATTRIBUTES_HASH, *CONTENT}
ATTRIBUTES = [column.name for column in chain_product.columns if column.name not in NOT_ATTRIBUTES]
TEXTS = [name for name in ATTRIBUTES if isinstance(chain_product.c[name].type, sa.Text)]
ODD = 0x9E37_79B9_7F4A_7C15
"""Multiplying by an odd number loses no bit: here 2**64 divided by the golden ratio."""
UNSTATED = date(1, 1, 1)
"""Day of names that no file has stated again yet, while a chain is rebuilt: any real statement is greater."""


def _attributes(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in ATTRIBUTES)


def _greatness(alias: str) -> str:
    texts = ", ".join(f"coalesce({alias}.{name}::text, '') collate \"C\"" for name in ATTRIBUTES)
    return f"({alias}.attributes_as_of, num_nonnulls({_attributes(alias)}), {texts})"


_COLUMNS = ", ".join([*KEY, "attributes_as_of", *ATTRIBUTES, ATTRIBUTES_HASH, *CONTENT])
_CREATE = (
    f"create temporary table if not exists statement on commit delete rows as select {_COLUMNS}"  # noqa: S608 - ours
    " from chain_product with no data"
)
_VERSIONS = f"""
select coalesce(array_agg(product_key), '{{}}'),
    coalesce(array_agg(attributes_as_of - date '1970-01-01'), '{{}}'),
    coalesce(array_agg(num_nonnulls({_attributes("known")})), '{{}}')
from chain_product known where chain_id = %(chain_id)s and product_key = any(%(product_key)s::int[])
"""  # noqa: S608 - column names of our own table
_REPEAT = f"""
update chain_product known set attributes_as_of = s.attributes_as_of, attributes_hash = s.attributes_hash
from statement s
where s.chain_id = known.chain_id and s.product_key = known.product_key
    and s.attributes_as_of > known.attributes_as_of
    and ({_attributes("s")}) is not distinct from ({_attributes("known")})
"""  # noqa: S608 - column names of our own table
_UPSERT = f"""
insert into chain_product ({_COLUMNS})
select {", ".join(f"s.{name}" for name in KEY)}, s.attributes_as_of, {_attributes("s")}, s.attributes_hash,
    {", ".join(f"s.{name}" for name in CONTENT)}
from statement s left join chain_product known using (chain_id, product_key)
where known.product_key is null or {_greatness("s")} > {_greatness("known")}
on conflict (chain_id, product_key) do update set
    attributes_as_of = excluded.attributes_as_of,
    {", ".join(f"{name} = excluded.{name}" for name in [*ATTRIBUTES, *CONTENT])},
    attributes_hash = excluded.attributes_hash
"""  # noqa: S608 - column names of our own table
_FIND_HASHES = """
select coalesce(array_agg(product_key), '{}'), coalesce(array_agg(attributes_hash), '{}') from chain_product
where chain_id = %(chain_id)s and attributes_hash = any(%(attributes_hash)s::bigint[])
"""
_REPEATED = """
unnest(%(product_key)s::int[], %(attributes_hash)s::bigint[]) as s (product_key, attributes_hash)
"""
_ALTERED = f"""
select coalesce(array_agg(s.product_key), '{{}}') from {_REPEATED} left join chain_product known
    on known.chain_id = %(chain_id)s and known.product_key = s.product_key
where known.attributes_hash is distinct from s.attributes_hash
"""  # noqa: S608 - ours
_WRITE_DAY = f"""
update chain_product known set attributes_as_of = %(attributes_as_of)s from {_REPEATED}
where known.chain_id = %(chain_id)s and known.product_key = s.product_key
    and known.attributes_hash = s.attributes_hash and known.attributes_as_of < %(attributes_as_of)s
"""  # noqa: S608 - ours
_FULLNESS = pl.sum_horizontal(pl.col(name).is_not_null() for name in ATTRIBUTES)
# Column by column: to hash a struct of them takes four times as long.
_HASH = reduce(
    lambda bits, column: bits * pl.lit(ODD, pl.UInt64) ^ pl.col(column[1]).hash(seed=column[0]),
    enumerate(PRODUCT_TEXT),
    pl.lit(0, pl.UInt64),
)
_KNOWN = pl.Schema({"product_key": pl.Int32(), "known_day": pl.Int32(), "known_fullness": pl.Int32()})
_DAY = pl.col("attributes_as_of").to_physical()
_IS_LESSER = (pl.col("known_day") > _DAY) | (
    (pl.col("known_day") == _DAY) & (pl.col("known_fullness") > _FULLNESS)
)
_storable = pl.col(TEXTS).str.replace_all("\0", "", literal=True)  # PostgreSQL's text holds no NUL


def hash_of(rows: pl.DataFrame) -> pl.Series:
    """Return 64 bits for each row, equal where the product text is.

    Another version of Polars may hash otherwise: then every text is looked up once more, and nothing changes.
    """
    return rows.select(_HASH.alias(ATTRIBUTES_HASH)).to_series()


def reset_days(connection: sa.Connection, chain_ids: Collection[str]) -> None:
    """Let the next statement about each product of these chains hold; names stay until then.

    Every statement is read, and its product looked up, by the rules of today.
    """
    _lock_chains(connection, chain_ids)
    are_theirs = chain_product.c.chain_id.in_(chain_ids)
    forgotten = (
        sa.update(chain_product).where(are_theirs).values(attributes_as_of=UNSTATED, attributes_hash=None)
    )
    connection.execute(forgotten)


def delete_unset(connection: sa.Connection, chain_ids: Collection[str]) -> None:
    """Drop what no file of these chains has stated again."""
    _lock_chains(connection, chain_ids)
    are_theirs = chain_product.c.chain_id.in_(chain_ids)
    connection.execute(
        sa.delete(chain_product).where(are_theirs, chain_product.c.attributes_as_of == UNSTATED)
    )


def lookup_by_hash(connection: sa.Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """Return those rows whose text a product has, with its `product_key`.

    Rows have `chain_id` and a `attributes_hash`.
    """
    found = [rows.clear().with_columns(product_key=pl.lit(None, pl.Int32))]
    for (chain_id,), some in rows.partition_by("chain_id", as_dict=True).items():
        hashes = some[ATTRIBUTES_HASH].unique().reinterpret(signed=True)
        ((keys, hashes_found),) = execute(connection, _FIND_HASHES, chain_id=chain_id, attributes_hash=hashes)
        columns = {
            ATTRIBUTES_HASH: pl.Series(Array(hashes_found).integers(), dtype=pl.Int64).reinterpret(
                signed=False
            ),
            "product_key": pl.Series(Array(keys).integers(), dtype=pl.Int32),
        }
        # Text of two products is read: which of them is meant, its hash alone cannot say.
        of_one = pl.DataFrame(columns).unique(ATTRIBUTES_HASH, keep="none")
        found.append(some.join(of_one, on=ATTRIBUTES_HASH, how="inner", maintain_order="left"))
    return pl.concat(found)


def touch(connection: sa.Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """Write the day of text that was found by its hash; return the rows whose product has other text by now.

    Rows have the KEY, `attributes_as_of` and `attributes_hash`.
    """
    altered = [rows.clear()]
    _lock_chains(connection, rows["chain_id"].unique().to_list())
    for (chain_id, day), some in rows.partition_by("chain_id", "attributes_as_of", as_dict=True).items():
        hashes = some[ATTRIBUTES_HASH].reinterpret(signed=True)
        repeated = {"chain_id": chain_id, "product_key": some["product_key"], ATTRIBUTES_HASH: hashes}
        ((keys,),) = execute(connection, _ALTERED, **repeated)
        altered.append(some.filter(pl.col("product_key").is_in(Array(keys).integers().tolist())))
        execute(connection, _WRITE_DAY, attributes_as_of=day, **repeated)
    return pl.concat(altered)


def upsert(connection: sa.Connection, rows: pl.DataFrame) -> None:
    """Write attributes: the lake's columns and their hash, the KEY and `attributes_as_of`."""
    if rows.is_empty():
        return
    hashes = pl.col(ATTRIBUTES_HASH).reinterpret(signed=True)
    newest = latest(rows.select(*KEY, "attributes_as_of", *ATTRIBUTES, hashes).with_columns(_storable))
    _lock_chains(connection, newest["chain_id"].unique().to_list())
    newest = _without_lesser(connection, newest)
    if newest.is_empty():
        return
    connection.execute(sa.text(_CREATE))
    copy_in(connection, "statement", with_content(newest), empty_is_null=TEXTS)
    for statement in (_REPEAT, _UPSERT, "truncate statement"):
        connection.execute(sa.text(statement))


def _without_lesser(connection: sa.Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """Drop versions that are older, or less full, than what a product has: they need no content and no COPY.

    Stores of a chain write a product in several ways, so every day brings many of them. Bytes are compared
    by `_UPSERT`.
    """
    kept = [rows.clear()]
    for (chain_id,), some in rows.partition_by("chain_id", as_dict=True).items():
        (columns,) = execute(connection, _VERSIONS, chain_id=chain_id, product_key=some["product_key"])
        known = pl.DataFrame([Array(column).integers() for column in columns], schema=_KNOWN)
        both = some.join(known, on="product_key", how="left", maintain_order="left")
        kept.append(both.filter(~_IS_LESSER.fill_null(value=False)).select(rows.columns))
    return pl.concat(kept)


def latest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the version that is kept of each product."""
    if not rows.select(pl.struct(KEY).is_duplicated().any()).item():
        return rows
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in ATTRIBUTES]
    return rows.sort("attributes_as_of", _FULLNESS, *texts).unique(KEY, keep="last")


def _lock_chains(connection: sa.Connection, chain_ids: Collection[str]) -> None:
    for chain_id in sorted(set(chain_ids)):
        lock(connection, AdvisoryLock.PRODUCT_ATTRIBUTES, chain_id)
