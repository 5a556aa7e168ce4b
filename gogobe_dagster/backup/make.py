"""Makes a backup: dumps first, then the files that the dumped ledger names, then the manifest.

The ledger is asked in the snapshot that is dumped, so that a restored ledger names no file that came later.
What retention or a damaged disk takes away in between is named. Imports may go on. A backup may be killed at
any time: it does not count without its manifest, and the next one does not copy again what was copied.
"""

import errno
import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from upath import UPath

from gogobe_dagster.backup.folder import BackupFolder
from gogobe_dagster.backup.manifest import Area, DumpFile, KeptFile, Manifest
from gogobe_dagster.errors import BackupError
from gogobe_dagster.files.durable import reason_of, store_errors
from gogobe_dagster.postgres.dump import DumpError, Programs
from gogobe_dagster.postgres.server import dagster_url, warehouse_url
from gogobe_dagster.resources import Resources
from gogobe_dagster.sizes import MEGABYTE, chunk_by_size
from gogobe_dagster.warehouse.ledger.stored_files import awaited, named_in_ledger
from gogobe_dagster.warehouse.locks import AdvisoryLock, share, try_lock
from gogobe_dagster.warehouse.schema.migrate import revision_of
from gogobe_dagster.warehouse.schema.tables import file

WAREHOUSE: Final = "warehouse"
DAGSTER: Final = "dagster"
AT_ONCE: Final = 20_000
_DISK_FULL: Final = "No space left on device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A complete backup."""

    name: str
    manifest: Manifest
    copied: int
    """Number of files that no former backup had."""
    copied_bytes: int
    removed: list[str]
    """Names of the old backups that were removed."""

    @property
    def dump_bytes(self) -> int:
        """Size of the dumps."""
        return sum(dump.size for dump in self.manifest.dumps)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A file of the raw store or the lake that the ledger names."""

    area: Area
    path: str
    location: UPath
    size: int
    modified_at: datetime
    sha256: str | None
    """Known for raw files: it is their name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dumped:
    """What the ledger says in the snapshot that was dumped."""

    revision: str
    sources: list[_Source]
    absent: list[str]


def make_backup(
    resources: Resources, folder: BackupFolder, *, keep: int, tell: Callable[[str], None]
) -> Made:
    """Make a backup, then remove all but the newest `keep`. Raises `BackupError`."""
    try:
        with folder.locked(), _locked(resources, folder):
            return _make(resources, folder, keep, tell)
    except DumpError as error:
        raise _as_backup_error(folder, str(error), _DISK_FULL in str(error)) from error
    except store_errors() as error:
        is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        raise _as_backup_error(folder, reason_of(error), is_full) from error


@contextmanager
def _locked(resources: Resources, folder: BackupFolder) -> Iterator[None]:
    """Keep out other machines too. Raises `BackupError` if one of them backs up into the same folder."""
    with resources.engine.begin() as holder:
        if not try_lock(holder, AdvisoryLock.BACKUP, key=str(folder.root)):
            raise BackupError(f"another backup into {folder.root} is being made: try later")
        yield


def _as_backup_error(folder: BackupFolder, reason: str, is_full: bool) -> BackupError:  # noqa: FBT001
    if not is_full:
        return BackupError(f"no backup was made in {folder.root}: {reason}")
    return BackupError(
        f"no backup was made: the disk of {folder.root} is full. Free space, or keep fewer backups "
        "(GOGOBE_KEEP_BACKUPS), then make it again: it goes on with the files that are copied"
    )


def _make(resources: Resources, folder: BackupFolder, keep: int, tell: Callable[[str], None]) -> Made:
    known = _known_files(folder)
    began_at = resources.clock()
    backup = folder.begin(began_at)
    try:
        with folder.dumping(backup) as local:
            dumped = _dump(resources, local, tell)
            databases = tuple(sorted(path.name for path in local.iterdir()))
            dumps = tuple(_dump_file(path, local) for path in sorted(local.rglob("*")) if path.is_file())
        files, missing, copied = _copy(dumped.sources, folder, known, tell)
        manifest = Manifest(
            made_at=began_at.astimezone(UTC),
            revision=dumped.revision,
            databases=databases,
            dumps=dumps,
            files=tuple(files),
            missing=(*dumped.absent, *missing),
        )
        folder.finish(backup, manifest)
    except BaseException:
        with suppress(*store_errors()):
            folder.remove(backup)
        raise
    removed = folder.keep_newest(keep)
    sizes = [kept.size for kept in copied]
    return Made(
        name=backup.name, manifest=manifest, copied=len(sizes), copied_bytes=sum(sizes), removed=removed
    )


def _known_files(folder: BackupFolder) -> list[KeptFile]:
    """Return the files of the newest backup; none if its manifest is damaged: they are hashed again then."""
    name = folder.newest()
    try:
        return list(Manifest.read(folder.root / name).files) if name else []
    except BackupError:
        return []


def _dump(resources: Resources, folder: Path, tell: Callable[[str], None]) -> _Dumped:
    """Dump the warehouse and Dagster's database; the snapshot of the warehouse is the backup's."""
    settings, engine = resources.settings, resources.engine
    warehouse, dagster = warehouse_url(settings), dagster_url(settings).replace("+psycopg2", "", 1)
    with (
        engine.begin() as guard,
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
    ):
        share(guard, AdvisoryLock.HISTORY)
        snapshot = str(connection.scalar(sa.text("select pg_export_snapshot()")))
        programs = Programs(settings.pg_bin, major=server_major(connection))
        tell("dumping the warehouse")
        programs.dump(warehouse, folder / WAREHOUSE, snapshot=snapshot)
        tell("asking the ledger")
        dumped = _ask_ledger(connection, resources)
    if dagster != warehouse:
        tell("dumping Dagster's database")
        programs.dump(dagster, folder / DAGSTER)
    return dumped


def server_major(connection: sa.Connection) -> int:
    """Return the major version of a server."""
    return int(connection.scalar(sa.text("show server_version_num"))) // 10_000


def _ask_ledger(connection: sa.Connection, resources: Resources) -> _Dumped:
    sources = [
        *_named(connection, file.c.sha256, _raw_files(resources)),
        *_named(connection, file.c.lake_path, _lake_files(resources)),
    ]
    present = {source.path for source in sources}
    absent = [name for name in awaited(connection) if name not in present]
    return _Dumped(revision=revision_of(connection) or "", sources=sources, absent=absent)


def _raw_files(resources: Resources) -> Iterator[_Source]:
    store = resources.raw_store
    for found in store.files():
        yield _Source(
            area=Area.RAW,
            path=found.path,
            location=store.path(found.path),
            size=found.size,
            modified_at=found.modified_at,
            sha256=found.path,
        )


def _lake_files(resources: Resources) -> Iterator[_Source]:
    for found in resources.lake.files():
        yield _Source(
            area=Area.LAKE,
            path=found.path,
            location=resources.lake.content(found.path),
            size=found.size,
            modified_at=found.modified_at,
            sha256=None,
        )


def _named(
    connection: sa.Connection, column: sa.Column[str], sources: Iterator[_Source]
) -> Iterator[_Source]:
    """Leave out what the ledger does not name: orphans, and what came after the snapshot."""
    for chunk in chunk_by_size(sources, lambda _: 1, max_size=AT_ONCE):
        named = named_in_ledger(connection, column, [source.path for source in chunk])
        yield from (source for source in chunk if source.path in named)


def _copy(
    sources: list[_Source], folder: BackupFolder, known: list[KeptFile], tell: Callable[[str], None]
) -> tuple[list[KeptFile], list[str], list[KeptFile]]:
    """Copy what the folder has not; return all files, the names of those that vanished, and the new ones."""
    stored = folder.files.sizes()
    hashes = {(kept.area, kept.path, kept.size, kept.modified_at): kept.sha256 for kept in known}
    files, missing, copied = list[KeptFile](), list[str](), list[KeptFile]()
    for number, source in enumerate(sources, 1):
        tell(f"file {number:,} of {len(sources):,}")
        sha256 = source.sha256 or hashes.get((source.area, source.path, source.size, source.modified_at))
        try:
            sha256 = sha256 or _hash(source.location)
            is_stored = stored.get(sha256) == source.size
            kept = _kept(source, sha256, source.size) if is_stored else _copy_file(source, folder)
        except FileNotFoundError:
            kept = None
        if kept is None:
            missing.append(source.path)
            continue
        files.append(kept)
        if not is_stored:
            copied.append(kept)
    return files, missing, copied


def _copy_file(source: _Source, folder: BackupFolder) -> KeptFile | None:
    """Copy a file; None: a raw file has other bytes than its name says."""
    with source.location.open("rb") as content:
        chunks = iter(lambda: content.read(MEGABYTE), b"")
        stored = folder.files.save(chunks, limit=sys.maxsize)
    if source.sha256 not in {None, stored.sha256}:
        return None
    return _kept(source, stored.sha256, stored.size)


def _kept(source: _Source, sha256: str, size: int) -> KeptFile:
    return KeptFile(
        area=source.area, path=source.path, sha256=sha256, size=size, modified_at=source.modified_at
    )


def _dump_file(path: Path, backup: Path) -> DumpFile:
    return DumpFile(path=str(path.relative_to(backup)), sha256=_hash(path), size=path.stat().st_size)


def _hash(path: Path | UPath) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as content:
        for chunk in iter(lambda: content.read(MEGABYTE), b""):
            digest.update(chunk)
    return digest.hexdigest()
