"""`gogobe up`: the database, the web UI and the daemon in one terminal, until Ctrl-C."""

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
from gogobe_dagster.commands.processes import Children, stopped_by_signals
from gogobe_dagster.errors import GogobeError
from gogobe_dagster.monitoring.alerts import check_url
from gogobe_dagster.postgres.server import embedded_server, ensure_running, uses_embedded
from gogobe_dagster.settings import Settings

HOST = "127.0.0.1"
READY_SECONDS = 180
WORKSPACE = ("-w", "workspace.server.yaml")
CODE_SOCKET = "GOGOBE_CODE_SOCKET"
CODE_SERVER = ("api", "grpc", "-m", "gogobe_dagster.definitions", "--location-name", "gogobe_dagster")
CODE_THREADS = 16
"""Looks of sensors that the code server does beside each other, and what the web UI asks meanwhile."""


@click.command()
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Of the web UI.")
@click.option("--verbose", is_flag=True, help="Show what the web server and the daemon log.")
def up(*, port: int, verbose: bool) -> None:
    """Start PostgreSQL, the web UI and the daemon; Ctrl-C stops them.

    Feeds are imported by sensors, which are switched on in the web UI (Automation), or all at once with
    GOGOBE_SENSORS_ON=1. With GOGOBE_DATABASE_URL and GOGOBE_DAGSTER_DATABASE_URL set, those are used
    instead of the embedded PostgreSQL.
    """
    settings = Settings.read()
    refuse_taken(port)
    if settings.alert_url:
        check_url(settings.alert_url)  # now rather than when the first alert is lost
    with stopped_by_signals() as stop, database(settings):
        open_warehouse(settings).close()
        (settings.folder / "dagster").mkdir(parents=True, exist_ok=True)
        environment = process_environment(settings)
        fail_orphans(environment)
        with (
            with_code_socket(environment) as whole,
            Children(
                logs=settings.folder / "logs", environment=whole, folder=clone_folder(), verbose=verbose
            ) as children,
        ):
            serve(children, port, stop)
            _say("Stopping ...")
    _say("Stopped.")


def fail_orphans(environment: Mapping[str, str]) -> None:
    """Let Dagster know which runs died with this machine, before they hold the queue's places for hours."""
    command = [sys.executable, "-m", "gogobe_dagster.dagster_runtime.orphaned_runs"]
    subprocess.run(command, env={**os.environ, **environment}, check=True, stderr=subprocess.DEVNULL)


@contextmanager
def database(settings: Settings) -> Iterator[None]:
    """Have the databases running; afterwards stop the embedded server, unless it ran before."""
    server = embedded_server(settings)
    ours = uses_embedded(settings) and not server.is_running()
    if ours:
        _say("Starting the embedded PostgreSQL ...")
    try:
        ensure_running(settings)
        yield
    finally:
        if ours:
            server.stop()


@contextmanager
def with_code_socket(environment: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Add the address of a code server, short enough for a socket whatever our home is called."""
    with tempfile.TemporaryDirectory(prefix="gogobe-") as folder:
        yield {**environment, CODE_SOCKET: str(Path(folder) / "code.sock")}


def serve(children: Children, port: int, stop: threading.Event) -> None:
    """Start the code server, the web UI and the daemon and watch them until told to stop.

    By themselves the web UI and the daemon would have a code server each, and the daemon a new one every
    minute: half of what everything costs while nothing happens. Raises `ChildDied`.
    """
    if stop.is_set():
        return
    _say("Starting the web UI and the daemon ...")
    code = Path(children.environment[CODE_SOCKET])
    python = (sys.executable, "-m")
    children.start("code", [*python, "dagster", *CODE_SERVER, "-s", code, "-n", str(CODE_THREADS)])
    if not children.wait_until(code.exists, what="the code server", seconds=READY_SECONDS, stop=stop):
        return
    children.start("webserver", [*python, "dagster_webserver", "-h", HOST, "-p", str(port), *WORKSPACE])
    children.start("daemon", [*python, "dagster._daemon", "run", *WORKSPACE])
    what = f"the web UI on port {port}"
    if not children.wait_until(lambda: _answers(port), what=what, seconds=READY_SECONDS, stop=stop):
        return
    _say(f"http://{HOST}:{port}  (logs: {children.logs}; Ctrl-C stops)")
    while not stop.wait(0.5):
        children.check()


def refuse_taken(port: int) -> None:
    """Say which option helps when another program has the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise GogobeError(
                f"port {port} cannot be used ({error.strerror}): choose another with --port"
            ) from None


def _answers(port: int) -> bool:
    with requests.Session() as session:
        session.trust_env = False  # a proxy does not know our loopback
        try:
            return session.get(f"http://{HOST}:{port}/server_info", timeout=5).ok
        except requests.RequestException:
            return False


def _say(text: str) -> None:
    # stderr may be a terminal that was closed, which must not keep us from cleaning up
    try:
        click.echo(text, err=True)
    except OSError:
        return
