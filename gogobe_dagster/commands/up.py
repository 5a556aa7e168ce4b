"""`gogobe up`: runs the database, the web UI and the daemon in one terminal, until Ctrl-C."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
import requests

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.environment import clone_folder, process_environment
from gogobe_dagster.commands.options import port_option
from gogobe_dagster.commands.processes import ManagedProcesses, stop_on_signals
from gogobe_dagster.errors import GogobeError
from gogobe_dagster.monitoring.alerts import check_url
from gogobe_dagster.postgres.server import embedded_server, ensure_running, uses_embedded
from gogobe_dagster.settings import Settings

HOST = "127.0.0.1"
READY_SECONDS = 180
WORKSPACE = ("-w", "workspace.server.yaml")
WEB_SERVER = "gogobe_dagster.dagster_runtime.web_server"
CODE_SOCKET = "GOGOBE_CODE_SOCKET"
CODE_SERVER = ("api", "grpc", "-m", "gogobe_dagster.definitions", "--location-name", "gogobe_dagster")
CODE_THREADS = 16
"""Threads of the code server, for parallel sensor ticks and requests of the web UI."""


@click.command()
@port_option
@click.option("--verbose", is_flag=True, help="Show the logs of the web server and the daemon.")
def up(*, port: int, verbose: bool) -> None:
    """Start PostgreSQL, the web UI and the daemon; Ctrl-C stops them.

    Sensors import the feeds: switch them on in the web UI (Automation), or all of them with
    GOGOBE_SENSORS_ON=1. If GOGOBE_DATABASE_URL and GOGOBE_DAGSTER_DATABASE_URL are set, those databases
    are used instead of the embedded PostgreSQL.
    """
    settings = Settings.read()
    check_port_is_free(port)
    if settings.alert_url:
        check_url(settings.alert_url)  # fails now rather than when the first alert is sent
    with stop_on_signals() as stop, running_database(settings):
        open_warehouse(settings).close()
        (settings.folder / "dagster").mkdir(parents=True, exist_ok=True)
        environment = process_environment(settings)
        fail_orphaned_runs(environment)
        with (
            code_socket(environment) as variables,
            ManagedProcesses(
                logs=settings.folder / "logs",
                environment=variables,
                folder=clone_folder(),
                verbose=verbose,
            ) as processes,
        ):
            serve(processes, port, stop)
            _echo("Stopping ...")
    _echo("Stopped.")


def fail_orphaned_runs(environment: Mapping[str, str]) -> None:
    """Mark runs as failed whose processes are gone, so that they do not occupy the run queue for hours."""
    command = [sys.executable, "-m", "gogobe_dagster.dagster_runtime.orphaned_runs"]
    subprocess.run(command, env={**os.environ, **environment}, check=True, stderr=subprocess.DEVNULL)


@contextmanager
def running_database(settings: Settings) -> Iterator[None]:
    """Start the databases; afterwards stop the embedded server, unless it was running before."""
    server = embedded_server(settings)
    was_stopped = uses_embedded(settings) and not server.is_running()
    if was_stopped:
        _echo("Starting the embedded PostgreSQL ...")
    try:
        ensure_running(settings)
        yield
    finally:
        if was_stopped:
            server.stop()


@contextmanager
def code_socket(environment: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Add the address of a code server: a socket with a short path, whatever the home folder is."""
    with tempfile.TemporaryDirectory(prefix="gogobe-") as folder:
        yield {**environment, CODE_SOCKET: str(Path(folder) / "code.sock")}


def serve(processes: ManagedProcesses, port: int, stop: threading.Event) -> None:
    """Run a code server, the web UI and the daemon until `stop` is set.

    Without a shared code server, the web UI and the daemon would each start their own, and the daemon a new
    one every minute: half of the CPU time of an idle system. Raises `ProcessEnded`.
    """
    if stop.is_set():
        return
    _echo("Starting the web UI and the daemon ...")
    code = Path(processes.environment[CODE_SOCKET])
    python = (sys.executable, "-m")
    processes.start("code", [*python, "dagster", *CODE_SERVER, "-s", code, "-n", str(CODE_THREADS)])
    if not processes.wait_until(code.exists, what="the code server", seconds=READY_SECONDS, stop=stop):
        return
    processes.start("webserver", [*python, WEB_SERVER, "-h", HOST, "-p", str(port), *WORKSPACE])
    processes.start("daemon", [*python, "dagster._daemon", "run", *WORKSPACE])
    what = f"the web UI on port {port}"
    if not processes.wait_until(lambda: _responds(port), what=what, seconds=READY_SECONDS, stop=stop):
        return
    _echo(f"http://{HOST}:{port}  (logs: {processes.logs}; Ctrl-C stops)")
    while not stop.wait(0.5):
        processes.check()


def check_port_is_free(port: int) -> None:
    """Raise `GogobeError` if the port is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise GogobeError(
                f"port {port} cannot be used ({error.strerror}): choose another with --port"
            ) from None


def _responds(port: int) -> bool:
    with requests.Session() as session:
        session.trust_env = False  # no proxy for loopback
        try:
            return session.get(f"http://{HOST}:{port}/server_info", timeout=5).ok
        except requests.RequestException:
            return False


def _echo(text: str) -> None:
    # stderr may be a closed terminal, which must not prevent the clean-up
    try:
        click.echo(text, err=True)
    except OSError:
        return
