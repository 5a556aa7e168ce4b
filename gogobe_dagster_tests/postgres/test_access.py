"""Who gets into the embedded server, as whom, and what they may do there."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.postgres.binaries import socket_folder
from gogobe_dagster.postgres.roles import LOADER, OWNER, READER
from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster.warehouse.schema.views import VIEWS
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.postgres.servers import FAST, passwords

pytestmark = pytest.mark.slow


@pytest.fixture
def open_server(short_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server with a TCP port."""
    server = EmbeddedPostgres(short_folder / "postgres", port=free_port(), options=FAST)
    server.start()
    yield server
    server.stop()


def enter(server: EmbeddedPostgres, role: str, password: str, database: str = "gogobe") -> str | None:
    """Connect by TCP; return why that was refused."""
    url = f"postgresql://{role}:{password}@127.0.0.1:{server.port}/{database}?connect_timeout=5"
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError as error:
        return str(error)
    return None


def test_daily_use_is_no_superuser(server: EmbeddedPostgres) -> None:
    server.start()

    for database in ("gogobe", "dagster"):
        with psycopg.connect(server.url(database)) as connection:
            query = "select current_user::text, rolsuper, rolcreaterole from pg_roles where rolname = user"
            assert connection.execute(query).fetchone() == (OWNER, False, False)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("copy (select 1) to program 'true'")


def test_the_port_asks_for_the_password_in_the_passfile(open_server: EmbeddedPostgres) -> None:
    known = passwords(open_server.passfile)

    assert known.keys() == {OWNER, LOADER, READER}
    assert open_server.passfile.stat().st_mode & 0o777 == 0o600
    assert enter(open_server, OWNER, known[OWNER]) is None
    assert enter(open_server, OWNER, known[OWNER], "dagster") is None
    assert enter(open_server, READER, known[READER]) is None
    assert enter(open_server, LOADER, known[LOADER]) is None
    assert "no pg_hba.conf entry" in str(enter(open_server, LOADER, known[LOADER], "dagster"))
    assert "password authentication failed" in str(enter(open_server, OWNER, "guessed"))
    assert "no pg_hba.conf entry" in str(enter(open_server, READER, known[READER], "dagster"))
    for role in ("postgres", "gogobe"):
        assert "no pg_hba.conf entry" in str(enter(open_server, role, known[OWNER]))


def test_libpq_finds_the_password_by_itself(
    open_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSFILE", str(open_server.passfile))

    with psycopg.connect(f"postgresql://{READER}@127.0.0.1:{open_server.port}/gogobe") as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)


def test_passwords_stay_and_follow_the_port(open_server: EmbeddedPostgres) -> None:
    before = passwords(open_server.passfile)
    open_server.stop()
    moved = EmbeddedPostgres(open_server.folder, port=free_port(), options=FAST)

    moved.start()

    assert passwords(moved.passfile) == before
    assert enter(moved, OWNER, before[OWNER]) is None
    assert f":{moved.port}:" in moved.passfile.read_text()


def test_the_reader_reads_the_views_and_nothing_else(open_server: EmbeddedPostgres) -> None:
    migrate(open_server.url("gogobe"))
    password = passwords(open_server.passfile)[READER]
    url = f"postgresql://{READER}:{password}@127.0.0.1:{open_server.port}/gogobe"
    with psycopg.connect(url, autocommit=True) as connection:
        for view in VIEWS:
            rows = 1 if view.name == "last_load" else 0  # that nothing was loaded is a row
            assert connection.execute(f"select count(*) from {view.name}".encode()).fetchone() == (rows,)
        assert connection.execute("select * from search_products('חלב')").fetchall() == []
        lines = '[{"gtin": "7290000000015"}]'
        assert connection.execute("select * from basket(%s)", [lines]).fetchall() == []
        assert connection.execute("select name from locality where locality_code = 3000").fetchone()
        assert connection.execute("show statement_timeout").fetchone() == ("30s",)
        connection.execute("set default_transaction_read_only = off")
        for statement in ("select * from file", "delete from price_current", "create table mine (a int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_a_reader_that_is_newer_than_the_views_may_read_them_after_the_next_start(
    server: EmbeddedPostgres,
) -> None:
    server.start()
    migrate(server.url("gogobe"))
    with psycopg.connect(server.admin_url("gogobe"), autocommit=True) as connection:
        connection.execute(f"drop owned by {READER}".encode())  # all it was granted, as if it were new
        connection.execute(f"grant connect on database gogobe to {READER}".encode())

    migrate(server.url("gogobe"))

    with psycopg.connect(server.url("gogobe")) as connection:
        may = "select has_table_privilege(%s, 'current_prices', 'select')"
        assert connection.execute(may, [READER]).fetchone() == (True,)


@pytest.fixture
def squatted(short_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server whose socket has to be in /tmp, where another user's server answers already."""
    squatter = EmbeddedPostgres(short_folder / "other", options=FAST)
    squatter.start()
    server = EmbeddedPostgres(short_folder / "חנות" / "postgres", options=FAST)
    sockets = socket_folder(server.folder.resolve())
    sockets.symlink_to(socket_folder(squatter.folder.resolve()))
    yield server
    sockets.unlink()
    squatter.stop()


def test_another_users_server_at_our_socket_is_not_taken_for_ours(squatted: EmbeddedPostgres) -> None:
    assert squatted.is_running(), "the squatter answers"

    with pytest.raises(DatabaseUnavailable, match="belongs to another user"):
        squatted.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_another_users_folder_is_not_used_for_our_socket(short_folder: Path) -> None:
    server = EmbeddedPostgres(short_folder / "חנות" / "postgres", options=FAST)
    sockets = socket_folder(server.folder.resolve())
    sockets.mkdir(mode=0o700)
    os.chown(sockets, 4321, 4321)
    try:
        with pytest.raises(DatabaseUnavailable, match="belongs to another user"):
            server.start()
    finally:
        sockets.rmdir()
