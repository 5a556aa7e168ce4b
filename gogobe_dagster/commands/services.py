"""The services of `gogobe up`: how each is started, ended, and asked whether it works."""

import select
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import gethostname

import grpc
import psycopg
import requests
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from psycopg.pq import PGconn, Ping

from gogobe_dagster.commands.processes import ManagedProcesses
from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.postgres import run_queue
from gogobe_dagster.postgres.server import (
    dagster_url,
    embedded_server,
    ensure_running,
    libpq_url,
    uses_embedded,
    warehouse_url,
)
from gogobe_dagster.settings import Settings

ANSWER_SECONDS = 5
SERVER_ERROR = 500
HEARTBEAT = "select max(timestamp)::text from daemon_heartbeats"


@dataclass(slots=True)
class Program:
    """A program, run as a process of its own."""

    name: str
    processes: ManagedProcesses
    command: Sequence[str | Path]
    answers: Callable[[], bool]

    def start(self) -> None:
        """Start a process."""
        self.processes.start(self.name, self.command)

    def kill(self) -> None:
        """Kill the process and all that it started."""
        self.processes.kill(self.name)

    def how_ended(self) -> str:
        """Return how the process has ended; "" while it runs."""
        return self.processes.how_ended(self.name)


@dataclass(slots=True)
class Databases:
    """The warehouse and Dagster's database, on the embedded server or on servers of the user's own.

    A connection to each is kept, only to see it end: after a crash that PostgreSQL recovered from by itself,
    nobody else has a connection any more either.
    """

    settings: Settings
    name: str = "PostgreSQL"
    _connections: list[psycopg.Connection] = field(default_factory=list, init=False)

    @property
    def urls(self) -> set[str]:
        """The URLs of both databases, for libpq."""
        return {warehouse_url(self.settings), libpq_url(dagster_url(self.settings))}

    def start(self) -> None:
        """Start the embedded server, if it is used, and connect."""
        ensure_running(self.settings)
        try:
            for url in self.urls:
                connection = psycopg.connect(url, connect_timeout=ANSWER_SECONDS, autocommit=True)
                self._connections.append(connection)
                connection.execute("set idle_session_timeout = 0")
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(str(error).splitlines()[0]) from None

    def kill(self) -> None:
        """Disconnect; the server itself is ended only by `start`, if it hangs."""
        for connection in self._connections:
            with suppress(psycopg.Error):
                connection.close()
        self._connections.clear()

    def how_ended(self) -> str:
        """Return whether a server has closed its connection."""
        readable, _, _ = select.select(self._connections, [], [], 0)
        for connection in readable:
            try:
                connection.pgconn.consume_input()  # at the end, or a notice
            except psycopg.OperationalError:
                return "ended, or closed its connections"
        return ""

    def answers(self) -> bool:
        """Return whether both databases accept connections, and keep the server's log small."""
        if uses_embedded(self.settings):
            embedded_server(self.settings).limit_log()
        timeout = f"connect_timeout={ANSWER_SECONDS}"
        urls = [f"{url}{'&' if '?' in url else '?'}{timeout}" for url in self.urls]
        return all(PGconn.ping(url.encode()) == Ping.OK for url in urls)


class Heartbeats:
    """Asks the daemon: it writes to its database every thirty seconds that it is alive."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings with Dagster's database."""
        self._url = libpq_url(dagster_url(settings))
        self._last = self._newest()

    def __call__(self) -> bool:
        """Return whether a heartbeat has come since the last call."""
        newest = self._newest()
        is_new = newest not in {self._last, ""}
        self._last = newest or self._last
        return is_new

    def _newest(self) -> str:
        with suppress(psycopg.OperationalError, psycopg.errors.UndefinedTable):
            with psycopg.connect(self._url, connect_timeout=ANSWER_SECONDS) as connection:
                row = connection.execute(HEARTBEAT).fetchone()
            return row[0] or "" if row else ""
        return ""


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat:
    """Asks the worker of this command: its heartbeats are in Dagster's database."""

    settings: Settings
    processes: ManagedProcesses

    def __call__(self) -> bool:
        """Return whether it has sent one lately."""
        with suppress(DatabaseUnavailable, psycopg.Error), run_queue.connect(self.settings) as connection:
            live = {(worker.host, worker.pid) for worker in run_queue.live_workers(connection)}
            return (gethostname(), self.processes.pid("worker")) in live
        return False


def code_server_answers(socket: Path) -> bool:
    """Ask the code server's health service."""
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        try:
            request = HealthCheckRequest(service="DagsterApi")
            answer = HealthStub(channel).Check(request, timeout=ANSWER_SECONDS)
        except grpc.RpcError:
            return False
        return bool(answer.status == HealthCheckResponse.SERVING)


def web_server_answers(url: str) -> bool:
    """Ask the web server for its version; that it asks for a password is an answer, too."""
    with requests.Session() as session:
        session.trust_env = False  # no proxy for loopback
        try:
            return session.get(f"{url}/server_info", timeout=ANSWER_SECONDS).status_code < SERVER_ERROR
        except requests.RequestException:
            return False
