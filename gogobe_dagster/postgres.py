"""A PostgreSQL server of our own, for people who have none, and the URLs of the two databases.

Other modules ask for `warehouse_url` and `dagster_url` and never see whose server answers. Programs,
system users and folders are `postgres_programs.py`; tables are the warehouse's.
"""

import fcntl
import logging
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from psycopg.pq import PGconn, Ping

from gogobe_dagster.errors import DatabaseUnavailable, SettingsError
from gogobe_dagster.postgres_programs import Account, find_programs, own_socket_folder, settle, socket_folder
from gogobe_dagster.settings import Settings

DATABASES = ("gogobe", "dagster")
USER = "gogobe"
PORT = 5432
"""Names the socket where nothing listens on TCP."""
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2")
PATIENCE = 600
"""Seconds that recovery or shutdown of a large warehouse may take."""
DEAF_SECONDS = 5
"""How long a living server may go without a socket before it is restarted."""

CONFIGURATION = {
    # who may come in: this account and root, through the socket
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # bulk loads on two cores: few checkpoints, small WAL
    "shared_buffers": "512MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "wal_level": "minimal",  # COPY into a table of the same transaction skips the WAL
    "max_wal_senders": "0",
    "wal_compression": "on",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than our short queries
    "max_locks_per_transaction": "256",  # price history has a partition a month
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "cluster_name": "gogobe",
}

_log = logging.getLogger(__name__)


def warehouse_url(settings: Settings) -> str:
    """Return the warehouse's URL for libpq: the setting's, or the embedded server's."""
    given = _plain(settings.database_url, variable="GOGOBE_DATABASE_URL")
    return given or embedded(settings).url("gogobe")


def dagster_url(settings: Settings) -> str:
    """Return the URL of Dagster's storage for SQLAlchemy.

    The driver is named, because SQLAlchemy 2.1 takes plain postgresql:// for psycopg 3, with which
    dagster-postgres 0.29 cannot launch a run.
    """
    given = _plain(settings.dagster_database_url, variable="GOGOBE_DAGSTER_DATABASE_URL")
    url = given or embedded(settings).url("dagster")
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def ensure_running(settings: Settings) -> None:
    """Start the embedded server, if one of the two databases is its."""
    warehouse_url(settings), dagster_url(settings)
    if not (settings.database_url and settings.dagster_database_url):
        embedded(settings).start()


def embedded(settings: Settings) -> "EmbeddedPostgres":
    """Return the embedded server of these settings; it may be running or not."""
    return EmbeddedPostgres(settings.folder / "postgres", settings.pg_bin, settings.pg_port)


def _plain(url: str, *, variable: str) -> str:
    scheme, separator, rest = url.partition("://")
    if url and (not separator or scheme not in SCHEMES):
        accepted = ", ".join(f"{name}://" for name in SCHEMES)
        raise SettingsError(f"{variable}={scheme}{separator}…: accepted are {accepted}")
    return url and f"postgresql://{rest}"


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """One server on one folder. Every method may be called by many processes at once."""

    folder: Path
    bin_folder: Path | None = None
    port: int = 0
    options: Mapping[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """Have the server running and both databases in it, whatever happened before."""
        with self._alone():
            account = Account.for_server(self.folder)
            home = _Home(settle(self.folder, account), account, self.port)
            if not home.comes_up_by_itself():
                home.launch(find_programs(self.bin_folder, account), CONFIGURATION | dict(self.options))
            self._create_missing_databases()

    def stop(self) -> None:
        """Have the server not running; open transactions are rolled back."""
        if not self.folder.exists():
            return
        with self._alone():
            account = Account.for_server(self.folder)
            _Home(self.folder.resolve(), account, self.port).shut_down()

    def is_running(self) -> bool:
        """Return whether the server takes connections, found out by connecting."""
        return _ping(socket_folder(self.folder.resolve()), self.port) == Ping.OK

    def url(self, database: str) -> str:
        """Return the URL of one of its databases, through the socket."""
        folder = socket_folder(self.folder.resolve())
        return f"postgresql://{USER}@/{database}?host={folder}&port={self.port or PORT}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        path = self.folder.with_name(f"{self.folder.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise DatabaseUnavailable(
                f"the embedded server cannot use {self.folder}: {error}; set GOGOBE_HOME to another folder"
            ) from error

    def _create_missing_databases(self) -> None:
        try:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
                for name in DATABASES:
                    if name not in there:
                        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(f"the embedded server at {self.folder}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Home:
    """The server's real folder, seen by whoever holds the lock: data, socket, log."""

    folder: Path
    account: Account
    port: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def comes_up_by_itself(self) -> bool:
        """Wait for a server that is running, starting, recovering or stopping; False = none is left."""
        began = silent_since = time.monotonic()
        while (answer := _ping(socket_folder(self.folder), self.port)) != Ping.OK:
            if self._postmaster() is None:
                return False
            self._refuse_other_port()
            if time.monotonic() - began > PATIENCE:
                raise DatabaseUnavailable(f"the embedded server is not ready yet: see {self.log}")
            if answer == Ping.REJECT:  # it answers: recovering, or shutting down
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > DEAF_SECONDS:
                # Its socket was removed under it, by a cleaner of /tmp for instance.
                self.shut_down()
            time.sleep(0.05)
        return True

    def launch(self, programs: Path, configuration: Mapping[str, str]) -> None:
        """Start a server where none runs: make the data folder if there is none, and recover."""
        began = time.monotonic()
        sockets = socket_folder(self.folder)
        own_socket_folder(sockets, self.account)
        if not self.data.exists():
            self._initialise(programs)
        listen = {"listen_addresses": "127.0.0.1"} if self.port else {}
        place = {"port": str(self.port or PORT), "unix_socket_directories": str(sockets)}
        self._write_configuration(dict(configuration) | listen | place)
        self._clear_remains()
        self._run([programs / "pg_ctl", "start", "-w", "-t", PATIENCE, "-D", self.data, "-l", self.log])
        _log.info("embedded PostgreSQL started in %.1f s: %s", time.monotonic() - began, self.folder)

    def shut_down(self) -> None:
        """Stop the server, if one runs."""
        postmaster = self._postmaster()
        if postmaster is None:
            return
        # As `pg_ctl stop -m fast` does, which however would signal a stale pid's new owner.
        postmaster.send_signal(signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        while self._runs(postmaster):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"the embedded server does not stop: see {self.log}")
            time.sleep(0.02)
        with suppress(OSError):
            socket_folder(self.folder).rmdir()

    def _initialise(self, programs: Path) -> None:
        for half in self.folder.glob("half-*"):
            shutil.rmtree(half, ignore_errors=True)
        half = Path(tempfile.mkdtemp(prefix="half-", dir=self.folder))
        self.account.give(half)
        locale = ["--locale=C.UTF-8", "--encoding=UTF8"]
        self._run([programs / "initdb", "-D", half, "-U", USER, "--auth=trust", *locale])
        with (half / "postgresql.conf").open("a") as main:
            main.write("\ninclude = 'gogobe.conf'\n")
        half.rename(self.data)

    def _write_configuration(self, configuration: Mapping[str, str]) -> None:
        lines = [
            "# Written at every start. Your own settings: ALTER SYSTEM SET, which wins over this file.",
            *(f"{name} = '{value}'" for name, value in configuration.items()),
        ]
        path = self.data / "gogobe.conf"
        path.write_text("\n".join([*lines, ""]))
        self.account.give(path, mode=0o600)

    def _clear_remains(self) -> None:
        """Remove what a killed server left and what would keep the next one from starting."""
        pid = self._noted(0)
        if pid is not None and psutil.pid_exists(pid):
            # The pid went to another program; PostgreSQL would take it for a living server.
            (self.data / "postmaster.pid").unlink()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if self._runs(process):
                    process.kill()  # a worker whose server is dead still holds the shared memory
                    process.wait(10)

    def _postmaster(self) -> psutil.Process | None:
        pid = self._noted(0)
        if pid is None or not psutil.pid_exists(pid):
            return None
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            return process if self._runs(process) else None
        return None

    def _runs(self, process: psutil.Process) -> bool:
        """Return whether a process lives and is a PostgreSQL that works in our data folder."""
        try:
            if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
                return False
            return process.cwd() == str(self.data)
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:  # root in a container without CAP_SYS_PTRACE
            return str(self.data) in process.cmdline()

    def _refuse_other_port(self) -> None:
        port = self._noted(3)
        if port not in {None, self.port or PORT} and _ping(socket_folder(self.folder), port or 0) == Ping.OK:
            raise DatabaseUnavailable(
                f"the embedded server runs already, with GOGOBE_PG_PORT={0 if port == PORT else port}: "
                "stop it before you change the port"
            )

    def _noted(self, line: int) -> int | None:
        """Return a number that the last server wrote into its pid file: a hint, never a proof."""
        with suppress(OSError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text().splitlines()[line])
        return None

    def _run(self, command: list[str | int | Path]) -> None:
        done = self.account.run(command)
        if done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()
            tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
            raise DatabaseUnavailable(f"the embedded server does not start ({self.log}):\n{said}\n{tail}")


def _ping(sockets: Path, port: int) -> Ping:
    where = f"host={sockets} port={port or PORT} user={USER} dbname=postgres connect_timeout=5"
    return Ping(PGconn.ping(os.fsencode(where)))
