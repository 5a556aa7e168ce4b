"""What each chain says about its products: names, makers, units. The newest day's statement holds.

Stores of a chain word a product differently on the same day. So that the result does not depend on the
order of loading, statements have one order (day, then the fullest, then their text) and the greatest holds.
Repeating one changes nothing, which is why a loader may skip those it has already told.
"""

from collections.abc import Collection
from datetime import date

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.warehouse.copying import copy_in
from gogobe_dagster.warehouse.tables import chain_product

KEY = ["chain_id", "product_key"]
SAID = [column.name for column in chain_product.columns if column.name not in {*KEY, "stated_on"}]
TEXTS = [name for name in SAID if isinstance(chain_product.c[name].type, sa.Text)]


def _greatness(alias: str) -> str:
    texts = ", ".join(f"coalesce({alias}.{name}::text, '')" for name in SAID)
    return f"({alias}.stated_on, num_nonnulls({', '.join(f'{alias}.{name}' for name in SAID)}), {texts})"


_COLUMNS = ", ".join([*KEY, "stated_on", *SAID])
_CREATE = (
    f"create temporary table if not exists statement on commit delete rows as select {_COLUMNS}"  # noqa: S608 - ours
    " from chain_product with no data"
)
_TELL = f"""
insert into chain_product ({_COLUMNS})
select distinct on (s.chain_id, s.product_key) {", ".join(f"s.{name}" for name in [*KEY, "stated_on", *SAID])}
from statement s left join chain_product known using (chain_id, product_key)
where known.product_key is null or {_greatness("s")} > {_greatness("known")}
order by s.chain_id, s.product_key, {_greatness("s")} desc
on conflict (chain_id, product_key) do update set
    stated_on = excluded.stated_on, {", ".join(f"{name} = excluded.{name}" for name in SAID)}
where {_greatness("excluded")} > {_greatness("chain_product")}
"""  # noqa: S608 - column names of our own table
_storable = pl.col(TEXTS).str.replace_all("\0", "", literal=True)  # PostgreSQL's text holds no NUL


UNSTATED = date(1, 1, 1)
"""Day of names that no file has stated again yet, while a chain is rebuilt: any real statement is greater."""


def forget_days(connection: sa.Connection, chain_ids: Collection[str]) -> None:
    """Let the next statement about each product of these chains hold; names stay until then."""
    are_theirs = chain_product.c.chain_id.in_(chain_ids)
    # in the order in which loaders lock them, or the two would deadlock
    lock = sa.select(sa.literal(1)).select_from(chain_product).where(are_theirs)
    ordered = lock.order_by(chain_product.c.chain_id, chain_product.c.product_key)
    connection.execute(ordered.with_for_update(key_share=True))
    connection.execute(sa.update(chain_product).where(are_theirs).values(stated_on=UNSTATED))


def forget_unstated(connection: sa.Connection, chain_ids: Collection[str]) -> None:
    """Drop what no file of these chains has stated again."""
    are_theirs = chain_product.c.chain_id.in_(chain_ids)
    connection.execute(sa.delete(chain_product).where(are_theirs, chain_product.c.stated_on == UNSTATED))


def tell(connection: sa.Connection, said: pl.DataFrame) -> None:
    """Write what rows say: columns of the lake, `chain_id`, `product_key` and `stated_on`."""
    if said.is_empty():
        return
    told = said.select(*KEY, "stated_on", *SAID).with_columns(_storable)
    connection.execute(sa.text(_CREATE))
    copy_in(connection, "statement", told, empty_is_null=TEXTS)
    connection.execute(sa.text("analyze statement"))
    connection.execute(sa.text(_TELL))
    connection.execute(sa.text("truncate statement"))
