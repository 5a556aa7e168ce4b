"""`gogobe down` on real embedded servers: it stops them, says so, and may be called at any time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gogobe_dagster.commands.main import gogobe
from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster_tests.postgres.servers import FAST, processes_of

pytestmark = pytest.mark.slow


@pytest.fixture
def home(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of the settings, where nothing was done yet."""
    monkeypatch.setenv("GOGOBE_HOME", str(short_folder))
    for name in ("GOGOBE_DATABASE_URL", "GOGOBE_DAGSTER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return short_folder


@pytest.fixture
def servers(home: Path) -> Iterator[list[EmbeddedPostgres]]:
    """The home's server and the demo's, both running."""
    both = [EmbeddedPostgres(folder / "postgres", options=FAST) for folder in (home, home / "demo")]
    try:
        for server in both:
            server.start()
        yield both
    finally:
        for server in both:
            server.stop()


def down() -> str:
    ended = CliRunner().invoke(gogobe, ["down"])
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_down_stops_the_server_and_the_demos_and_twice_is_harmless(
    home: Path, servers: list[EmbeddedPostgres]
) -> None:
    first = down()

    assert [processes_of(server) for server in servers] == [[], []]
    assert first.splitlines() == [
        f"Stopped the embedded PostgreSQL in {server.folder}." for server in servers
    ]
    assert down() == f"No embedded PostgreSQL was running in {home}.\n"
    servers[0].start()
    assert servers[0].is_running()


def test_down_where_nothing_ever_ran_makes_no_files(home: Path) -> None:
    assert "No embedded PostgreSQL was running" in down()
    assert list(home.iterdir()) == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ["GOGOBE_DATABASE_URL", "GOGOBE_DAGSTER_DATABASE_URL"])
def test_down_says_that_a_server_of_your_own_is_not_stopped(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert "of your own" not in down()
    monkeypatch.setenv(name, "postgresql://nobody@127.0.0.1:1/nowhere")

    assert "a PostgreSQL server of your own, which is not stopped" in down()


def test_the_urls_that_gogobe_env_exports_are_not_taken_for_your_own(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedPostgres(home / "postgres")
    monkeypatch.setenv("GOGOBE_DATABASE_URL", server.url("gogobe"))
    monkeypatch.setenv("GOGOBE_DAGSTER_DATABASE_URL", server.url("dagster"))

    assert "of your own" not in down()
