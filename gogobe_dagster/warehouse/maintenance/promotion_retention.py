"""Removes old promotions: periods that have ended, then versions that no store has a period of.

A load of promotions locks the versions that it is about to refer to (`promotion_versions`); those are skipped
here. A load that needs a version which is being removed waits, and writes it again.
"""

from datetime import datetime

import sqlalchemy as sa

from gogobe_dagster.warehouse.history.retention_watermark import HISTORY, lock_history, raise_watermark
from gogobe_dagster.warehouse.schema.promotion_tables import (
    promotion,
    promotion_item,
    promotion_offer,
    promotion_store,
)

AT_ONCE = 20_000
_KEYS = sa.ARRAY(sa.Integer())


def remove_periods(engine: sa.Engine, before: datetime, *, dry_run: bool) -> int:
    """Remove periods that ended before this time, store by store; return how many."""
    has_ended = promotion_store.c.valid_to < before
    with engine.connect() as connection:
        stores = connection.scalars(sa.select(promotion_store.c.store_key).where(has_ended).distinct()).all()
    count = 0
    for store_key in stores:
        is_its = (promotion_store.c.store_key == store_key) & has_ended
        query = sa.select(sa.func.count(), sa.func.max(promotion_store.c.valid_to)).where(is_its)
        with engine.begin() as connection:
            if not dry_run:
                lock_history(connection)
            number, newest = connection.execute(query).one()
            if number and not dry_run:
                raise_watermark(connection, HISTORY, newest)
                connection.execute(sa.delete(promotion_store).where(is_its))
        count += number
    return count


def remove_contents(engine: sa.Engine, before: datetime, *, dry_run: bool) -> int:
    """Remove versions, with their offers and items, that no store has had since this time."""
    is_kept = (promotion_store.c.valid_to >= before) | promotion_store.c.valid_to.is_(None)
    refers = promotion_store.c.promotion_key == promotion.c.promotion_key
    is_free = ~sa.exists(sa.select(sa.literal(1)).where(refers, is_kept))
    with engine.connect() as connection:
        free = list(connection.scalars(sa.select(promotion.c.promotion_key).where(is_free)))
    if dry_run:
        return len(free)
    return sum(
        _remove(engine, free[start : start + AT_ONCE], is_free) for start in range(0, len(free), AT_ONCE)
    )


def _remove(engine: sa.Engine, keys: list[int], is_free: sa.ColumnElement[bool]) -> int:
    with engine.begin() as connection:
        mine = sa.select(promotion.c.promotion_key).where(_has_key(promotion, keys))
        locked = connection.scalars(mine.with_for_update(skip_locked=True)).all()
        # asked again in a new statement, which sees what the former holders of the locks have committed
        still_free = mine.where(_has_key(promotion, list(locked)), is_free)
        removed = list(connection.scalars(still_free).all())
        for table in (promotion_item, promotion_offer, promotion):
            connection.execute(sa.delete(table).where(_has_key(table, removed)))
    return len(removed)


def _has_key(table: sa.Table, keys: list[int]) -> sa.ColumnElement[bool]:
    return table.c.promotion_key == sa.any_(sa.cast(keys, _KEYS))
