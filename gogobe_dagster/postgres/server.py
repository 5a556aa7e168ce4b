"""A PostgreSQL server of our own, for people who have none, and the URLs of the two databases.

Other modules ask for `warehouse_url` and `dagster_url` and never see whose server answers. One server's
life is `postgres_home.py`; programs, system users and folders are `postgres_programs.py`; tables are the
warehouse's.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.pq import Ping

from gogobe_dagster.errors import DatabaseUnavailable, SettingsError
from gogobe_dagster.postgres.binaries import Account, find_programs, settle, socket_folder
from gogobe_dagster.postgres.cluster import CONFIGURATION, PORT, USER, ServerHome, ping
from gogobe_dagster.settings import Settings

DATABASES = ("gogobe", "dagster")
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2")


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
    """Start the embedded server, if one of the two databases is in it."""
    if uses_embedded(settings):
        embedded(settings).start()


def uses_embedded(settings: Settings) -> bool:
    """Return whether a database is in the embedded server: unnamed, or by the URL from `gogobe env`."""
    return not _used(settings).isdisjoint(_embedded_urls(settings))


def uses_other_server(settings: Settings) -> bool:
    """Return whether a database is in a server that is not ours to start and stop."""
    return not _used(settings).issubset(_embedded_urls(settings))


def embedded(settings: Settings) -> "EmbeddedPostgres":
    """Return the embedded server of these settings; it may be running or not."""
    return EmbeddedPostgres(settings.folder / "postgres", settings.pg_bin, settings.pg_port)


def _used(settings: Settings) -> set[str]:
    return {warehouse_url(settings), dagster_url(settings).replace("+psycopg2", "", 1)}


def _embedded_urls(settings: Settings) -> set[str]:
    return {embedded(settings).url(database) for database in DATABASES}


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
            home = ServerHome(settle(self.folder, account), account, self.port)
            if not home.comes_up_by_itself():
                home.launch(find_programs(self.bin_folder, account), CONFIGURATION | dict(self.options))
            self._create_missing_databases()

    def stop(self) -> bool:
        """Have the server not running; open transactions are rolled back. False = it was not."""
        if not self.folder.exists():
            return False
        with self._alone():
            account = Account.for_server(self.folder)
            return ServerHome(self.folder.resolve(), account, self.port).shut_down()

    def is_running(self) -> bool:
        """Return whether the server takes connections, found out by connecting."""
        return ping(socket_folder(self.folder.resolve()), self.port) == Ping.OK

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
