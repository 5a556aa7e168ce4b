"""Restores a backup into an empty home: verifies every hash first, then files, databases and migrations.

A restore that was killed leaves a mark in the home. Until it is repeated, no other command uses the home; the
repeated one begins with empty databases.
"""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from upath import UPath

from gogobe_dagster.backup.folder import BackupFolder
from gogobe_dagster.backup.make import DAGSTER, WAREHOUSE, server_major
from gogobe_dagster.backup.manifest import Area, Manifest
from gogobe_dagster.backup.restore_mark import mark_of
from gogobe_dagster.errors import BackupError, ContentError
from gogobe_dagster.files.durable import make_folder, reason_of, store_errors, sync
from gogobe_dagster.postgres.dump import Programs
from gogobe_dagster.postgres.run_queue import forget_cluster
from gogobe_dagster.postgres.server import dagster_url, ensure_running, warehouse_url
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.schema.enums import Replaced
from gogobe_dagster.warehouse.schema.extensions import require_trigrams
from gogobe_dagster.warehouse.schema.migrate import check_revision, connect, migrate
from gogobe_dagster.warehouse.schema.tables import schema_fingerprint

_OURS: Final = r"""
not exists (select from pg_depend where objid = oid and deptype = 'e') and nspname <> 'information_schema'
and nspname not like 'pg\_%'
"""
"""What belongs to no extension and not to PostgreSQL."""
_TABLES: Final = f"""
select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace
where relkind in ('r', 'p', 'v', 'm') and {_OURS.replace("= oid", "= c.oid")}
"""  # noqa: S608 - texts of ours
_EMPTY: Final = f"""
do $$ declare statements text; begin
    select string_agg(statement, '; ' order by position) into statements from (
        select 1, format('drop schema %I cascade', nspname) from pg_namespace n
        where nspname <> 'public' and {_OURS.replace("= oid", "= n.oid")}
        union all
        select case relkind when 'S' then 3 else 2 end,
            format('drop %s if exists %s cascade', case relkind when 'v' then 'view'
            when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end, c.oid::regclass)
        from pg_class c join pg_namespace n on n.oid = relnamespace
        where nspname = 'public' and relkind in ('r', 'p', 'v', 'm', 'S')
            and {_OURS.replace("= oid", "= c.oid")}
        union all
        select 4, format('drop routine if exists %s cascade', p.oid::regprocedure)
        from pg_proc p join pg_namespace n on n.oid = pronamespace
        where nspname = 'public' and {_OURS.replace("= oid", "= p.oid")}) as drops(position, statement);
    execute coalesce(statements, 'select');
end $$
"""  # noqa: S608 - texts of ours
"""Identity sequences go with their tables, so sequences come after those."""


def restore_backup(
    settings: Settings, folder: BackupFolder, name: str | None, *, tell: Callable[[str], None]
) -> Manifest:
    """Restore a backup, or the newest, into the empty home of these settings. Raises `BackupError`."""
    try:
        return _restore(settings, folder, name, tell)
    except store_errors() as error:
        raise BackupError(f"the restore from {folder.root} has not ended: {reason_of(error)}") from error


def _restore(
    settings: Settings, folder: BackupFolder, name: str | None, tell: Callable[[str], None]
) -> Manifest:
    backup = _chosen(folder, name)
    manifest = Manifest.read(backup)
    check_revision(manifest.revision, f"the backup {backup} was made")
    databases = _databases(settings, manifest)
    is_repeated = mark_of(settings).exists()
    ensure_running(settings)
    with closing(Resources(settings)) as resources:
        if not is_repeated:
            _check_empty(resources, databases)
        with folder.dumps(backup, manifest) as dumps:
            _verify(folder, backup, dumps, manifest, tell)
            with _marked(settings, folder):
                _restore_files(resources, folder, manifest, tell)
                for database, url in databases.items():
                    tell(f"restoring the database {database}")
                    _restore_database(settings, url, dumps / database)
                if DAGSTER in databases:
                    forget_cluster(settings)
                _forget_definitions(databases[WAREHOUSE])
                migrate(databases[WAREHOUSE])
    return manifest


def _chosen(folder: BackupFolder, name: str | None) -> UPath:
    complete = folder.complete()
    if not complete:
        raise BackupError(f"there is no complete backup in {folder.root}")
    if name and name not in complete:
        raise BackupError(f"{folder.root} has no complete backup {name!r}; it has {', '.join(complete)}")
    return folder.root / (name or complete[-1])


def _databases(settings: Settings, manifest: Manifest) -> dict[str, str]:
    """Return the URLs to restore to."""
    urls = {WAREHOUSE: warehouse_url(settings), DAGSTER: dagster_url(settings).replace("+psycopg2", "", 1)}
    if DAGSTER in manifest.databases and urls[DAGSTER] == urls[WAREHOUSE]:
        raise BackupError(
            "the backup has two databases, and GOGOBE_DATABASE_URL and GOGOBE_DAGSTER_DATABASE_URL name the "
            "same: set them to two empty databases"
        )
    return {name: urls[name] for name in (WAREHOUSE, DAGSTER) if name in manifest.databases}


def _check_empty(resources: Resources, databases: dict[str, str]) -> None:
    home = resources.settings.folder
    found = [f"the database {name} has tables" for name, url in databases.items() if _has_tables(url)]
    if resources.raw_store.sizes():
        found.append(f"{resources.settings.raw_store_url} has files")
    if resources.lake.files():
        found.append(f"{resources.settings.lake_url} has files")
    if found:
        raise BackupError(
            f"{', '.join(found)}: nothing is overwritten. Restore into another home, such as "
            f"`GOGOBE_HOME={home}-restored gogobe restore …`, or type `gogobe down` and move {home} away. "
            "With a server of your own, name empty databases"
        )


def _has_tables(url: str) -> bool:
    with _connected(url) as connection:
        return bool(connection.scalar(sa.text(_TABLES)))


def _verify(
    folder: BackupFolder, backup: UPath, dumps: Path, manifest: Manifest, tell: Callable[[str], None]
) -> None:
    """Raise `BackupError` that names what is missing or damaged."""
    bad = list[str]()
    for number, dump in enumerate(manifest.dumps, 1):
        tell(f"verifying file {number:,} of {len(manifest.dumps):,} of the dumps")
        if not _has_hash(dumps / dump.path, dump.sha256):
            bad.append(dump.path)
    for number, kept in enumerate(manifest.files, 1):
        tell(f"verifying file {number:,} of {len(manifest.files):,}")
        try:
            folder.files.read(kept.sha256)
        except ContentError:
            bad.append(kept.path)
    if bad:
        raise BackupError(
            f"{len(bad):,} files of the backup {backup} are missing or damaged, such as {bad[0]}; nothing "
            f"was restored. Restore an older one with --backup: {', '.join(folder.complete())}"
        )


def _has_hash(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == sha256
    except OSError:
        return False


@contextmanager
def _marked(settings: Settings, folder: BackupFolder) -> Iterator[None]:
    """Keep other commands out of the home; the mark stays if the block does not end well."""
    mark = mark_of(settings)
    make_folder(UPath(mark.parent))
    with mark.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"another restore into {settings.folder} is running") from None
        file.truncate(0)
        file.write(str(folder.root))
        file.flush()
        for path in (
            mark,
            mark.parent,
        ):  # before anything is restored: a power cut must not leave half without it
            sync(UPath(path))
        yield
        mark.unlink()


def _restore_files(
    resources: Resources, folder: BackupFolder, manifest: Manifest, tell: Callable[[str], None]
) -> None:
    for number, kept in enumerate(manifest.files, 1):
        tell(f"file {number:,} of {len(manifest.files):,}")
        content = folder.files.read(kept.sha256)
        if kept.area is Area.RAW:
            resources.raw_store.save([content], limit=len(content))
        else:
            resources.lake.put(kept.path, content)


def _restore_database(settings: Settings, url: str, dump: Path) -> None:
    with _connected(url) as connection:
        connection.execute(sa.text(_EMPTY))
        if dump.name == WAREHOUSE:
            require_trigrams(connection)
        connection.commit()
        Programs(settings.pg_bin, major=server_major(connection)).restore(connection, url, dump)


def _forget_definitions(url: str) -> None:
    """Have `migrate` write all definitions again: a dump knows nothing of privileges granted or revoked."""
    with _connected(url) as connection:
        connection.execute(
            sa.delete(schema_fingerprint).where(schema_fingerprint.c.part == Replaced.DEFINITIONS)
        )
        connection.commit()


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = connect(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
