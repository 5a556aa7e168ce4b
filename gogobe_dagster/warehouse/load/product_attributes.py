"""What each chain says about its products: names, makers, units. The newest day's statement holds.

Stores of a chain word a product differently on the same day. So that the result does not depend on the
order of loading, statements have one order (day, then the fullest, then their text by its bytes) and the
greatest holds. Repeating one changes nothing, which is why a loader may skip those it has already told. Most
repeat the words of the day before: of those only the day is written, and a loader need not even read them, as
their hash is beside them.

One writer per chain, held by an advisory lock until its transaction ends.
"""

from collections.abc import Collection
from datetime import date

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.parsing.model import PRODUCT_TEXT
from gogobe_dagster.warehouse.bulk_io.pg_binary import Array
from gogobe_dagster.warehouse.bulk_io.pg_copy import copy_in, execute
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.tables import chain_product

KEY = ["chain_id", "product_key"]
ATTRIBUTES_HASH = "attributes_hash"
NOT_SAID = {*KEY, "attributes_as_of", ATTRIBUTES_HASH}
SAID = [column.name for column in chain_product.columns if column.name not in NOT_SAID]
TEXTS = [name for name in SAID if isinstance(chain_product.c[name].type, sa.Text)]
UNSTATED = date(1, 1, 1)
"""Day of names that no file has stated again yet, while a chain is rebuilt: any real statement is greater."""


def _said(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in SAID)


def _greatness(alias: str) -> str:
    texts = ", ".join(f"coalesce({alias}.{name}::text, '') collate \"C\"" for name in SAID)
    return f"({alias}.attributes_as_of, num_nonnulls({_said(alias)}), {texts})"


_COLUMNS = ", ".join([*KEY, "attributes_as_of", *SAID, ATTRIBUTES_HASH])
_CREATE = (
    f"create temporary table if not exists statement on commit delete rows as select {_COLUMNS}"  # noqa: S608 - ours
    " from chain_product with no data"
)
_REPEAT = f"""
update chain_product known set attributes_as_of = s.attributes_as_of, attributes_hash = s.attributes_hash
from statement s
where s.chain_id = known.chain_id and s.product_key = known.product_key
    and s.attributes_as_of > known.attributes_as_of
    and ({_said("s")}) is not distinct from ({_said("known")})
"""  # noqa: S608 - column names of our own table
_TELL = f"""
insert into chain_product ({_COLUMNS})
select {", ".join(f"s.{name}" for name in KEY)}, s.attributes_as_of, {_said("s")}, s.attributes_hash
from statement s left join chain_product known using (chain_id, product_key)
where known.product_key is null or {_greatness("s")} > {_greatness("known")}
on conflict (chain_id, product_key) do update set
    attributes_as_of = excluded.attributes_as_of, {", ".join(f"{name} = excluded.{name}" for name in SAID)},
    attributes_hash = excluded.attributes_hash
"""  # noqa: S608 - column names of our own table
_RECALL = """
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
_SAY_AGAIN = f"""
update chain_product known set attributes_as_of = %(attributes_as_of)s from {_REPEATED}
where known.chain_id = %(chain_id)s and known.product_key = s.product_key
    and known.attributes_hash = s.attributes_hash and known.attributes_as_of < %(attributes_as_of)s
"""  # noqa: S608 - ours
_storable = pl.col(TEXTS).str.replace_all("\0", "", literal=True)  # PostgreSQL's text holds no NUL


def hash_of(rows: pl.DataFrame) -> pl.Series:
    """Return 64 bits for each row, equal where the product text is.

    Another version of Polars may hash otherwise: then every text is looked up once more, and nothing changes.
    """
    return rows.select(pl.struct(PRODUCT_TEXT).hash()).to_series().alias(ATTRIBUTES_HASH)


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


def lookup_by_hash(connection: sa.Connection, said: pl.DataFrame) -> pl.DataFrame:
    """Return those rows whose words a product has, with its `product_key`.

    Rows have `chain_id` and a `attributes_hash`.
    """
    found = [said.clear().with_columns(product_key=pl.lit(None, pl.Int32))]
    for (chain_id,), some in said.partition_by("chain_id", as_dict=True).items():
        hashes = some[ATTRIBUTES_HASH].unique().reinterpret(signed=True)
        ((keys, held),) = execute(connection, _RECALL, chain_id=chain_id, attributes_hash=hashes)
        columns = {
            ATTRIBUTES_HASH: pl.Series(Array(held).integers(), dtype=pl.Int64).reinterpret(signed=False),
            "product_key": pl.Series(Array(keys).integers(), dtype=pl.Int32),
        }
        # words that two products have, which only an identity of another release can bring about, are read
        of_one = pl.DataFrame(columns).unique(ATTRIBUTES_HASH, keep="none")
        found.append(some.join(of_one, on=ATTRIBUTES_HASH, how="inner", maintain_order="left"))
    return pl.concat(found)


def touch(connection: sa.Connection, said: pl.DataFrame) -> pl.DataFrame:
    """Write the day of words that were recalled; return the rows whose product has other words by now.

    Rows have the KEY, `attributes_as_of` and `attributes_hash`.
    """
    altered = [said.clear()]
    _lock_chains(connection, said["chain_id"].unique().to_list())
    for (chain_id, day), some in said.partition_by("chain_id", "attributes_as_of", as_dict=True).items():
        hashes = some[ATTRIBUTES_HASH].reinterpret(signed=True)
        repeated = {"chain_id": chain_id, "product_key": some["product_key"], ATTRIBUTES_HASH: hashes}
        ((keys,),) = execute(connection, _ALTERED, **repeated)
        altered.append(some.filter(pl.col("product_key").is_in(Array(keys).integers().tolist())))
        execute(connection, _SAY_AGAIN, attributes_as_of=day, **repeated)
    return pl.concat(altered)


def upsert(connection: sa.Connection, said: pl.DataFrame) -> None:
    """Write attributes: the lake's columns and their hash, the KEY and `attributes_as_of`."""
    if said.is_empty():
        return
    hashes = pl.col(ATTRIBUTES_HASH).reinterpret(signed=True)
    told = latest(said.select(*KEY, "attributes_as_of", *SAID, hashes).with_columns(_storable))
    _lock_chains(connection, told["chain_id"].unique().to_list())
    connection.execute(sa.text(_CREATE))
    copy_in(connection, "statement", told, empty_is_null=TEXTS)
    for statement in (_REPEAT, _TELL, "truncate statement"):
        connection.execute(sa.text(statement))


def latest(told: pl.DataFrame) -> pl.DataFrame:
    """Return the statement that holds of each product."""
    if not told.select(pl.struct(KEY).is_duplicated().any()).item():
        return told
    fullness = pl.sum_horizontal(pl.col(name).is_not_null() for name in SAID)
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in SAID]
    return told.sort("attributes_as_of", fullness, *texts).unique(KEY, keep="last")


def _lock_chains(connection: sa.Connection, chain_ids: Collection[str]) -> None:
    for chain_id in sorted(set(chain_ids)):
        lock(connection, AdvisoryLock.PRODUCT_ATTRIBUTES, chain_id)
