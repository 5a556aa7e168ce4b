"""What a command waits for is told once, after five seconds."""

import time
from contextlib import closing

import psycopg
import pytest

from gogobe_dagster.commands.waits import Waits, told_if_slow, wait_of_runs


def test_a_wait_is_told_once_and_only_if_it_lasts() -> None:
    lines, reason = list[str](), ""
    waits = Waits(lambda: reason, lines.append)
    for second in range(60):
        reason = {4: "a lock", 10: "a slot", 30: ""}.get(second, reason)
        reason = "a short wait" if second in {31, 32, 33} else "" if second == 34 else reason
        waits.ask(now=float(second))
    assert lines == ["Waiting for a lock.", "Waiting for a slot."]


def test_the_lock_of_another_import_is_named(database_url: str) -> None:
    waiter = "select pg_advisory_lock(7)"
    with (
        psycopg.connect(database_url) as holder,
        closing(psycopg.connect(database_url, autocommit=True)) as other,
    ):
        holder.execute("select pg_advisory_xact_lock(7)")
        other.pgconn.send_query(waiter.encode())
        deadline = time.monotonic() + 60
        while not (told := wait_of_runs(database_url, database_url, [])):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert told == f"a lock of another import or job (PostgreSQL process {holder.info.backend_pid})"


def test_a_database_that_does_not_answer_is_named() -> None:
    nobody = "postgresql://127.0.0.1:1/gone"

    assert wait_of_runs(nobody, nobody, []) == "PostgreSQL, which does not answer"


def test_what_is_quick_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with told_if_slow("PostgreSQL"):
        pass

    assert capsys.readouterr().err == ""
