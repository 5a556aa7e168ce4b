"""Two machines as far as one can play them: namespaces with homes, names and process ids of their own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.postgres.roles import LOADER
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.settings import Launcher
from gogobe_dagster_tests.benchmarks.home import home
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.consumers.conftest import as_role
from gogobe_dagster_tests.dagster_services import gogobe_up, launch
from gogobe_dagster_tests.import_env import ImportEnv, open_import_env, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]

NAMESPACES = ["unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc"]
AWAY_SECONDS = 20
"""Longer than a worker waits before it ends its runs."""
FEEDS = "keshet", "osher_ad", "dabbah", "fresh_market"
LIVE = "select host from run_queue.worker join run_queue.procrastinate_workers using (id)"
TAKEN = f"{LIVE} where exists (select from run_queue.procrastinate_jobs j where j.worker_id = worker.id)"
ONCE = """
select count(*) filter (where loads = 1) = count(*) and count(*) > 0 from (
    select count(*) filter (where e.state = 'loaded') as loads
    from file left join file_event e using (file_id) group by file_id) as of_files
"""


@pytest.fixture(scope="module", autouse=True)
def _allowed() -> None:
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"unshare is refused: {tried.stderr.strip()}")


@contextmanager
def machine(env: ImportEnv, name: str, folder: Path, **more: str) -> Iterator[psutil.Process]:
    """A worker on a machine of this name, with more variables; give its process 1."""
    gogobe = Path(sys.executable).with_name("gogobe")
    variables = {
        "GOGOBE_HOME": str(folder / name),
        "GOGOBE_RAW_STORE": env.settings.raw_store_url,
        "GOGOBE_LAKE": env.settings.lake_url,
    }
    log = folder / f"{name}.log"
    command = [*NAMESPACES, "sh", "-c", f"hostname {name} && exec {gogobe} worker --runs 2"]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=env.environment | variables | more, stdout=output, stderr=output
        )
    try:
        wait_for_progress(
            lambda: (name,) in env.query_dagster(LIVE), what=f"a worker on {name}, whose log is {log}"
        )
        yield psutil.Process(process.pid).children()[0]
    finally:
        for child in psutil.Process(process.pid).children() if process.poll() is None else ():
            child.kill()
        process.wait(60)


@contextmanager
def head_with_runs(env: ImportEnv, *, page_seconds: float) -> Iterator[list[str]]:
    """A head that executes no runs itself, and one run for each feed; a page of a portal takes so long."""
    many = {"launcher": Launcher.WORKERS, "worker_runs": 0, "max_concurrent_runs": 4}
    head = replace(env, settings=env.settings.model_copy(update=many))
    env.publish(*FEEDS, stores=3, items=30)
    for feed in FEEDS:
        env.replica.faults.switch_on("slow_page", feed=feed, seconds=page_seconds)
    with gogobe_up(head) as url:
        for feed in FEEDS:
            launch(url, f"{feed}|{yesterday()}", run_config=IN_PROCESS)
        yield list(FEEDS)


def wait_until_loaded(env: ImportEnv) -> list[str]:
    """Wait until all files are loaded and no run goes on; return how the runs ended."""
    wait_for_progress(
        lambda: all(set(env.states(feed).values()) == {"loaded"} for feed in FEEDS),
        what="all files loaded",
        progress=env.progress,
    )
    wait_for_progress(lambda: unfinished(env) == 0, what="the end of all runs", progress=env.progress)
    assert env.query(ONCE) == [(True,)]
    return sorted(status for (status,) in env.query_dagster("select status from runs"))


@pytest.fixture
def two_databases(postgres_server: DatabaseServer, tmp_path: Path) -> Iterator[ImportEnv]:
    with (
        postgres_server.database() as warehouse,
        postgres_server.database() as dagster,
        open_import_env(tmp_path / "home", warehouse_url=warehouse, dagster_url=dagster) as env,
    ):
        yield env


def test_what_a_lost_machine_was_loading_is_loaded_once(
    two_databases: ImportEnv, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = two_databases
    as_loader = as_role(env.settings.database_url, LOADER)
    with (
        head_with_runs(env, page_seconds=20),
        machine(env, "machine-a", tmp_path) as lost,
        machine(env, "machine-b", tmp_path, GOGOBE_DATABASE_URL=as_loader),
    ):
        wait_for_progress(lambda: len(env.query_dagster(TAKEN)) == 2, what="runs on both machines")
        wait_for_progress(lambda: started(env) == len(FEEDS), what="runs that have begun")

        lost.kill()
        began = time.monotonic()
        env.replica.faults.switch_off()

        statuses = wait_until_loaded(env)
        seconds = time.monotonic() - began
        assert statuses == ["FAILURE"] * 2 + ["SUCCESS"] * 4
    with capsys.disabled():
        print(f"\nall files were loaded {seconds:.0f} s after a machine was lost")  # noqa: T201


def test_machines_that_are_restarted_in_turn_lose_no_run(two_databases: ImportEnv, tmp_path: Path) -> None:
    env = two_databases
    with head_with_runs(env, page_seconds=5), machine(env, "machine-c", tmp_path):
        for name in ("machine-a", "machine-b", "machine-d"):
            with machine(env, name, tmp_path) as worker:
                wait_for_progress(lambda: started(env) or not unfinished(env), what="runs that have begun")
                worker.terminate()
                env.replica.faults.switch_off()  # what a worker executes has a minute to end
                worker.wait(120)

        assert wait_until_loaded(env) == ["SUCCESS"] * len(FEEDS), "each ended where it had begun"


def test_two_machines_go_on_after_the_databases_were_away(tmp_path: Path) -> None:
    with home() as env:
        server = embedded_server(env.settings)
        with (
            head_with_runs(env, page_seconds=5),
            machine(env, "machine-a", tmp_path),
            machine(env, "machine-b", tmp_path),
        ):
            wait_for_progress(lambda: started(env) == len(FEEDS), what="runs that have begun")

            server.stop()
            time.sleep(AWAY_SECONDS)
            server.start()
            env.replica.faults.switch_off()

            assert wait_until_loaded(env).count("SUCCESS") == len(FEEDS)


def unfinished(env: ImportEnv) -> int:
    ended = "('SUCCESS', 'FAILURE', 'CANCELED')"
    ((number,),) = env.query_dagster(f"select count(*) from runs where status not in {ended}")
    return int(number)


def started(env: ImportEnv) -> int:
    ((number,),) = env.query_dagster("select count(*) from runs where status = 'STARTED'")
    return int(number)
