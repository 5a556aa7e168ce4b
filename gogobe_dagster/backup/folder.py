"""A folder of backups.

    20261130T020000Z/   a backup: one folder per dumped database, and manifest.json, which comes last
    files/              the bytes of raw and lake files by SHA-256, shared by all backups
    lock                held while a backup is made

A backup without a manifest is what a killed process left. The next one removes it, and finds the files that
were copied already.
"""

import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final

from upath import UPath

from gogobe_dagster.backup.manifest import NAME, Manifest
from gogobe_dagster.errors import BackupError
from gogobe_dagster.files.durable import make_folder, publish
from gogobe_dagster.files.raw_store import RawStore

_BACKUP: Final = re.compile(r"\d{8}T\d{6}Z")
_TIME: Final = "%Y%m%dT%H%M%SZ"


class BackupFolder:
    """Several backups, and the files that they share."""

    def __init__(self, root: str) -> None:
        """Take a local folder, which need not exist. Raises `BackupError` for object storage."""
        if "://" in root:
            raise BackupError(f"{root}: backups in object storage do not exist yet; name a folder")
        self.root = Path(root).expanduser().resolve()
        self.files = RawStore(str(self.root / "files"))

    def complete(self) -> list[str]:
        """Return the names of the complete backups, oldest first."""
        return [name for name in self._backups() if (self.root / name / NAME).is_file()]

    def newest(self) -> str | None:
        """Return the name of the newest complete backup."""
        return next(reversed(self.complete()), None)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other backups out. Raises `BackupError` if one is being made."""
        if not self.root.exists():
            make_folder(UPath(self.root))
            self.root.chmod(0o700)
        with (self.root / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(f"another backup into {self.root} is being made: try later") from None
            yield

    def begin(self, now: datetime) -> Path:
        """Remove what killed backups left, and create the folder of a new one."""
        for name in set(self._backups()) - set(self.complete()):
            shutil.rmtree(self.root / name)
        seconds = (now + timedelta(seconds=number) for number in count())
        names = (at.astimezone(UTC).strftime(_TIME) for at in seconds)
        folder = next(self.root / name for name in names if not (self.root / name).exists())
        make_folder(UPath(folder))
        return folder

    def finish(self, folder: Path, manifest: Manifest) -> None:
        """Write the manifest: from now on the backup is complete."""
        draft = folder / f"{NAME}.draft"
        draft.write_text(manifest.model_dump_json(), encoding="utf-8")
        publish(UPath(draft), UPath(folder / NAME))

    def keep_newest(self, number: int) -> list[str]:
        """Remove all but the newest backups, and the files that only they had; return their names."""
        names = self.complete()
        removed = names[: max(len(names) - number, 0)]
        for name in removed:
            (self.root / name / NAME).unlink()  # first: a half-removed backup must not count
            shutil.rmtree(self.root / name)
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
        shutil.rmtree(self.root / "files" / "arriving", ignore_errors=True)

    def _backups(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if _BACKUP.fullmatch(entry.name))


def made_at(name: str) -> datetime:
    """Return when a backup was begun, by its name."""
    return datetime.strptime(name, _TIME).replace(tzinfo=UTC)
