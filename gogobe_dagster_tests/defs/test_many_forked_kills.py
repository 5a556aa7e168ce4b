"""Imports of many feeds, each killed again and again at any time, end in the tables of a clean run."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from random import Random

import psycopg
import pytest
from rich.console import Console

from gogobe_dagster.dagster_runtime.environment import configuration_folder
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.clean_run import import_cleanly, tables
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = [pytest.mark.slow, pytest.mark.long]

KILLS, OF_A_SEED, LATEST = 6, 4, 90
PROGRESS = "select (select coalesce(max(event_id), 0) from file_event)"
EVENTS = "select coalesce(max(id), 0) from event_logs"
KILLED_IN = """
select regexp_replace(step_key, '\\[.*', '') from (
    select distinct on (run_id) run_id, step_key from event_logs where step_key is not null
    order by run_id, id desc) last join runs using (run_id) where status = 'FAILURE'
"""
LOADED_TWICE = """
select file_id, count(*) from file_event where state = 'loaded' group by file_id having count(*) > 1
"""


class Forked:
    """The process that forks imports, and the databases that show how far they are."""

    def __init__(self, process: "subprocess.Popen[str]", warehouse: str, dagster: str) -> None:
        self._process = process
        self._databases = [
            (psycopg.connect(warehouse, autocommit=True), PROGRESS.encode()),
            (psycopg.connect(dagster.replace("+psycopg2", ""), autocommit=True), EVENTS.encode()),
        ]

    def close(self) -> None:
        for connection, _ in self._databases:
            connection.close()

    def start(self, partition: str) -> int:
        """Start an import; return its process id."""
        assert self._process.stdin
        self._process.stdin.write(f"{partition}\n")
        self._process.stdin.flush()
        return self._number()

    def exit_code(self) -> int:
        """Wait until the import has ended."""
        return self._number()

    def progress(self) -> list[object]:
        """Return what changes while an import goes on."""
        found = list[object]()
        for connection, sql in self._databases:
            with suppress(psycopg.errors.UndefinedTable):  # the first import creates Dagster's tables
                found += connection.execute(sql).fetchall()
        return found

    def is_killed(self, partition: str, *, changes: int) -> bool:
        """Kill an import after so many changes; return whether it was still at work."""
        process, seen, before = self.start(partition), 0, self.progress()

        def is_time() -> bool:
            nonlocal seen, before
            now = self.progress()
            seen, before = seen + (now != before), now
            return seen > changes or _has_ended(process)

        wait_for_progress(is_time, what="the import", progress=self.progress, poll_seconds=0.005)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        return self.exit_code() == -signal.SIGKILL

    def _number(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())


def _has_ended(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@contextmanager
def forked_imports(env: ImportEnv) -> Iterator[Forked]:
    with subprocess.Popen(
        [sys.executable, "-m", "gogobe_dagster_tests.defs.forked_imports"],
        env=env.environment | {"GOGOBE_BATCH_FILES": "2"},
        cwd=configuration_folder(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            urls = env.settings.database_url, env.settings.dagster_database_url
            with closing(Forked(process, *urls)) as forked:
                yield forked
        finally:
            process.kill()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(-(-len(FEEDS) // OF_A_SEED)))
def test_killed_imports_of_many_feeds(
    import_env: ImportEnv, postgres_server: DatabaseServer, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    feeds = [feed.key for feed in FEEDS[seed * OF_A_SEED :][:OF_A_SEED]]
    import_env.publish(*feeds, stores=1, items=10)
    draw, kills = Random(seed), 0
    with forked_imports(import_env) as forked:
        for feed in feeds:
            partition = f"{feed}|{yesterday()}"
            for _ in range(KILLS):
                kills += forked.is_killed(partition, changes=draw.randrange(LATEST))
            forked.start(partition)
            assert forked.exit_code() == 0
    with capsys.disabled():
        steps = Counter(step for (step,) in import_env.query_dagster(KILLED_IN))
        Console().print(f"{kills} kills of imports of {', '.join(feeds)}, in {dict(steps)}")

    assert kills
    assert import_env.query("select name, state, code from file where state <> 'loaded'") == []
    assert import_env.query(LOADED_TWICE) == []
    with postgres_server.database() as clean:
        migrate(clean)
        folder = import_env.settings.folder / "clean"
        import_cleanly(import_env.settings.model_copy(update={"home": folder, "database_url": clean}), feeds)
        assert tables(import_env.settings.database_url) == tables(clean)
