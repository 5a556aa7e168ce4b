"""The home folder keeps others out; what killed servers left below /tmp is removed."""

import os
import socket
import stat
from pathlib import Path

import pytest

from gogobe_dagster.postgres.binaries import Account
from gogobe_dagster.postgres.dead_sockets import remove_dead_sockets
from gogobe_dagster.postgres.home import make_home, open_to_others
from gogobe_dagster.postgres.server import prepare_home
from gogobe_dagster.settings import Settings

OTHER = Account(65534, 65534)
AN_HOUR_AGO = (0, 0)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_home_is_for_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"

    make_home(home, Account.current())

    assert mode(home) == 0o700
    assert open_to_others(home, Account.current()) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another account")
def test_a_home_of_root_lets_the_account_of_the_server_through_and_nobody_else(tmp_path: Path) -> None:
    home = tmp_path / "home"

    make_home(home, OTHER)

    assert (mode(home), home.stat().st_gid) == (0o710, OTHER.gid)
    assert open_to_others(home, OTHER) == ""


@pytest.mark.parametrize("wrong", [0o755, 0o750, 0o701, 0o770])
def test_an_existing_home_that_others_can_enter_is_told_and_left_as_it_is(tmp_path: Path, wrong: int) -> None:
    settings = Settings(
        home=tmp_path / "home", database_url="postgresql:///a", dagster_database_url="postgresql:///b"
    )
    settings.folder.mkdir()
    settings.folder.chmod(wrong)

    warning = prepare_home(settings)

    assert f"(mode {wrong:o}): chmod 700 {settings.folder}" in warning
    assert mode(settings.folder) == wrong


def leftover(folder: Path, name: str = ".s.PGSQL.5432") -> Path:
    """A folder as a killed server leaves it, an hour ago."""
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / name))
    (folder / ".s.PGSQL.5432.lock").write_text("123\n")
    os.utime(folder, AN_HOUR_AGO)
    return folder


def test_folders_with_dead_sockets_are_removed(short_folder: Path) -> None:
    dead = [
        leftover(short_folder / "gogobe-0123456789ab"),
        leftover(short_folder / "gogobe-up-a1b2c3d_", "code.sock"),
    ]

    assert sorted(remove_dead_sockets(short_folder)) == dead

    assert list(short_folder.iterdir()) == []


def test_folders_of_others_and_of_living_servers_stay(short_folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        living = short_folder / "gogobe-0123456789ab"
        living.mkdir()
        server.bind(str(living / ".s.PGSQL.5432"))
        server.listen()
        os.utime(living, AN_HOUR_AGO)
        starting = leftover(short_folder / "gogobe-0123456789ac")
        os.utime(starting)
        with_more = leftover(short_folder / "gogobe-0123456789ad")
        (with_more / "prices.csv").touch()
        os.utime(with_more, AN_HOUR_AGO)
        leftover(short_folder / "gogobe-elsewhere")
        (short_folder / "target").mkdir()
        (short_folder / "gogobe-0123456789ae").symlink_to(short_folder / "target")
        before = sorted(short_folder.rglob("*"))

        assert remove_dead_sockets(short_folder) == []

        assert sorted(short_folder.rglob("*")) == before
