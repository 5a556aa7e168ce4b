"""Bloated indexes on a real server: found and rebuilt, or left alone without the permission."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from gogobe_dagster.postgres.index_maintenance import rebuild_bloated_indexes
from gogobe_dagster_tests.conftest import DatabaseServer

KILOBYTES = 100 * 1024
ROWS = """
create table shelf (item integer primary key, aisle integer);
create index shelf_aisle_idx on shelf (aisle);
insert into shelf select number, number from generate_series(1, 60000) as number;
delete from shelf where item % 10 <> 0;
create table full_shelf (item integer primary key);
insert into full_shelf select number from generate_series(1, 60000) as number;
"""


@pytest.fixture
def engine(postgres_server: DatabaseServer) -> Iterator[sa.Engine]:
    with postgres_server.as_admin.database() as url:
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(ROWS))
            connection.execute(sa.text("vacuum shelf"))
        yield engine
        engine.dispose()


def test_a_bloated_index_is_rebuilt_once(engine: sa.Engine) -> None:
    freed = rebuild_bloated_indexes(engine, min_bytes=KILOBYTES)

    assert freed.keys() == {"shelf_aisle_idx", "shelf_pkey"}
    assert all(size > KILOBYTES for size in freed.values())
    assert rebuild_bloated_indexes(engine, min_bytes=KILOBYTES) == {}


def test_small_indexes_are_not_rebuilt(engine: sa.Engine) -> None:
    assert rebuild_bloated_indexes(engine) == {}


def test_the_invalid_index_of_a_killed_rebuild_is_dropped(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("create index shelf_aisle_idx_ccnew on shelf (aisle)"))
        invalid = (
            "update pg_index set indisvalid = false where indexrelid = 'shelf_aisle_idx_ccnew'::regclass"
        )
        connection.execute(sa.text(invalid))

    rebuild_bloated_indexes(engine)

    assert {index["name"] for index in sa.inspect(engine).get_indexes("shelf")} == {"shelf_aisle_idx"}


def test_without_permission_to_create_the_extension_nothing_is_rebuilt(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("drop role if exists stranger; create role stranger"))
    as_stranger = sa.create_engine(engine.url, connect_args={"options": "-c role=stranger"})

    assert rebuild_bloated_indexes(as_stranger, min_bytes=KILOBYTES) == {}
    as_stranger.dispose()
