"""Options and fixtures that several test folders share."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from gogobe_dagster.postgres.roles import OWNER
from gogobe_dagster_tests.import_env import ImportEnv, open_import_env, yesterday
from gogobe_dagster_tests.object_store import bucket, object_store
from gogobe_dagster_tests.postgres.servers import temporary_folder, temporary_server

__all__ = ["bucket", "object_store"]  # fixtures for all folders
LONG = 30
"""How many times as many examples a long run has."""
DEFAULT_CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpus", default=str(DEFAULT_CORPUS), help="Folder of real published files.")
    parser.addoption(
        "--database-url",
        default=os.environ.get("GOGOBE_TEST_DATABASE_URL", ""),
        help="postgresql://… of a server on which tests make and drop databases; empty = an embedded one.",
    )
    parser.addoption("--long", action="store_true", help="Many more examples, kills and restarts: minutes.")


def pytest_configure(config: pytest.Config) -> None:
    # without a deadline: on a busy machine any example may take a second
    settings.register_profile("short", deadline=None)
    settings.register_profile("long", deadline=None, max_examples=LONG * settings().max_examples)
    settings.load_profile("long" if config.getoption("--long") else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    only_long = pytest.mark.skip(reason="a variant of another test, which costs a minute: only with --long")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(only_long)


@pytest.fixture(scope="module", autouse=True)
def _the_day_of_the_module() -> None:
    """A run of the tests may go on over midnight; within a module the day stays the same."""
    yesterday.cache_clear()


@pytest.fixture(autouse=True)
def _environment_is_left_as_it_was() -> Iterator[None]:
    """A test that leaves settings behind changes what later tests of its process read."""
    before = _settings_of_this_process()
    yield
    after = _settings_of_this_process()
    for name in before.keys() | after.keys():
        os.environ.pop(name, None)
    os.environ.update(before)
    assert after == before


def _settings_of_this_process() -> dict[str, str]:
    ours = ("GOGOBE_", "DAGSTER_", "PG")
    return {name: value for name, value in os.environ.items() if name.startswith(ours)}


@pytest.fixture(scope="session")
def corpus(pytestconfig: pytest.Config) -> Path:
    """The folder of real published files, or a skip that names what is missing."""
    folder = Path(pytestconfig.getoption("--corpus"))
    if not (folder / "MANIFEST.tsv").is_file():
        pytest.skip(f"no corpus of real files at {folder}; give one with --corpus")
    return folder


@dataclass(frozen=True)
class DatabaseServer:
    """A running server on which tests have databases of their own."""

    admin_url: str
    owner: str | None = None
    """The role that owns the databases and that tests use; None: the administrator."""

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """Give the URL of a fresh copy of a template, dropped afterwards even if in use."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        if self.owner:
            self._run("ALTER DATABASE {} OWNER TO {}", name, self.owner)
        try:
            yield self.url(name)
        finally:
            self._run("DROP DATABASE {} WITH (FORCE)", name)

    @property
    def as_admin(self) -> "DatabaseServer":
        """The same server for tests that set it up as an administrator does."""
        return replace(self, owner=None)

    def url(self, database: str) -> str:
        parts = urlsplit(self.admin_url)._replace(path=f"/{database}")
        return urlunsplit(parts._replace(netloc=f"{self.owner}@") if self.owner else parts)

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A temporary folder that the embedded server can live in, also when tests run as root.

    Unlike `tmp_path` it is short enough for a socket, and the server's account can get into it.
    """
    with temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[DatabaseServer]:
    """One server for the tests of this worker; it never outlives them."""
    given = pytestconfig.getoption("--database-url")
    if given:
        yield DatabaseServer(given)
        return
    with temporary_server() as server:
        yield DatabaseServer(server.admin_url("postgres"), OWNER)


@pytest.fixture
def database_url(postgres_server: DatabaseServer) -> Iterator[str]:
    """A fresh, empty database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def import_env(postgres_server: DatabaseServer, tmp_path: Path) -> Iterator[ImportEnv]:
    """A whole project of its own: home, databases, replica."""
    with (
        postgres_server.database() as warehouse,
        postgres_server.database() as dagster,
        open_import_env(tmp_path / "home", warehouse_url=warehouse, dagster_url=dagster) as whole,
    ):
        yield whole
