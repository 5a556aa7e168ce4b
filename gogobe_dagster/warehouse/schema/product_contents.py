"""How much of each product is in a package: what the package `units` makes of `chain_product`.

Loads write contents with the attributes that they are found from. When the package changes, `migrate` finds
them all again.
"""

import sqlalchemy as sa

from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.enums import Replaced
from gogobe_dagster.warehouse.schema.fingerprints import is_current, package_hash, remember
from gogobe_dagster.warehouse.schema.tables import chain, chain_product

_STAGED = (
    "product_key integer, base_unit text, base_quantity numeric(14, 6), content_source text,"
    " no_content_reason text"
)


def replace_contents(engine: sa.Engine) -> None:
    """Bring the content of every product up to date with the package, a chain at a time. Idempotent."""
    sha256 = package_hash("gogobe_dagster.units")
    with engine.connect() as connection:
        if is_current(connection, Replaced.CONTENTS, sha256):
            return
        chain_ids = connection.scalars(sa.select(chain.c.chain_id).order_by(chain.c.chain_id)).all()
    for chain_id in chain_ids:
        with engine.begin() as connection:
            lock(connection, AdvisoryLock.PRODUCT_ATTRIBUTES, chain_id)
            _replace_of_chain(connection, chain_id)
    with engine.begin() as connection:
        remember(connection, Replaced.CONTENTS, sha256)


def _replace_of_chain(connection: sa.Connection, chain_id: str) -> None:
    import polars as pl

    from gogobe_dagster.parsing.column_types import DECIMAL
    from gogobe_dagster.units.content import INPUT, OUTPUT, QUANTITY, with_content
    from gogobe_dagster.warehouse.bulk_io.pg_copy import stage

    types = {"product_key": pl.Int32(), **dict.fromkeys((*INPUT, *OUTPUT), pl.String())}
    types |= {"quantity": DECIMAL, "is_weighted": pl.Boolean(), "base_quantity": QUANTITY}
    columns = [chain_product.c[name] for name in types]
    rows = connection.execute(sa.select(*columns).where(chain_product.c.chain_id == chain_id))
    known = pl.DataFrame([tuple(row) for row in rows], schema=types, orient="row")
    found = with_content(known.drop(OUTPUT))
    changed = found.join(known, on=["product_key", *OUTPUT], how="anti", nulls_equal=True)
    new = ", ".join(f"{name} = new.{name}" for name in OUTPUT)
    stage(connection, "new_content", _STAGED, changed.select("product_key", *OUTPUT))
    update = f"update chain_product old set {new} from new_content new"  # noqa: S608 - columns of ours
    which = "where old.chain_id = :chain_id and old.product_key = new.product_key"
    connection.execute(sa.text(f"{update} {which}"), {"chain_id": chain_id})
