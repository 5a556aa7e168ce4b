import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.warehouse.schema.columns import metadata
from gogobe_dagster.warehouse.schema.migrate import COMPARISON, config, connect, migrate

RELATIONS = """
select c.relname, c.relkind, obj_description(c.oid) from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
"""
COLUMNS = """
select c.relname || '.' || a.attname, col_description(c.oid, a.attnum) from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
"""
OLD_HISTORY = """
create table price_history_2026_10 partition of price_history
    for values from ('2026-10-01Z') to ('2026-11-01Z');
create table price_history_2026_11 partition of price_history
    for values from ('2026-11-01Z') to ('2026-12-01Z');
create table price_history_2026_12 partition of price_history
    for values from ('2026-12-01Z') to ('2027-01-01Z');
insert into chain (chain_id) values ('1');
insert into sub_chain (chain_id, sub_chain_id) values ('1', 0);
insert into store (chain_id, sub_chain_id, store_id, first_seen_at, last_seen_at)
    values ('1', 0, 1, now(), now()), ('1', 0, 2, now(), now());
insert into product (gtin) values ('7290000000015'), ('7290000000022');
insert into price_history values
    (1, 1, '2026-10-31 22:00Z', '2026-10-31 23:00Z', 5, null, null, 1, 2),
    (1, 1, '2026-10-31 23:00Z', '2026-11-01 00:00Z', 6, 0.6, '2026-10-30 10:00Z', 2, 3),
    (1, 1, '2026-11-01 00:00Z', '2026-12-02 03:04Z', 5, 0.5, '2026-10-30 10:00Z', 3, 4),
    (1, 1, '2026-12-02 03:04Z', null, 7.1234, 0.7, '2026-10-30 10:00Z', 4, null),
    (1, 2, '2026-10-05 00:00Z', null, 9, null, null, 1, null),
    (2, 1, '2026-10-05 00:00Z', '2026-10-06 00:00Z', -1, 0, null, 1, 2);
insert into price_current select store_key, product_key, price, unit_price, priced_at, valid_from, file_id
from price_history where valid_to is null
"""
CHECKS = "select conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'c' and conrelid > 0"


def test_the_migrated_schema_is_that_of_the_tables_module(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARISON)
        assert compare_metadata(context, metadata) == []


def test_checks_of_the_migrated_schema_are_those_of_the_tables_module(
    engine: sa.Engine, database_url: str
) -> None:
    # alembic does not compare check constraints
    made_by_tables = connect(database_url)
    metadata.create_all(made_by_tables)
    with engine.connect() as migrated, made_by_tables.connect() as made:
        expected = set(made.execute(sa.text(CHECKS)).all())
        assert set(migrated.execute(sa.text(CHECKS)).all()) == expected
    made_by_tables.dispose()
    assert len(expected) >= 10


@pytest.mark.parametrize("query", [RELATIONS, COLUMNS])
def test_every_table_view_and_column_says_what_it_is(engine: sa.Engine, query: str) -> None:
    with engine.connect() as connection:
        described = {name: comment for name, *_, comment in connection.execute(sa.text(query))}
    assert [name for name, comment in described.items() if not comment] == []
    assert any("price_history" in name for name in described)


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
    assert _tables(database_url) >= {"file", "price_current", "alembic_version"}


def test_the_schema_can_go_down_to_nothing_and_up_again(database_url: str) -> None:
    migrate(database_url)
    first = _tables(database_url)

    engine = connect(database_url)
    with engine.begin() as connection:
        command.downgrade(config(connection), "base")
    engine.dispose()
    assert _tables(database_url) == {"alembic_version"}

    migrate(database_url)
    assert _tables(database_url) == first


def _changed(engine: sa.Engine, revision: str) -> None:
    with engine.begin() as connection:
        change = command.downgrade if revision < "0004" else command.upgrade
        change(config(connection), revision)


def _old_history(url: str) -> sa.Engine:
    """A database with prices, as the third revision has them."""
    engine = connect(url)
    with engine.begin() as connection:
        command.upgrade(config(connection), "0003")
        connection.execute(sa.text(OLD_HISTORY))
    return engine


def test_the_history_is_the_same_after_its_split_and_back_again(database_url: str) -> None:
    engine = _old_history(database_url)
    tables = {"price_history": 6, "price_current": 2, "price_periods": 6, "price_changes": 3}
    asked = [sa.text(f"select * from {name} order by store_key, product_key, file_id") for name in tables]
    with engine.connect() as connection:
        before = [connection.execute(query).all() for query in asked]
    assert [len(rows) for rows in before] == list(tables.values())

    for revision in ("0004", "0003", "0004"):
        _changed(engine, revision)
        with engine.connect() as connection:
            assert [connection.execute(query).all() for query in asked] == before
            months = connection.scalars(
                sa.text("""
                select inhrelid::regclass::text from pg_inherits join pg_class on pg_class.oid = inhparent
                where relname in ('price_history', 'price_past') order by 1
            """)
            ).all()
        table = "price_past" if revision == "0004" else "price_history"
        assert months == [f"{table}_2026_{month}" for month in (10, 11, 12)]
    engine.dispose()


def test_a_history_that_the_current_prices_contradict_is_not_split(database_url: str) -> None:
    engine = _old_history(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("update price_current set price = 8 where product_key = 2"))
    with pytest.raises(sa.exc.DBAPIError, match="run gogobe rebuild before"):
        _changed(engine, "0004")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from price_history")) == 6
    engine.dispose()


def test_processes_that_migrate_at_the_same_time_do_no_harm(database_url: str) -> None:
    program = "import sys; from gogobe_dagster.warehouse.schema.migrate import migrate; migrate(sys.argv[1])"
    processes = [subprocess.Popen([sys.executable, "-c", program, database_url]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert "price_past" in _tables(database_url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgres"])
def test_whatever_driver_the_url_names_psycopg_3_is_used(database_url: str, scheme: str) -> None:
    engine = connect(database_url.replace("postgresql", scheme, 1))
    assert engine.dialect.driver == "psycopg"
    engine.dispose()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that is taken and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_server_that_is_not_there_is_named_without_its_password(silent_port: int) -> None:
    with pytest.raises(DatabaseUnavailable, match=f"127.0.0.1:{silent_port}/gogobe") as raised:
        connect(f"postgresql://moshe:sesame@127.0.0.1:{silent_port}/gogobe")
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize("url", ["", "not a url", "sqlite:///gogobe.db"])
def test_a_url_that_is_not_postgresql_is_refused(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="database URL"):
        connect(url)


def _tables(url: str) -> set[str]:
    engine = connect(url)
    names = set(sa.inspect(engine).get_table_names())
    engine.dispose()
    return names
