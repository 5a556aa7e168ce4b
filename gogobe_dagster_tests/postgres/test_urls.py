"""Whose server answers: the settings' or the embedded one."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.postgres.roles import OWNER
from gogobe_dagster.postgres.server import (
    EmbeddedPostgres,
    dagster_url,
    embedded_server,
    ensure_running,
    warehouse_url,
)
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.postgres.servers import FAST, passwords, temporary_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def real_server() -> Iterator[str]:
    """The URL of a server that is none of ours, without its database: it listens on loopback."""
    port = free_port()
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres", port=port, options=FAST)
        server.start()
        password = passwords(server.passfile)[OWNER]
        yield f"postgresql://{OWNER}:{password}@127.0.0.1:{port}"
        server.stop()


def test_with_both_urls_given_nothing_embedded_is_made(short_folder: Path, real_server: str) -> None:
    settings = Settings(
        home=short_folder / "home",
        database_url=f"{real_server}/gogobe",
        dagster_database_url=f"{real_server}/dagster",
    )

    ensure_running(settings)

    assert not (short_folder / "home").exists()
    with psycopg.connect(warehouse_url(settings)) as connection:
        assert connection.info.dbname == "gogobe"


def test_with_one_url_given_the_other_database_is_embedded(short_folder: Path, real_server: str) -> None:
    settings = Settings(home=short_folder, database_url=f"{real_server}/gogobe")
    try:
        ensure_running(settings)

        assert warehouse_url(settings) == f"{real_server}/gogobe"
        assert str(short_folder) in dagster_url(settings)
        assert embedded_server(settings).is_running()
    finally:
        embedded_server(settings).stop()


def test_with_no_url_given_both_databases_answer_the_drivers_that_use_them(short_folder: Path) -> None:
    settings = Settings(home=short_folder)
    try:
        ensure_running(settings)

        with psycopg.connect(warehouse_url(settings)) as connection:
            assert connection.info.dbname == "gogobe"
        engine = sqlalchemy.create_engine(dagster_url(settings))
        with engine.connect() as opened:
            assert opened.dialect.driver == "psycopg2"
            assert opened.scalar(sqlalchemy.text("SELECT current_database()")) == "dagster"
        engine.dispose()
    finally:
        embedded_server(settings).stop()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_usual_spelling_of_a_url_is_understood(scheme: str) -> None:
    url = f"{scheme}://shopper:a%2Fb@db.example/prices?sslmode=require"
    settings = Settings(database_url=url, dagster_database_url=url)

    assert warehouse_url(settings) == "postgresql://shopper:a%2Fb@db.example/prices?sslmode=require"
    assert dagster_url(settings) == "postgresql+psycopg2://shopper:a%2Fb@db.example/prices?sslmode=require"


@pytest.mark.parametrize(
    "url", ["mysql://db/prices", "postgresql+asyncpg://db/prices", "db.example", "sqlite://"]
)
def test_a_url_of_something_else_names_the_variable_and_what_is_accepted(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^GOGOBE_DATABASE_URL=.*accepted are postgresql://"):
        warehouse_url(Settings(database_url=url))
    with pytest.raises(SettingsError, match=r"^GOGOBE_DAGSTER_DATABASE_URL=.*accepted are postgresql://"):
        dagster_url(Settings(dagster_database_url=url))


def test_an_error_about_a_url_keeps_its_password_to_itself() -> None:
    with pytest.raises(SettingsError) as caught:
        warehouse_url(Settings(database_url="postgresqll://shopper:secret@db/prices"))

    assert "secret" not in str(caught.value)
