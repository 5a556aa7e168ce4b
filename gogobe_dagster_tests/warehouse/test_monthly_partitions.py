from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.migrate import connect, migrate
from gogobe_dagster.warehouse.schema.monthly_partitions import ensure_partitions

NAMES = "select inhrelid::regclass::text from pg_inherits where inhparent = 'price_past'::regclass order by 1"
ROW = """
insert into price_past (store_key, product_key, valid_from, valid_to, price, file_id, closed_by_file_id)
values (1, 1, '2001-01-01', :at, 1, 1, 2)
"""


@pytest.fixture
def fresh(database_url: str) -> sa.Engine:
    migrate(database_url)
    return connect(database_url)


def partitions(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text(NAMES)))


def test_months_are_made_before_the_rows_and_one_ahead(fresh: sa.Engine) -> None:
    ensure_partitions(fresh, [datetime(2025, 3, 9, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, tzinfo=UTC)])
    assert partitions(fresh) == ["price_past_2025_03", "price_past_2026_12", "price_past_2027_01"]
    with fresh.begin() as connection:
        for at in ("2025-03-01 00:00+00", "2026-12-31 23:59:59.999999+00", "2027-01-01 00:00+00"):
            connection.execute(sa.text(ROW), {"at": at})
    fresh.dispose()


def test_nothing_to_load_makes_nothing(fresh: sa.Engine) -> None:
    ensure_partitions(fresh, [])
    assert partitions(fresh) == []
    fresh.dispose()


def test_many_at_once_make_each_once_and_do_not_wait_for_a_load(fresh: sa.Engine) -> None:
    ensure_partitions(fresh, [datetime(2026, 1, 9, tzinfo=UTC)])
    moments = [datetime(2026, month, 9, tzinfo=UTC) for month in range(1, 9)]
    with fresh.begin() as load, ThreadPoolExecutor(4) as pool:
        load.execute(sa.text(ROW), {"at": "2026-01-09 00:00+00"})
        list(pool.map(lambda _: ensure_partitions(fresh, moments), range(4)))
    assert len(partitions(fresh)) == 9
    fresh.dispose()


def test_partitions_are_described(fresh: sa.Engine) -> None:
    ensure_partitions(fresh, [datetime(2026, 1, 9, tzinfo=UTC)])
    with fresh.connect() as connection:
        query = sa.text("select obj_description('price_past_2026_01'::regclass)")
        assert connection.scalar(query) == "Periods that ended in 2026-01 (UTC)."
    fresh.dispose()
