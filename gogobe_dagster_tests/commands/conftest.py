"""The home folder of a `gogobe up`, and one that is watched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.commands.running_up import terminal_of
from gogobe_dagster_tests.commands.supervised import replica, supervised

__all__ = ["replica", "supervised"]


@pytest.fixture
def home(short_folder: Path) -> Iterator[Path]:
    """A home folder whose embedded server is stopped afterwards, should `up` have left it."""
    yield short_folder
    embedded_server(Settings(home=short_folder)).stop()
    terminal_of(short_folder).unlink(missing_ok=True)
