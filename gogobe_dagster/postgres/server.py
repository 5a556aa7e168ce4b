"""The embedded PostgreSQL server, for users without one, and the URLs of the two databases.

Other modules call `warehouse_url` and `dagster_url` and need not know whether the server is embedded.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Ping

from gogobe_dagster.errors import DatabaseUnavailable, SettingsError
from gogobe_dagster.feeds.feed_settings import NO_PORT, check_port
from gogobe_dagster.postgres.binaries import (
    Account,
    check_socket_folder,
    find_programs,
    prepare_folder,
    socket_folder,
)
from gogobe_dagster.postgres.cluster import CONFIGURATION, PORT, Cluster, ping
from gogobe_dagster.postgres.home import make_home, open_to_others
from gogobe_dagster.postgres.roles import (
    DATABASES,
    OWNER,
    SUPERUSER,
    create_databases,
    create_roles,
    set_passwords,
)
from gogobe_dagster.printable import HIDDEN
from gogobe_dagster.settings import Settings

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2")


def warehouse_url(settings: Settings) -> str:
    """Return the warehouse's URL for libpq: from the settings, or that of the embedded server."""
    url = _normalized(settings.database_url, variable="GOGOBE_DATABASE_URL")
    return url or embedded_server(settings).url("gogobe")


def dagster_url(settings: Settings) -> str:
    """Return the URL of Dagster's storage for SQLAlchemy.

    It names the driver: SQLAlchemy 2.1 uses psycopg 3 for plain postgresql://, and with that
    dagster-postgres 0.29 cannot launch runs.
    """
    url = _normalized(settings.dagster_database_url, variable="GOGOBE_DAGSTER_DATABASE_URL")
    url = url or embedded_server(settings).url("dagster")
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def libpq_url(url: str) -> str:
    """Return a URL for SQLAlchemy as one for libpq, without the driver."""
    return url.replace("+psycopg2", "", 1)


def prepare_home(settings: Settings) -> str:
    """Create the home folder if there is none; return what to do if others can get into it, or ""."""
    make_home(settings.folder, _account(settings))
    return open_to_others(settings.folder, _account(settings))


def _account(settings: Settings) -> Account:
    return Account.for_server(settings.folder / "postgres") if uses_embedded(settings) else Account.current()


def ensure_running(settings: Settings) -> None:
    """Start the embedded server if it holds one of the two databases."""
    if uses_embedded(settings):
        make_home(settings.folder, _account(settings))
        embedded_server(settings).start()


def uses_embedded(settings: Settings) -> bool:
    """Return whether the embedded server holds a database, also if its URL was set by `gogobe env`."""
    return not _urls(settings).isdisjoint(_embedded_urls(settings))


def uses_other_server(settings: Settings) -> bool:
    """Return whether a database is in a server that we do not start and stop."""
    return not _urls(settings).issubset(_embedded_urls(settings))


def embedded_server(settings: Settings) -> "EmbeddedPostgres":
    """Return the embedded server of these settings, whether running or not."""
    return EmbeddedPostgres(settings.folder / "postgres", settings.pg_bin, settings.pg_port)


def _urls(settings: Settings) -> set[str]:
    return {warehouse_url(settings), libpq_url(dagster_url(settings))}


def _embedded_urls(settings: Settings) -> set[str]:
    return {embedded_server(settings).url(database) for database in DATABASES}


def _normalized(url: str, *, variable: str) -> str:
    scheme, separator, rest = url.partition("://")
    if url and (not separator or scheme not in SCHEMES):
        accepted = ", ".join(f"{name}://" for name in SCHEMES)
        shown = f"{scheme}://" if separator and scheme.isidentifier() else ""
        raise SettingsError(f"{variable}={shown}{HIDDEN}: accepted are {accepted}")
    normalized = url and f"postgresql://{rest}"
    try:
        conninfo_to_dict(check_port(normalized))
    except (ValueError, psycopg.ProgrammingError):  # whose text would show a part of the password
        raise SettingsError(f"{variable}: {NO_PORT}") from None
    return normalized


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A server in a folder. All methods may be called by several processes at once."""

    folder: Path
    bin_folder: Path | None = None
    port: int = 0
    options: Mapping[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """Start the server, unless it is running, and create missing databases. Idempotent."""
        with self._locked():
            account = Account.for_server(self.folder)
            cluster = Cluster(prepare_folder(self.folder, account), account, self.port)
            check_socket_folder(socket_folder(cluster.folder), account)
            cluster.limit_log()
            if not cluster.wait_until_ready():
                cluster.launch(find_programs(self.bin_folder, account), CONFIGURATION | dict(self.options))
            self._set_up()

    def limit_log(self) -> None:
        """Keep the log of a server that runs for months small; `start` does the same."""
        account = Account.for_server(self.folder)
        Cluster(self.folder.resolve(), account, self.port).limit_log()

    def stop(self) -> bool:
        """Stop the server; open transactions are rolled back. Return whether it was running."""
        if not self.folder.exists():
            return False
        with self._locked():
            account = Account.for_server(self.folder)
            return Cluster(self.folder.resolve(), account, self.port).shut_down()

    def is_running(self) -> bool:
        """Return whether the server accepts connections, by connecting."""
        return ping(socket_folder(self.folder.resolve()), self.port) == Ping.OK

    def url(self, database: str) -> str:
        """Return the URL of one of its databases, by its socket, as the role that owns them."""
        return self._url(database, OWNER)

    def admin_url(self, database: str) -> str:
        """Return the same URL as the superuser: for setting up, never for daily use."""
        return self._url(database, SUPERUSER)

    @property
    def passfile(self) -> Path:
        """The libpq passfile for the TCP port; it exists once the server has run with one."""
        return self.folder.with_name("pgpass")

    def _url(self, database: str, role: str) -> str:
        folder = socket_folder(self.folder.resolve())
        return f"postgresql://{role}@/{database}?host={folder}&port={self.port or PORT}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
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

    def _set_up(self) -> None:
        try:
            with psycopg.connect(self.admin_url("postgres"), autocommit=True) as connection:
                create_roles(connection)
                created = create_databases(connection)
                if self.port:
                    set_passwords(connection, self.passfile, self.port)
            if "gogobe" in created:
                with psycopg.connect(self.admin_url("gogobe")) as connection:
                    # measures how bloated indexes are; only a superuser may create it
                    connection.execute("create extension if not exists pgstattuple")
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(f"the embedded server at {self.folder}: {error}") from error
