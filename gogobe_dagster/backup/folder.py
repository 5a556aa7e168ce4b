"""A folder of backups, on a disk or in a bucket.

    20261130T020000Z/   a backup: one folder per dumped database, and manifest.json, which comes last
    files/              the bytes of raw and lake files by SHA-256, shared by all backups
    lock                held while a backup is made; a bucket has none, and is locked in the database

A backup without a manifest is what a killed process left. The next one removes it, and finds the files that
were copied already.
"""

import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from upath import UPath

from gogobe_dagster.backup.manifest import NAME, Manifest
from gogobe_dagster.errors import BackupError
from gogobe_dagster.files.durable import make_folder, open_root, put, reason_of, store_errors
from gogobe_dagster.files.raw_store import RawStore

_BACKUP: Final = re.compile(r"\d{8}T\d{6}Z")
_TIME: Final = "%Y%m%dT%H%M%SZ"


class BackupFolder:
    """Several backups, and the files that they share."""

    def __init__(self, root: str) -> None:
        """Take a folder, which need not exist, or s3://BUCKET/…, whose bucket must.

        Raises `SettingsError` if what a bucket needs is not installed.
        """
        self.is_bucket = "://" in root
        self.root = open_root(root if self.is_bucket else UPath(root).expanduser().resolve())
        self.files = RawStore(self.root / "files")

    def complete(self) -> list[str]:
        """Return the names of the complete backups, oldest first."""
        return [name for name in self._backups() if (self.root / name / NAME).is_file()]

    def newest(self) -> str | None:
        """Return the name of the newest complete backup."""
        return next(reversed(self.complete()), None)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other backups out of a folder. Raises `BackupError` if one is being made."""
        if self.is_bucket:
            yield
            return
        if not self.root.exists():
            make_folder(self.root)
            self.root.chmod(0o700)
        with (self.root / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(f"another backup into {self.root} is being made: try later") from None
            yield

    def begin(self, now: datetime) -> UPath:
        """Remove what killed backups left, and create the folder of a new one."""
        for name in set(self._backups()) - set(self.complete()):
            self.remove(self.root / name)
        seconds = (now + timedelta(seconds=number) for number in count())
        names = (at.astimezone(UTC).strftime(_TIME) for at in seconds)
        folder = next(self.root / name for name in names if not (self.root / name).exists())
        make_folder(folder)
        return folder

    @contextmanager
    def dumping(self, backup: UPath) -> Iterator[Path]:
        """Give a local folder for dumps; those for a bucket are uploaded afterwards."""
        if not self.is_bucket:
            yield Path(backup.path)
            return
        with TemporaryDirectory(prefix="gogobe-backup-") as folder:
            yield Path(folder)
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    backup.fs.put_file(str(path), (backup / str(path.relative_to(folder))).path)

    @contextmanager
    def dumps(self, backup: UPath, manifest: Manifest) -> Iterator[Path]:
        """Give a local folder that has the dumps of a backup, as far as they are there."""
        if not self.is_bucket:
            yield Path(backup.path)
            return
        with TemporaryDirectory(prefix="gogobe-restore-") as folder:
            for dump in manifest.dumps:
                Path(folder, dump.path).parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # found missing when its hash is compared
                    backup.fs.get_file((backup / dump.path).path, str(Path(folder, dump.path)))
            yield Path(folder)

    def finish(self, folder: UPath, manifest: Manifest) -> None:
        """Write the manifest: from now on the backup is complete."""
        put(folder / NAME, manifest.model_dump_json().encode())

    def remove(self, backup: UPath) -> None:
        """Remove what there is of a backup, apart from the files that all share. Idempotent."""
        with suppress(FileNotFoundError):
            backup.fs.rm(backup.path, recursive=True)

    def keep_newest(self, number: int) -> list[str]:
        """Remove all but the newest backups, and the files that only they had; return their names."""
        names = self.complete()
        removed = names[: max(len(names) - number, 0)]
        for name in removed:
            (self.root / name / NAME).unlink()  # first: a half-removed backup must not count
            self.remove(self.root / name)
        self._remove_unused_files()
        return removed

    def _remove_unused_files(self) -> None:
        """Remove files that no backup has; none while a manifest cannot be read: it may name any."""
        try:
            manifests = [Manifest.read(self.root / name) for name in self.complete()]
        except BackupError:
            return
        used = {file.sha256 for manifest in manifests for file in manifest.files}
        for sha256 in self.files.sizes().keys() - used:
            self.files.remove(sha256)
        if not self.is_bucket:
            shutil.rmtree((self.root / "files" / "arriving").path, ignore_errors=True)

    def _backups(self) -> list[str]:
        """Return the names of all backups. A bucket that does not exist has none; writing into it fails."""
        try:
            paths = self.root.fs.ls(self.root.path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except store_errors() as error:
            raise BackupError(f"{self.root} cannot be read: {reason_of(error)}") from error
        names = (path.rstrip("/").rpartition("/")[2] for path in paths)
        return sorted(name for name in names if _BACKUP.fullmatch(name))


def made_at(name: str) -> datetime:
    """Return when a backup was begun, by its name."""
    return datetime.strptime(name, _TIME).replace(tzinfo=UTC)
