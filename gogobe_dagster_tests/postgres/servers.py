"""What tests of embedded servers share: folders, and finding and ending their processes."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from gogobe_dagster.postgres.server import EmbeddedPostgres

# Nobody keeps what a test writes, so it need not reach the disk.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
START = (
    "import sys; from pathlib import Path; from gogobe_dagster.postgres.server import EmbeddedPostgres; "
    "EmbeddedPostgres(Path(sys.argv[1])).start()"
)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A short folder that the server's account can get into, unlike pytest's own when root runs it."""
    folder = Path(tempfile.mkdtemp(prefix="gogobe-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def temporary_server() -> Iterator[EmbeddedPostgres]:
    """A running server that is gone afterwards, with its databases."""
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres", options=FAST)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def processes_of(server: EmbeddedPostgres) -> list[psutil.Process]:
    """Every living process that works in the server's data folder."""
    data, found = str(server.folder.resolve() / "data"), []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == data and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def postmaster_of(server: EmbeddedPostgres) -> psutil.Process:
    """The one process of the server that none of its other processes started."""
    parents = {}
    for process in processes_of(server):
        with suppress(psutil.NoSuchProcess):  # a worker that came and went
            parents[process] = process.parent()
    (only,) = [process for process, parent in parents.items() if parent not in parents]
    return only


def kill_everything(server: EmbeddedPostgres) -> None:
    """Power cut: SIGKILL to the server and all of its processes."""
    everyone = processes_of(server)
    for process in everyone:
        with suppress(psutil.NoSuchProcess):  # a worker that went by itself, or with the one killed before
            process.kill()
    psutil.wait_procs(everyone, timeout=20)


def starter(folder: Path) -> subprocess.Popen[str]:
    """Another process that starts the server of a folder."""
    return subprocess.Popen([sys.executable, "-c", START, folder], stderr=subprocess.PIPE, text=True)


def answer(server: EmbeddedPostgres, question: str, database: str = "gogobe") -> object:
    """The single value that a query returns."""
    with psycopg.connect(server.admin_url(database)) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row and row[0]


def execute(server: EmbeddedPostgres, statement: str, database: str = "gogobe") -> None:
    with psycopg.connect(server.admin_url(database), autocommit=True) as connection:
        connection.execute(statement.encode())


def sleeper(uid: int, gid: int) -> subprocess.Popen[bytes]:
    """A living program of a user that has nothing to do with PostgreSQL."""
    other = (uid, gid) if os.geteuid() == 0 else (None, None)
    return subprocess.Popen(["sleep", "120"], user=other[0], group=other[1], cwd="/")


def passwords(passfile: Path) -> dict[str, str]:
    """The passwords in a libpq passfile, by role."""
    return {line.split(":")[3]: line.split(":")[4] for line in passfile.read_text().splitlines()}
