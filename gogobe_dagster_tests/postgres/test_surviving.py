"""Power cuts, killed processes, stale files: what happens to people."""

import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster_tests.postgres.servers import (
    FAST,
    answer,
    execute,
    kill_everything,
    postmaster_of,
    sleeper,
    starter,
)
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow


def test_after_a_power_cut_committed_rows_are_back_and_others_are_not(
    durable_server: EmbeddedPostgres,
) -> None:
    durable_server.start()
    execute(durable_server, "CREATE TABLE price AS SELECT 5.90 AS price FROM generate_series(1, 100000)")
    with psycopg.connect(durable_server.admin_url("gogobe")) as unfinished:
        unfinished.execute("INSERT INTO price SELECT 0 FROM generate_series(1, 1000)")
        kill_everything(durable_server)
        with suppress(psycopg.OperationalError):
            unfinished.rollback()
    assert not durable_server.is_running()

    durable_server.start()

    assert answer(durable_server, "SELECT count(*) FROM price WHERE price = 5.90") == 100_000
    assert answer(durable_server, "SELECT count(*) FROM price") == 100_000


def test_a_worker_that_outlives_its_server_does_not_block_the_next(
    durable_server: EmbeddedPostgres,
) -> None:
    durable_server.start()
    execute(durable_server, "CREATE TABLE bread AS SELECT 1 AS loaf")
    postmaster = postmaster_of(durable_server)
    worker = postmaster.children()[0]
    worker.suspend()  # it cannot notice
    postmaster.kill()
    postmaster.wait(10)

    durable_server.start()

    assert answer(durable_server, "SELECT loaf FROM bread") == 1
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


def test_a_stale_pid_that_another_program_has_now_neither_fools_nor_blocks(
    server: EmbeddedPostgres,
) -> None:
    server.start()
    owner = postmaster_of(server).uids().real, postmaster_of(server).gids().real
    notes = [server.folder / "data" / "postmaster.pid", server.folder / "socket" / ".s.PGSQL.5432.lock"]
    kill_everything(server)
    with sleeper(*owner) as innocent:  # of the server's own account: of others PostgreSQL knows better
        for note in notes:
            _, *others = note.read_text().splitlines()
            note.write_text("\n".join([str(innocent.pid), *others, ""]))

        server.stop()
        assert not server.is_running()
        assert innocent.poll() is None  # nobody signalled it
        server.start()

        assert answer(server, "SELECT 1") == 1
        assert innocent.poll() is None
        innocent.kill()


def test_a_stale_pid_that_another_postgresql_has_now_is_left_alone(
    server: EmbeddedPostgres, short_folder: Path
) -> None:
    other = EmbeddedPostgres(short_folder / "other", options=FAST)
    try:
        other.start()
        server.start()
        notes = (server.folder / "data" / "postmaster.pid").read_text().splitlines()
        kill_everything(server)
        stale = [str(postmaster_of(other).pid), *notes[1:], ""]
        (server.folder / "data" / "postmaster.pid").write_text("\n".join(stale))

        server.stop()
        server.start()

        assert answer(server, "SHOW data_directory") == str(server.folder / "data")
        assert other.is_running()
    finally:
        other.stop()


def test_a_first_start_that_was_killed_half_way_is_done_again(server: EmbeddedPostgres) -> None:
    process = starter(server.folder)
    _wait_for(server.folder, "initdb-*/base/1/*")
    tree = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for member in tree:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.communicate()
    assert not (server.folder / "data").exists()

    server.start()

    assert answer(server, "SELECT 1") == 1
    assert list(server.folder.glob("initdb-*")) == []


def test_a_starter_killed_while_its_initdb_lives_on_does_not_disturb_the_next(
    server: EmbeddedPostgres,
) -> None:
    process = starter(server.folder)
    _wait_for(server.folder, "initdb-*/base/1/*")
    process.kill()
    process.communicate()

    server.start()

    assert answer(server, "SELECT 1") == 1


def test_a_socket_that_a_cleaner_removed_comes_back(server: EmbeddedPostgres) -> None:
    server.start()
    execute(server, "CREATE TABLE bread AS SELECT 1 AS loaf")
    (server.folder / "socket" / ".s.PGSQL.5432").unlink()
    assert not server.is_running()

    server.start()

    assert answer(server, "SELECT loaf FROM bread") == 1


def test_a_start_during_a_slow_stop_waits_and_then_starts(server: EmbeddedPostgres) -> None:
    server.start()
    execute(server, "CREATE TABLE bread AS SELECT 1 AS loaf")
    postmaster = postmaster_of(server)
    with psycopg.connect(server.url("gogobe")):
        postmaster.send_signal(signal.SIGTERM)  # smart shutdown: waits for the last client
        time.sleep(0.2)
        process = starter(server.folder)
        time.sleep(1)
        assert process.poll() is None
    assert process.communicate(timeout=30)[1] == ""

    assert answer(server, "SELECT loaf FROM bread") == 1
    assert postmaster_of(server) != postmaster


def test_killed_starters_leave_no_lock_behind(server: EmbeddedPostgres) -> None:
    for _ in range(3):
        process = starter(server.folder)
        time.sleep(0.4)
        process.kill()
        process.communicate()

    server.start()

    assert answer(server, "SELECT 1") == 1
    assert postmaster_of(server).is_running()


def _wait_for(folder: Path, pattern: str) -> None:
    wait_for_progress(lambda: list(folder.glob(pattern)), what=f"{folder}/{pattern}", poll_seconds=0.005)
