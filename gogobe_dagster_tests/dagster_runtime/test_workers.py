"""Runs in the hands of a real worker of `gogobe up`: killed, frozen, canceled, cut off from the database."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import psycopg
import pytest

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.postgres import run_queue
from gogobe_dagster.settings import Launcher
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.dagster_services import ask, gogobe_up, launch, statuses
from gogobe_dagster_tests.import_env import ImportEnv, open_import_env, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

CANCEL = """
mutation Cancel($id: String!) {
  terminateRun(runId: $id) { __typename ... on TerminateRunFailure { message } }
}
"""
WORKERS = "select pid from run_queue.worker order by id"
BEGUN = """
select substring(event from 'pid: (\\d+)') from event_logs
join runs using (run_id)
where run_id = '{run_id}' and event like '%Started process for run%' and status = 'STARTED'
"""
CHAIN = """
with recursive attempt as (
    select run_id, status, 1 as number from runs where run_id = '{run_id}'
    union all
    select r.run_id, r.status, number + 1 from attempt
    join run_tags t on t.key = 'dagster/parent_run_id' and t.value = attempt.run_id
    join runs r on r.run_id = t.run_id)
select status from attempt order by number
"""
CUT_OFF = """
select count(pg_terminate_backend(pid, 60000)) from pg_stat_activity
where datname = current_database() and application_name = 'gogobe run queue' and pid <> pg_backend_pid()
"""


FAIL_JOB = """
update procrastinate_jobs set status = 'failed' where status = 'todo' and args ->> 'run_id' = %s
"""


@dataclass(frozen=True)
class Served:
    """An import environment with `gogobe up`."""

    env: ImportEnv
    url: str

    def launch(self, feed: str) -> str:
        """Ask for a run in one process, as a sensor does for few files."""
        return launch(self.url, f"{feed}|{yesterday()}", run_config=IN_PROCESS)

    def wait_for(self, *, run_id: str, statuses: list[str]) -> None:
        """Wait until the run, and those that were started in its place, have these statuses."""

        def attempts() -> list[str]:
            return [status for (status,) in self.env.query_dagster(CHAIN.format(run_id=run_id))]

        wait_for_progress(
            lambda: attempts() == statuses,
            what=f"{statuses} of run {run_id} and those in its place",
            progress=self.env.progress,
        )

    def process_of(self, run_id: str) -> psutil.Process:
        """Wait until a run has begun; return its process."""
        query = BEGUN.format(run_id=run_id)
        wait_for_progress(lambda: self.env.query_dagster(query), what="a run that has begun")
        ((pid,),) = self.env.query_dagster(query)
        return psutil.Process(int(pid))

    def worker(self) -> psutil.Process:
        """Return the process of the newest worker."""
        *_, (pid,) = self.env.query_dagster(WORKERS)
        return psutil.Process(pid)

    def fail_job(self, run_id: str) -> bool:
        """Let the job of a run fail before a worker takes it; return whether it is there."""
        with run_queue.connect(self.env.settings) as connection:
            return connection.execute(FAIL_JOB, [run_id]).rowcount == 1

    def is_loaded_once(self, feed: str) -> bool:
        """Whether every file is loaded, and was once."""
        query = """select count(*), count(distinct file_id) from file_event join file using (file_id)
            where feed = %s and file_event.state = 'loaded'"""
        ((events, files),) = self.env.query(query, [feed])
        return set(self.env.states(feed).values()) == {"loaded"} and events == files == len(
            self.env.states(feed)
        )


@contextmanager
def kept_waiting(served: Served, feed: str) -> Iterator[tuple[str, psutil.Process]]:
    """A run that waits for a page of its portal; afterwards the portal answers at once."""
    served.env.publish(feed, stores=2, items=20)
    served.env.replica.faults.switch_on("slow_page", feed=feed, seconds=600)
    run_id = served.launch(feed)
    yield run_id, served.process_of(run_id)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def served(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("workers") / "home"
    with (
        postgres_server.database() as warehouse,
        postgres_server.database() as dagster,
        open_import_env(home, warehouse_url=warehouse, dagster_url=dagster, launcher=Launcher.WORKERS) as env,
        gogobe_up(env) as url,
    ):
        yield Served(env, url)


def test_the_runs_of_a_killed_worker_are_started_again(served: Served) -> None:
    with kept_waiting(served, "keshet") as (run_id, process):
        worker = served.worker()
        worker.kill()
        wait_for_progress(lambda: is_gone(process), what="the end of its run")
    served.env.replica.faults.switch_off()

    served.wait_for(run_id=run_id, statuses=["FAILURE", "SUCCESS"])
    assert served.is_loaded_once("keshet")
    assert served.worker().pid != worker.pid


@pytest.mark.long
def test_the_runs_of_a_frozen_worker_end_before_they_are_started_again(served: Served) -> None:
    with kept_waiting(served, "osher_ad") as (run_id, process):
        worker = served.worker()
        worker.send_signal(signal.SIGSTOP)
        try:
            wait_for_progress(
                lambda: statuses(served.url)[run_id] == "FAILURE", what="a run that is given up"
            )
            assert is_gone(process), "it would go on beside the run in its place"
            served.env.replica.faults.switch_off()
        finally:
            worker.send_signal(signal.SIGCONT)

    served.wait_for(run_id=run_id, statuses=["FAILURE", "SUCCESS"])
    assert served.is_loaded_once("osher_ad")


def test_a_run_is_executed_although_what_runs_are_forked_from_was_killed(served: Served) -> None:
    served.env.publish("king_store", stores=2, items=20)
    for child in served.worker().children():
        child.kill()

    run_id = served.launch("king_store")

    served.wait_for(run_id=run_id, statuses=["SUCCESS"])
    assert served.is_loaded_once("king_store")


def test_a_run_that_its_worker_could_not_execute_is_started_again(served: Served) -> None:
    served.env.publish("good_pharm", stores=2, items=20)
    worker = served.worker()
    worker.suspend()
    run_id = served.launch("good_pharm")
    wait_for_progress(lambda: served.fail_job(run_id), what="a job", progress=served.env.progress)
    worker.resume()

    served.wait_for(run_id=run_id, statuses=["FAILURE", "SUCCESS"])
    assert served.is_loaded_once("good_pharm")


def test_a_run_that_is_canceled_in_the_web_ui_ends_with_its_process(served: Served) -> None:
    with kept_waiting(served, "dabbah") as (run_id, process):
        answer = ask(served.url, CANCEL, id=run_id)["terminateRun"]

        assert answer["__typename"] == "TerminateRunSuccess", answer
        served.wait_for(run_id=run_id, statuses=["CANCELED"])
        wait_for_progress(lambda: is_gone(process), what="the end of its process")
    served.env.replica.faults.switch_off()


@pytest.mark.long
def test_a_worker_outlives_its_connections_to_the_database(served: Served) -> None:
    served.env.publish("fresh_market", stores=2, items=20)
    served.env.replica.faults.switch_on("slow_page", feed="fresh_market", seconds=5)
    run_id = served.launch("fresh_market")
    served.process_of(run_id)
    worker = served.worker()
    url = served.env.settings.dagster_database_url.replace("+psycopg2", "")
    with psycopg.connect(url, autocommit=True) as connection:
        ((cut,),) = connection.execute(CUT_OFF).fetchall()

    assert cut > 0
    served.wait_for(run_id=run_id, statuses=["SUCCESS"])
    assert served.is_loaded_once("fresh_market")
    assert not is_gone(worker)
