"""Servers that belong to one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster_tests.postgres.servers import FAST


@pytest.fixture
def server(short_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server that was never started, and forgets at a power cut; stopped afterwards."""
    server = EmbeddedPostgres(short_folder / "postgres", options=FAST)
    yield server
    server.stop()


@pytest.fixture
def durable_server(short_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server as people run it."""
    server = EmbeddedPostgres(short_folder / "postgres")
    yield server
    server.stop()
