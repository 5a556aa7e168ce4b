"""The process of one run, forked by a worker from a server that has imported everything.

A run holds a lease that its worker renews with every heartbeat that reached the database. Without it, because
the worker was killed, is frozen, or has lost the database, the run ends with everything that it started:
others count it as failed a little later, and may start it again.
"""

import os
import signal
import socket
import threading
from multiprocessing.connection import Connection
from typing import Final

import dagster as dg
from dagster._cli.api import _execute_run_command_body
from dagster._core.instance import DagsterInstance
from dagster._utils.interrupts import setup_interrupt_handlers

from gogobe_dagster.dagster_runtime import launchers, preload
from gogobe_dagster.dagster_runtime.step_server import fork_step_server
from gogobe_dagster.postgres import run_queue

PRELOADED: Final = (preload, launchers)
"""Imported here, so that the fork server has them."""
run_queue.code_version()  # the launcher of every run asks for it
ENDED: Final = "The run ends with its worker: it has no heartbeats any more."


def execute_run(run_id: str, lease: Connection, seconds: float) -> None:
    """Execute a run, in a session of its own. The lease ends after `seconds`, or after any later renewal."""
    os.setsid()
    fork_step_server()
    threading.Thread(target=_end_with_lease, args=(lease, seconds), daemon=True).start()
    setup_interrupt_handlers()
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.status is not dg.DagsterRunStatus.STARTING:
            return  # canceled, or failed by those who gave up its worker
        instance.report_engine_event(f"A worker on {socket.gethostname()} executes this run.", run)
        _execute_run_command_body(
            run_id=run_id,
            instance=instance,
            write_stream_fn=lambda _event: None,
            set_exit_code_on_failure=False,
        )


def _end_with_lease(lease: Connection, seconds: float) -> None:
    """End the whole session when the lease is not renewed in time, or nobody is left who could."""
    try:
        while lease.poll(seconds):
            lease.recv_bytes()
            seconds = run_queue.LEASE_SECONDS
    except (EOFError, OSError):
        pass
    print(ENDED, flush=True)  # noqa: T201 - for the log
    os.killpg(0, signal.SIGKILL)


def report_ended(run_id: str, message: str) -> None:
    """Record that the process of a run has ended before the run: it is canceled if that was asked for."""
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message)
        else:
            instance.report_run_failed(run, message)
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
