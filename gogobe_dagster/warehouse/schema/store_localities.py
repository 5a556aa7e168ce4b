"""The table `locality`, and which locality each store is in: what the package `localities` says, in tables.

Loads of store lists set the locality of the stores that they describe. When the package changes, `migrate`
fills the table again and looks for the locality of every store again. Nothing is guessed: a store whose
fields name no locality for certain has none.
"""

from collections import Counter

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.localities.index import Reason
from gogobe_dagster.localities.resolver import resolve_store
from gogobe_dagster.localities.table import Locality, localities
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.enums import Replaced
from gogobe_dagster.warehouse.schema.fingerprints import is_current, package_hash, remember
from gogobe_dagster.warehouse.schema.tables import locality, store


def find_locality_code(city: str | None, address: str | None, store_name: str | None) -> int | None:
    """Return the code of the locality that these published fields name; None where they name none."""
    place = resolve_store(city, address, store_name).locality
    return place.code if place else None


def unresolved_cities(connection: sa.Connection) -> Counter[tuple[str | None, Reason | None]]:
    """Count the stores without a locality by published city, and by the reason why they have none.

    Stores that no list shows are left out: nothing is known of where they are.
    """
    fields = sa.select(store.c.city, store.c.address, store.c.name)
    lost = fields.where(store.c.locality_code.is_(None), store.c.list_file_id.is_not(None))
    rows = connection.execute(lost.order_by(store.c.store_key))
    return Counter((city, resolve_store(city, address, name).reason) for city, address, name in rows)


def replace_localities(connection: sa.Connection) -> None:
    """Bring `locality` and the locality of every store up to date with the package. Idempotent.

    Not in the transaction that holds the lock of the schema: a load holds rows of `store` while it waits for
    that one.
    """
    sha256 = package_hash("gogobe_dagster.localities")
    if is_current(connection, Replaced.LOCALITIES, sha256):
        return
    lock(connection, AdvisoryLock.STORE_LISTS)
    _write_localities(connection)
    _locate_stores(connection)
    connection.execute(sa.delete(locality).where(locality.c.locality_code.not_in(localities())))
    remember(connection, Replaced.LOCALITIES, sha256)


def _write_localities(connection: sa.Connection) -> None:
    upsert = insert(locality)
    columns = {column.name: upsert.excluded[column.name] for column in locality.c if not column.primary_key}
    upsert = upsert.on_conflict_do_update(index_elements=["locality_code"], set_=columns)
    connection.execute(upsert, [_row(place) for place in localities().values()])


def _row(place: Locality) -> dict[str, object]:
    return {
        "locality_code": place.code,
        **{column.name: getattr(place, column.name) for column in locality.c if not column.primary_key},
    }


def _locate_stores(connection: sa.Connection) -> None:
    """Set the locality of the stores that have another one now; loads of prices wait for their rows."""
    columns = (store.c.store_key, store.c.locality_code, store.c.city, store.c.address, store.c.name)
    stores = sa.select(*columns).order_by(store.c.store_key).with_for_update(key_share=True)
    found = [(row[0], row[1], find_locality_code(*row[2:])) for row in connection.execute(stores)]
    moved = [{"this": key, "code": code} for key, before, code in found if code != before]
    if moved:
        this = store.c.store_key == sa.bindparam("this")
        connection.execute(sa.update(store).where(this).values(locality_code=sa.bindparam("code")), moved)
