"""Starting, stopping, sharing: what people do on purpose."""

import re
from pathlib import Path

import psycopg
import pytest

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.postgres.servers import (
    answer,
    execute,
    postmaster_of,
    processes_of,
    starter,
)

pytestmark = pytest.mark.slow


def test_both_databases_speak_utf8_in_plain_byte_order_whatever_the_locale(
    server: EmbeddedPostgres,
) -> None:
    server.start()

    for database in ("gogobe", "dagster"):
        assert answer(server, "SELECT current_database()", database) == database
        assert answer(server, "SHOW server_encoding", database) == "UTF8"
    assert answer(server, "SELECT 'ת' > 'א' AND 'a' > 'B'") is True


def test_starting_a_running_server_leaves_it_alone(server: EmbeddedPostgres) -> None:
    server.start()
    before = postmaster_of(server)

    server.start()

    assert postmaster_of(server) == before
    assert server.is_running()


def test_four_processes_that_start_at_once_share_one_server(server: EmbeddedPostgres) -> None:
    starters = [starter(server.folder) for _ in range(4)]

    problems = [process.communicate(timeout=60)[1] for process in starters]

    assert problems == [""] * 4
    assert postmaster_of(server).is_running()
    assert answer(server, "SELECT count(*) FROM pg_database WHERE datname IN ('gogobe', 'dagster')") == 2


def test_stopping_ends_every_process_and_stopping_again_is_harmless(server: EmbeddedPostgres) -> None:
    server.stop()
    server.start()

    with psycopg.connect(server.url("gogobe")):  # somebody is still connected
        server.stop()
    server.stop()

    assert not server.is_running()
    assert processes_of(server) == []


def test_rows_outlive_a_stop(server: EmbeddedPostgres) -> None:
    server.start()
    execute(server, "CREATE TABLE milk AS SELECT 'חלב 3%' AS name")
    server.stop()

    server.start()

    assert answer(server, "SELECT name FROM milk") == "חלב 3%"


def test_a_dropped_database_is_there_again_after_the_next_start(server: EmbeddedPostgres) -> None:
    server.start()
    execute(server, "DROP DATABASE dagster")

    server.start()

    assert answer(server, "SELECT current_database()", "dagster") == "dagster"


def test_users_own_server_settings_win_and_stay(server: EmbeddedPostgres) -> None:
    server.start()
    execute(server, "ALTER SYSTEM SET work_mem = '7MB'")
    server.stop()

    server.start()

    assert answer(server, "SHOW work_mem") == "7MB"
    assert answer(server, "SHOW max_connections") == "200"


def test_only_this_account_can_get_at_the_files(server: EmbeddedPostgres) -> None:
    server.start()

    assert server.folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["x" * 120, "חנות שלי, ירושלים"])
def test_a_long_or_unusual_folder_has_a_short_socket_that_all_find(short_folder: Path, name: str) -> None:
    server = EmbeddedPostgres(short_folder / name / "postgres")
    try:
        process = starter(server.folder)
        assert process.communicate(timeout=60)[1] == ""

        assert answer(server, "SELECT 1") == 1
        assert "host=/tmp/gogobe-" in server.url("gogobe")
    finally:
        server.stop()


def test_without_a_port_nothing_listens_on_the_network(server: EmbeddedPostgres) -> None:
    server.start()

    assert [c for c in postmaster_of(server).net_connections() if c.status == "LISTEN" and c.laddr[1:]] == []


def test_changing_the_port_of_a_running_server_says_what_to_do(server: EmbeddedPostgres) -> None:
    server.start()
    other = EmbeddedPostgres(server.folder, port=free_port())

    with pytest.raises(DatabaseUnavailable, match="GOGOBE_PG_PORT=0: stop it before"):
        other.start()

    assert server.is_running()


def test_a_port_that_is_taken_is_named(server: EmbeddedPostgres, short_folder: Path) -> None:
    port = free_port()
    first = EmbeddedPostgres(short_folder / "first", port=port)
    try:
        first.start()

        with pytest.raises(
            DatabaseUnavailable, match=rf"(?s)127\.0\.0\.1.*Address already in use.*port {port}"
        ):
            EmbeddedPostgres(server.folder, port=port).start()
    finally:
        first.stop()


def test_data_of_another_major_version_says_how_to_move_it(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    version = server.folder.resolve() / "data" / "PG_VERSION"
    version.write_text("9.6\n")

    with pytest.raises(DatabaseUnavailable) as refused:
        server.start()

    expected = r"is of PostgreSQL 9\.6, and the programs in \S+ are of version \d\d\. To move it: install"
    assert re.search(expected, str(refused.value))
    assert "type `GOGOBE_PG_BIN=FOLDER_OF_ITS_PROGRAMS gogobe backup BACKUPS`" in str(refused.value)
