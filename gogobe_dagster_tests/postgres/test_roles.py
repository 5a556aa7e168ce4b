"""The three roles of the warehouse: who makes them, what each may do, and that the loader can load."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.postgres.roles import LOADER, OWNER, READER
from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.commands.run import run_gogobe
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.import_env import midnight, open_import_env, yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import import_all

pytestmark = pytest.mark.slow

NOTHING = "Nothing to change: the roles are as they should be.\n"
LEFT_WITH_OTHERS = """
select count(*) from pg_class where relnamespace = 'public'::regnamespace and pg_get_userbyid(relowner) <> %s
"""


@pytest.fixture(scope="module")
def admin_url(postgres_server: DatabaseServer) -> Iterator[str]:
    """A database on a server of one's own, whose tables an administrator has made."""
    with postgres_server.as_admin.database() as url:
        migrate(url)
        yield url


def as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))


@pytest.fixture(scope="module")
def set_up(admin_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run `gogobe roles` with the administrator's URL; return what it says."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GOGOBE_HOME", str(tmp_path_factory.mktemp("home")))
        environment.setenv("GOGOBE_ADMIN_DATABASE_URL", admin_url)
        code, output = run_gogobe("roles")
        assert code == 0, output
        assert run_gogobe("roles") == (0, NOTHING)
    return output


def test_the_database_becomes_the_owners_and_a_second_time_changes_nothing(
    set_up: str, admin_url: str
) -> None:
    with psycopg.connect(admin_url) as connection:
        database = connection.info.dbname
        owner = connection.execute(
            "select pg_get_userbyid(datdba) from pg_database where datname = %s", [database]
        ).fetchone()
        assert owner == (OWNER,)
        assert connection.execute(LEFT_WITH_OTHERS, [OWNER]).fetchone() == (0,)

    assert f"database {database}: owned by {OWNER}" in set_up


def test_the_loader_changes_rows_and_nothing_else(set_up: str, admin_url: str) -> None:
    assert set_up
    with psycopg.connect(as_role(admin_url, LOADER), autocommit=True) as connection:
        connection.execute("insert into chain (chain_id, name) values ('7290000000001', 'a chain')")
        connection.execute("update chain set name = 'another' where chain_id = '7290000000001'")
        connection.execute("delete from chain where chain_id = '7290000000001'")
        for statement in (
            "create table mine (a int)",
            "drop table chain",
            "alter table chain add column a int",
            "truncate chain",
            "create schema mine",
            "delete from alembic_version",
            "copy (select 1) to program 'true'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_no_table_of_the_loaders_stands_in_for_the_owners(set_up: str, admin_url: str) -> None:
    """The function that makes months runs with the owner's rights."""
    assert set_up
    with psycopg.connect(as_role(admin_url, LOADER), autocommit=True) as connection:
        connection.execute("create temporary table price_past (stolen int)")
        connection.execute("select add_price_past_month('2019-02-01')")
        columns = "select count(*) from information_schema.columns where table_name = 'price_past_2019_02'"
        assert connection.execute(columns).fetchone() != (1,)
    with (
        psycopg.connect(as_role(admin_url, READER)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select add_price_past_month('2019-03-01')")


def test_a_whole_import_works_as_the_loader(set_up: str, admin_url: str, tmp_path: Path) -> None:
    assert set_up
    loader, feed = as_role(admin_url, LOADER), find_feed("keshet")
    with open_import_env(tmp_path / "env", warehouse_url=loader, dagster_url=loader) as env:
        market = env.publish(feed.key)
        import_all(env, feed.key)

        truth = published_prices(market, feed, now=midnight(), first_day=yesterday())
        assert env.prices(feed.key) == {tuple(key): priced.price for key, priced in truth.items()}
        assert set(env.states(feed.key).values()) == {"loaded"}


def test_a_role_that_may_not_make_the_tables_is_told_what_to_do(set_up: str, database_url: str) -> None:
    assert set_up

    with pytest.raises(DatabaseUnavailable, match=r"which gogobe_loader may not do .* `gogobe roles`"):
        migrate(as_role(database_url, LOADER))


def test_roles_that_are_missing_are_made_and_get_passwords(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    with psycopg.connect(server.admin_url("postgres"), autocommit=True) as connection:
        connection.execute(f"drop role {LOADER}".encode())
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path))
    monkeypatch.setenv("GOGOBE_ADMIN_DATABASE_URL", server.admin_url("gogobe"))

    code, output = run_gogobe("roles")

    assert code == 0, output
    assert f"role {LOADER}: made" in output
    passfile = tmp_path / "pgpass"
    assert passfile.stat().st_mode & 0o777 == 0o600
    [line] = passfile.read_text().splitlines()
    assert line.split(":")[2:4] == ["*", LOADER]
    assert line.rpartition(":")[2] not in output
    with psycopg.connect(server.admin_url("postgres")) as connection:
        stored = "select rolpassword like 'SCRAM-SHA-256$%%' from pg_authid where rolname = %s"
        assert connection.execute(stored, [LOADER]).fetchone() == (True,)


def test_without_an_administrator_a_server_of_ones_own_is_not_changed(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path))
    monkeypatch.setenv("GOGOBE_DATABASE_URL", database_url)
    monkeypatch.setenv("GOGOBE_DAGSTER_DATABASE_URL", database_url)

    code, output = run_gogobe("roles")

    assert code == 1
    assert "GOGOBE_ADMIN_DATABASE_URL is empty" in output
