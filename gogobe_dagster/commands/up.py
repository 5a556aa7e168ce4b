"""`gogobe up`: runs the database, the web UI and the daemon in one terminal, until Ctrl-C."""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import click

from gogobe_dagster import clock
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.home_lock import claimed
from gogobe_dagster.commands.options import HOST, check_port_is_free, port_option
from gogobe_dagster.commands.processes import ManagedProcesses, stop_on_signals
from gogobe_dagster.commands.supervisor import Child, Service, Supervisor
from gogobe_dagster.dagster_runtime.environment import (
    LAUNCHER,
    check_launcher,
    configuration_folder,
    environment_with_days,
)
from gogobe_dagster.errors import AlertNotSent, DatabaseUnavailable
from gogobe_dagster.monitoring.alerts import Alert, check_url, send
from gogobe_dagster.monitoring.exporter import check_metrics_port, metrics_served
from gogobe_dagster.postgres.dead_sockets import remove_dead_sockets
from gogobe_dagster.postgres.server import embedded_server, ensure_running, prepare_home, uses_embedded
from gogobe_dagster.settings import Launcher, Settings

READY_SECONDS = 600
WORKSPACE = ("-w", "workspace.server.yaml")
WEB_SERVER = "gogobe_dagster.dagster_runtime.web_server"
CODE_SOCKET = "GOGOBE_CODE_SOCKET"


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
    if settings.alert_url:
        check_url(settings.alert_url)  # fails now rather than when the first alert is sent
    check_launcher(settings)
    prepare_home(settings)
    with claimed(settings.folder, _url(port)):
        check_port_is_free(port)
        check_metrics_port(settings)
        with stop_on_signals() as stop, running_database(settings), metrics_served(settings):
            open_warehouse(settings).close()
            serve(settings, environment_with_days(settings), port, stop, verbose=verbose)
    _echo("Stopped.")


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
    remove_dead_sockets()
    with tempfile.TemporaryDirectory(prefix="gogobe-up-") as folder:
        yield {**environment, CODE_SOCKET: str(Path(folder) / "code.sock")}


def serve(
    settings: Settings,
    environment: Mapping[str, str],
    port: int,
    stop: threading.Event,
    *,
    verbose: bool = False,
) -> None:
    """Run a code server, the web UI and the daemon until `stop` is set, and start again what ends.

    A worker executes the runs unless the settings say otherwise. Without a shared code server, the web UI and
    the daemon would each start their own, and the daemon a new one every minute: half of the CPU time of an
    idle system. Raises `GogobeError` if one of them does not start at all.
    """
    (settings.folder / "dagster").mkdir(parents=True, exist_ok=True)
    settings = settings.model_copy(update={"launcher": settings.launcher or Launcher.WORKERS})
    logs = settings.folder / "logs"
    with (
        code_socket({**environment, LAUNCHER: str(settings.launcher)}) as variables,
        ManagedProcesses(
            logs=logs, environment=variables, folder=configuration_folder(), verbose=verbose
        ) as processes,
    ):
        supervisor = Supervisor(
            children=_children(settings, processes, port),
            tell=lambda text: _echo(f"{clock.now().astimezone(clock.ISRAEL):%H:%M:%S} {text}"),
            alert=partial(_send_in_background, url=settings.alert_url),
        )
        _echo("Starting the web UI and the daemon ...")
        if _start(supervisor, processes, stop):
            _echo(f"{_url(port)}  (logs: {logs}; Ctrl-C stops)")
            while not stop.wait(0.5):
                supervisor.step(time.monotonic())
        _echo("Stopping ...")
    if settings.launcher is Launcher.WORKERS:
        _resign(settings)


def _resign(settings: Settings) -> None:
    # loads psycopg
    from gogobe_dagster.postgres.run_queue import resign_head

    with suppress(DatabaseUnavailable):
        resign_head(settings)


def _children(settings: Settings, processes: ManagedProcesses, port: int) -> tuple[Child, ...]:
    # loads gRPC and psycopg
    from gogobe_dagster.commands import services
    from gogobe_dagster.dagster_runtime.worker_checks import announce
    from gogobe_dagster.postgres.run_queue import withdraw_head

    code = Path(processes.environment[CODE_SOCKET])
    python = (sys.executable, "-m")
    database = Child(services.Databases(settings))
    server = Child(
        services.Program(
            "code",
            processes,
            [*python, "gogobe_dagster.dagster_runtime.code_server", code],
            partial(services.code_server_answers, code),
        ),
        needs=[database],
    )
    web = services.Program(
        "webserver",
        processes,
        [*python, WEB_SERVER, "-h", HOST, "-p", str(port), *WORKSPACE],
        partial(services.web_server_answers, _url(port)),
    )
    daemon = services.Program(
        "daemon", processes, [*python, "dagster._daemon", "run", *WORKSPACE], services.Heartbeats(settings)
    )
    children = database, server, Child(web, needs=[server]), Child(daemon, needs=[server])
    if settings.launcher is not Launcher.WORKERS:
        withdraw_head(settings)
        return children
    announce(settings)
    if not settings.runs_of_a_worker:
        return children
    return *children, Child(_worker(settings, processes), needs=[database])


def _worker(settings: Settings, processes: ManagedProcesses) -> Service:
    """Return the worker of this machine; its runs go on when another program is started again."""
    from gogobe_dagster.commands import services

    gogobe = str(Path(sys.executable).with_name("gogobe"))
    command = [gogobe, "worker", "--runs", str(settings.runs_of_a_worker)]
    return services.Program("worker", processes, command, services.WorkerHeartbeat(settings, processes))


def _start(supervisor: Supervisor, processes: ManagedProcesses, stop: threading.Event) -> bool:
    """Wait until everything has answered once; return False if `stop` was set before."""

    def is_well() -> bool:
        supervisor.step(time.monotonic())
        return supervisor.is_well

    return processes.wait_until(is_well, what="the web UI", seconds=READY_SECONDS, stop=stop)


def _send_in_background(alert: Alert, *, url: str) -> None:
    def deliver() -> None:
        try:
            send(alert, url)
        except AlertNotSent as error:
            _echo(str(error))

    threading.Thread(target=deliver, daemon=True).start()


def _url(port: int) -> str:
    return f"http://{HOST}:{port}"


def _echo(text: str) -> None:
    # stderr may be a closed terminal, which must not prevent the clean-up
    try:
        click.echo(text, err=True)
    except OSError:
        return
