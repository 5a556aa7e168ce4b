"""One filled warehouse for all tests of a worker; nobody changes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import sleep
from urllib.parse import urlsplit, urlunsplit

import pytest
import uvicorn

from gogobe_dagster.postgres.roles import READER
from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.service.server import make_server
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.schema.migrate import connect, migrate
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.consumers.example_market import fill
from gogobe_dagster_tests.ports import free_port


@dataclass(frozen=True)
class Filled:
    """Where a filled warehouse and its lake are."""

    url: str
    lake: Path


@pytest.fixture(scope="session")
def filled(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Give the warehouse of `example_market`."""
    lake = tmp_path_factory.mktemp("lake")
    with postgres_server.database() as url:
        migrate(url)
        engine = connect(url)
        fill(engine, lake)
        engine.dispose()
        yield Filled(url, lake)


@pytest.fixture(scope="session")
def reader(filled: Filled) -> Iterator[Reader]:
    """Give the filled warehouse as those see it who can only read."""
    reader = Reader(as_role(filled.url, READER))
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def service(reader: Reader) -> Iterator[str]:
    """Give the address of a running service."""
    with running(reader, Settings()) as url:
        yield url


@contextmanager
def running(reader: Reader, settings: Settings) -> Iterator[str]:
    """Run a service in a thread."""
    with served(make_server(reader, settings, port=free_port())) as url:
        yield url


@contextmanager
def served(server: uvicorn.Server) -> Iterator[str]:
    """Run an HTTP server in a thread; give its address."""
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        sleep(0.01)
    yield f"http://127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join()


def as_role(url: str, role: str) -> str:
    """Return the URL of a database for another role."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))
