"""The embedded server's folder and what lives in it, seen by whoever holds the lock: start, recover, stop.

Nothing here believes a pid file: a server runs if it answers, and a process is it if it works in the data
folder. The lock and the databases are `postgres.py`; what a folder may be is `postgres_programs.py`.
"""

import logging
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from psycopg.pq import PGconn, Ping

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.postgres.binaries import Account, own_socket_folder, socket_folder

USER = "gogobe"
PORT = 5432
"""Names the socket where nothing listens on TCP."""
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
    # the wheel's server knows pglz alone: it halved the WAL of a day and doubled the server's work on it
    "wal_compression": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than our short queries
    "max_parallel_workers_per_gather": "0",  # a question leaves the other core to loads, and is no slower
    "max_locks_per_transaction": "256",  # price history has a partition a month
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "cluster_name": "gogobe",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerHome:
    """One server's real folder: data, socket, log."""

    folder: Path
    account: Account
    port: int

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    def comes_up_by_itself(self) -> bool:
        """Wait for a server that is running, starting, recovering or stopping; False = none is left."""
        began = silent_since = time.monotonic()
        while (answer := ping(socket_folder(self.folder), self.port)) != Ping.OK:
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

    def shut_down(self) -> bool:
        """Stop the server; False = none runs."""
        postmaster = self._postmaster()
        if postmaster is None:
            return False
        # As `pg_ctl stop -m fast` does, which however would signal a stale pid's new owner.
        postmaster.send_signal(signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        while self._runs(postmaster):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"the embedded server does not stop: see {self.log}")
            time.sleep(0.02)
        with suppress(OSError):
            socket_folder(self.folder).rmdir()
        return True

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
        for remains in socket_folder(self.folder).glob(".s.PGSQL.*"):
            remains.unlink(missing_ok=True)  # the socket's lock names the same pid, with the same effect

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
        if port not in {None, self.port or PORT} and ping(socket_folder(self.folder), port or 0) == Ping.OK:
            raise DatabaseUnavailable(
                f"the embedded server runs already, with GOGOBE_PG_PORT={0 if port == PORT else port}: "
                "stop it before you change the port"
            )

    def _noted(self, line: int) -> int | None:
        """Return a number that the last server wrote into its pid file: a hint, never a proof."""
        with suppress(OSError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text().splitlines()[line])
        return None

    def _run(self, command: Sequence[str | int | Path]) -> None:
        done = self.account.run(command)
        if done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()
            tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
            raise DatabaseUnavailable(f"the embedded server does not start ({self.log}):\n{said}\n{tail}")


def ping(sockets: Path, port: int) -> Ping:
    """Ask a server whether it takes connections, by connecting."""
    where = f"host={sockets} port={port or PORT} user={USER} dbname=postgres connect_timeout=5"
    return Ping(PGconn.ping(os.fsencode(where)))
