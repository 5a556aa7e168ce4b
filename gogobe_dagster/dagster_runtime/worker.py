"""A worker: takes runs from the queue and executes each in a process of its own, until it is stopped.

Procrastinate takes jobs, sends heartbeats and listens for cancellations. Here a job becomes a process, and
what a process leaves behind is put right. Workers also look after each other: runs of one that has no
heartbeats any more are failed, or handed on if they had not begun. Only processes of runs import Dagster.
"""

import asyncio
import importlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Any, Final

import procrastinate
import psycopg
from procrastinate.exceptions import JobAborted, ProcrastinateException
from procrastinate.job_context import AbortReason, JobContext
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg_pool import PoolTimeout

from gogobe_dagster import clock
from gogobe_dagster.dagster_runtime.environment import environment_with_days
from gogobe_dagster.dagster_runtime.worker_checks import check_worker, other_version
from gogobe_dagster.errors import GogobeError
from gogobe_dagster.postgres import run_queue
from gogobe_dagster.postgres.dagster_retention import remove_old_folders
from gogobe_dagster.postgres.server import dagster_url, libpq_url
from gogobe_dagster.settings import Launcher, Settings


class NotStartedError(GogobeError):
    """A run was taken by a worker that must not start one now; the queue keeps it for another."""


class GivenUpError(GogobeError):
    """The heartbeats of this worker came too late: others may have failed its runs already."""

    def __init__(self) -> None:
        super().__init__("no heartbeat reached the database in time: the runs of this worker are given up")


RUN_PROCESS: Final = "gogobe_dagster.dagster_runtime.run_process"
PRELOADED: Final = [
    "gogobe_dagster.definitions",
    RUN_PROCESS,
    "gogobe_dagster.dagster_runtime.worker",
    "gogobe_dagster.commands.main",  # what the program `gogobe` imports, as every process does again
]
TICK_SECONDS: Final = 0.5
CANCEL_SECONDS: Final = 30.0
"""How long a run may take to end by itself when it is canceled."""
WATCH_SECONDS: Final = 5.0
CLEAN_UP_SECONDS: Final = 3600.0
GRACE_SECONDS: Final = 60.0
"""How long a worker that is stopped lets its runs go on."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
MOST_ATTEMPTS: Final = 3
"""How often a run that has not begun is handed on when its worker is gone."""
AT_ONCE: Final = datetime.fromtimestamp(0, UTC)
RENEW: Final = f"""
update procrastinate_workers set last_heartbeat = now()
where id = %(worker_id)s and last_heartbeat > now() - interval '{run_queue.STALE_SECONDS} s' returning id
"""  # noqa: S608 - a number of ours
REGISTER: Final = """
insert into worker (id, host, pid, runs, version)
values (%(id)s, %(host)s, %(pid)s, %(runs)s, %(version)s)
"""
STATUS: Final = "select status from runs where run_id = %s"
HAND_ON: Final = procrastinate.RetryStrategy(
    max_attempts=100, wait=run_queue.HEARTBEAT_SECONDS, retry_exceptions=[NotStartedError]
)
LOST: Final = ProcrastinateException, psycopg.Error, PoolTimeout, OSError, GivenUpError
ENDED: Final = frozenset({"SUCCESS", "FAILURE", "CANCELED"})


class _OneLine(logging.Handler):
    """Shows the warnings of libraries like our own lines, without tracebacks."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        error = record.exc_info[1] if record.exc_info else None
        _tell(f"{record.getMessage()}{f': {type(error).__name__}: {error}' if error else ''}")


def _tell(text: str) -> None:
    print(f"{clock.now().astimezone(clock.ISRAEL):%H:%M:%S} {text}", file=sys.stderr, flush=True)  # noqa: T201 - its log


def call_in_run_process(function: str, *arguments: object) -> None:
    """Call a function of `run_process`, which this process has imported or imports now."""
    getattr(importlib.import_module(RUN_PROCESS), function)(*arguments)


def _context() -> BaseContext:
    """Return how processes of runs are started: forked from a server that computes nothing, or spawned."""
    if sys.platform != "linux":
        return SpawnContext()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    forkserver.ensure_running()  # imports meanwhile
    return context


@dataclass(slots=True)
class Lease:
    """Until when this worker may let its runs go on; heartbeats renew it. Times are monotonic seconds."""

    renewed_at: float = field(default_factory=time.monotonic)

    def renew(self) -> None:
        """Note a heartbeat that reached the database."""
        self.renewed_at = time.monotonic()

    @property
    def seconds_left(self) -> float:
        """How long it lasts."""
        return max(0.0, self.renewed_at + run_queue.LEASE_SECONDS - time.monotonic())


class WorkerJobs(JobManager):
    """Procrastinate's jobs, of a worker that says who it is and knows whether its heartbeats count.

    Procrastinate's worker goes on when its heartbeats or its listener have failed: `lost` has the error.
    """

    def __init__(self, connector: procrastinate.BaseConnector, lease: Lease, runs: int) -> None:
        """Renew this lease."""
        super().__init__(connector)
        self._lease, self._runs = lease, runs
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def register_worker(self) -> int:
        """Register, with what this worker says of itself."""
        worker_id = await super().register_worker()
        await self.connector.execute_query_async(
            REGISTER,
            id=worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            runs=self._runs,
            version=run_queue.code_version(),
        )
        self._lease.renew()
        return worker_id

    async def update_heartbeat(self, worker_id: int) -> None:
        """Send a heartbeat. Raises `GivenUpError` if the last one is so old that others do not wait."""
        with self._noticed():
            if not await self.connector.execute_query_all_async(RENEW, worker_id=worker_id):
                raise GivenUpError
            self._lease.renew()

    async def listen_for_jobs(self, **options: Any) -> None:
        """Listen for new and for canceled runs, until that fails."""
        with self._noticed():
            await super().listen_for_jobs(**options)

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not self.lost.done():
                self.lost.set_exception(error)
            raise


@dataclass(slots=True)
class RunProcesses:
    """The processes of the runs of a worker. Its methods are called in threads, one for each run."""

    settings: Settings
    lease: Lease
    context: BaseContext = field(default_factory=_context)
    is_hurried: bool = False
    """Set to kill all of them."""
    _starting: threading.Lock = field(default_factory=threading.Lock, init=False)

    def execute(self, job: JobContext, run_id: str) -> None:
        """Execute a run to its end.

        Raises `JobAborted` if it was canceled or the worker stops, and `NotStartedError` if the heartbeats
        of this worker are late or no process could be started.
        """
        if self.lease.seconds_left < run_queue.LEASE_SECONDS - 2 * run_queue.HEARTBEAT_SECONDS:
            raise NotStartedError
        began = time.monotonic()
        try:
            process, renewals = self._start(run_id)
        except (OSError, EOFError) as error:  # what runs are forked from was killed, and is started again
            _tell(f"run {run_id}: not started: {type(error).__name__}: {error}")
            raise NotStartedError from error
        _tell(f"run {run_id}: process {process.pid}")
        try:
            self._watch(job, process, renewals)
        finally:
            renewals.close()
            _kill_group(process)
        self._settle(run_id, _why(job, process))
        _tell(f"run {run_id}: ended after {time.monotonic() - began:.1f} s")
        if job.should_abort():
            raise JobAborted

    def report(self, run_id: str, message: str) -> None:
        """Record that a run's process has ended before the run, in a process that has Dagster."""
        with self._starting:
            process = self._process("report_ended", run_id, message)
            process.start()
        wait([process.sentinel])

    def _start(self, run_id: str) -> tuple[BaseProcess, Connection]:
        theirs, renewals = multiprocessing.Pipe(duplex=False)
        with self._starting, theirs:  # multiprocessing counts its processes without a lock
            process = self._process("execute_run", run_id, theirs, self.lease.seconds_left)
            process.start()
        return process, renewals

    def _process(self, function: str, *arguments: object) -> BaseProcess:
        process: BaseProcess = self.context.Process(  # type: ignore[attr-defined]
            target=call_in_run_process, args=(function, *arguments)
        )
        return process

    def _watch(self, job: JobContext, process: BaseProcess, renewals: Connection) -> None:
        """Renew the run's lease until its process has ended, and end it when that is asked for."""
        kill_at, renewed_at = float("inf"), 0.0
        while not wait([process.sentinel], TICK_SECONDS):
            if self.lease.renewed_at != renewed_at:
                renewed_at = self.lease.renewed_at
                with suppress(OSError):
                    renewals.send_bytes(b".")
            if self.is_hurried or time.monotonic() > kill_at or job.abort_reason() is AbortReason.SHUTDOWN:
                _kill_group(process)
            elif job.should_abort() and kill_at == float("inf"):
                kill_at = time.monotonic() + CANCEL_SECONDS
                _signal(process, signal.SIGTERM)

    def _settle(self, run_id: str, why: str) -> None:
        with psycopg.connect(libpq_url(dagster_url(self.settings)), connect_timeout=10) as connection:
            row = connection.execute(STATUS, [run_id]).fetchone()
        if row and row[0] not in ENDED:
            self.report(run_id, why)


def _why(job: JobContext, process: BaseProcess) -> str:
    if job.abort_reason() is AbortReason.SHUTDOWN:
        return f"Its worker on {socket.gethostname()} was stopped."
    code = process.exitcode
    return f"Its process {process.pid} on {socket.gethostname()} has ended (exit code {code})."


def _kill_group(process: BaseProcess) -> None:
    """Kill a run with its steps; a run that has no session yet has no steps either."""
    if process.pid is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    _signal(process, signal.SIGKILL)


def _signal(process: BaseProcess, number: signal.Signals) -> None:
    if process.pid is not None and not wait([process.sentinel], 0):
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


class Worker:
    """Takes runs until it is stopped; connects again, after growing pauses, when it lost the database."""

    def __init__(self, settings: Settings, runs: int, *, grace: float = GRACE_SECONDS) -> None:
        """Execute at most `runs` at a time; let them go on for `grace` seconds when it is stopped."""
        self._settings, self._runs, self._grace = settings, runs, grace
        self._lease = Lease()
        self._processes = RunProcesses(settings, self._lease)
        self._stop = asyncio.Event()

    async def serve(self) -> None:
        """Work until SIGTERM or SIGINT; a second one kills the runs. Raises `GogobeError`."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(self._runs + 4))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            began = time.monotonic()
            await self._work_until_interrupted()
            pause = FIRST_PAUSE if time.monotonic() - began > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._processes.is_hurried = True
        else:
            _tell(f"stopping: takes no more runs, and gives those that it executes {self._grace:.0f} s")
        self._stop.set()

    async def _work_until_interrupted(self) -> None:
        try:
            await self._work()
        except LOST as error:
            _tell(f"lost the database: {str(error).strip() or type(error).__name__}")

    async def _work(self) -> None:
        connector = procrastinate.PsycopgConnector(
            conninfo=run_queue.conninfo(self._settings), min_size=1, max_size=4, timeout=5.0
        )
        app = procrastinate.App(connector=connector)
        jobs = app.job_manager = WorkerJobs(connector, self._lease, self._runs)
        app.task(name=run_queue.TASK, pass_context=True, retry=HAND_ON)(self._processes.execute)
        async with app.open_async():
            _tell(f"takes up to {self._runs} runs at a time, of version {run_queue.code_version()}")
            working = asyncio.create_task(self._take_runs(app))
            watching = asyncio.create_task(self._watch(app))
            cleaning = asyncio.create_task(self._clean_up())
            stopping = asyncio.create_task(self._stop.wait())
            tasks: set[asyncio.Future[Any]] = {working, watching, cleaning, stopping, jobs.lost}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                while not watching.done():  # the pool of connections may swallow it
                    watching.cancel()
                    await asyncio.wait({watching}, timeout=1.0)
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _take_runs(self, app: procrastinate.App) -> None:
        await app.run_worker_async(
            queues=[run_queue.queue_name()],
            name=socket.gethostname(),
            concurrency=self._runs,
            install_signal_handlers=False,
            shutdown_graceful_timeout=self._grace,
            delete_jobs="successful",
            fetch_job_polling_interval=30.0,
            update_heartbeat_interval=run_queue.HEARTBEAT_SECONDS,
            stalled_worker_timeout=run_queue.STALE_SECONDS,
        )

    async def _clean_up(self) -> None:
        """Delete what old runs have left on this machine: the nightly job does so on one machine only."""
        folder, keep = self._settings.folder / "dagster", timedelta(days=self._settings.keep_run_logs_days)
        while True:
            await asyncio.to_thread(remove_old_folders, folder, clock.now() - keep)
            await asyncio.sleep(CLEAN_UP_SECONDS)

    async def _watch(self, app: procrastinate.App) -> None:
        """Look after the runs of workers that are gone; stop when the head has got another version."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            stalled = await app.job_manager.get_stalled_jobs(
                task_name=run_queue.TASK, seconds_since_heartbeat=run_queue.STALE_SECONDS
            )
            for job in stalled:
                await self._take_care_of(app, job)
            for row in await app.connector.execute_query_all_async(run_queue.GIVEN_UP):
                await asyncio.to_thread(
                    self._processes.report, row["run_id"], "Its worker could not execute it."
                )
                _tell(f"run {row['run_id']}: failed, its worker could not execute it")
            for row in await app.connector.execute_query_all_async(run_queue.HEAD):
                if reason := other_version(run_queue.Head(**row)):
                    _tell(reason)
                    self._stop.set()

    async def _take_care_of(self, app: procrastinate.App, job: Job) -> None:
        """Hand on a run whose worker is gone, or fail it if it had begun. Another worker may be faster."""
        run_id, job_id = str(job.task_kwargs["run_id"]), job.id or 0
        has_begun = await asyncio.to_thread(self._has_begun, run_id)
        with suppress(ProcrastinateException):
            if not has_begun and job.attempts < MOST_ATTEMPTS:
                await app.job_manager.retry_job_by_id_async(job_id, retry_at=AT_ONCE)
                _tell(f"run {run_id}: handed on, its worker is gone")
                return
            await app.job_manager.finish_job_by_id_async(job_id, Status.FAILED, delete_job=False)
            await asyncio.to_thread(self._processes.report, run_id, "Its worker is gone.")
            _tell(f"run {run_id}: failed, its worker is gone")

    def _has_begun(self, run_id: str) -> bool:
        with psycopg.connect(libpq_url(dagster_url(self._settings)), connect_timeout=10) as connection:
            row = connection.execute(STATUS, [run_id]).fetchone()
        return row is None or row[0] != "STARTING"


def serve(settings: Settings, runs: int, *, grace: float = GRACE_SECONDS) -> None:
    """Be a worker until a signal stops it. Raises `GogobeError` if it must not be one.

    The processes of its runs inherit the variables that dagster.yaml reads, so this process sets them.
    """
    check_worker(settings)
    as_a_worker = settings.model_copy(update={"launcher": Launcher.WORKERS})
    os.environ.update(environment_with_days(as_a_worker))
    logging.getLogger("procrastinate").addHandler(_OneLine(logging.WARNING))
    worker = Worker(settings, runs, grace=grace)
    asyncio.run(worker.serve())
