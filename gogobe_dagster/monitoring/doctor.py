"""Examines an installation from the settings to the backups, and says what to do about what it finds.

Nothing is changed, except that the embedded server is started, and portals are asked where that is wished.
Each check looks at a bounded part of large stores.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from gogobe_dagster.backup.folder import BackupFolder, made_at
from gogobe_dagster.backup.restore_mark import check_restored
from gogobe_dagster.errors import EXPECTED_CODES, CodedError
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.postgres.server import ensure_running
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings, unknown_variables
from gogobe_dagster.warehouse.ledger.portal_probes import last_probes, record_probes
from gogobe_dagster.warehouse.ledger.stored_files import awaited, named_in_ledger
from gogobe_dagster.warehouse.locks import AdvisoryLock
from gogobe_dagster.warehouse.schema.enums import FileState, Reach
from gogobe_dagster.warehouse.schema.migrate import check_revision, newest_revision, revision_of
from gogobe_dagster.warehouse.schema.store_localities import unresolved_cities
from gogobe_dagster.warehouse.schema.tables import file

LITTLE_SPACE, TOO_LITTLE_SPACE = 5_000_000_000, 500_000_000
"""Free bytes: a day of all feeds needs less than the first (docs/benchmarks.md)."""
CLOCK_WARNING, CLOCK_PROBLEM = timedelta(seconds=5), timedelta(minutes=1)
LONG_WAIT = timedelta(minutes=1)
OLD_BACKUP = timedelta(days=2)
EXAMINED: Final = 20_000
"""Files of each store that are compared with the ledger."""
_LOCKS: Final = sa.text("""
select l.pid, l.granted, case objsubid when 1 then objid else classid end::bigint as lock,
    coalesce(now() - a.query_start, interval '0') as since, coalesce(a.application_name, '') as program
from pg_locks l left join pg_stat_activity a using (pid)
where locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
order by l.granted desc, l.pid
""")


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    check: str
    level: Level
    text: str
    action: str = ""
    """What to do or to type; empty where all is well."""


def examine(settings: Settings, *, ask_portals: bool) -> Iterator[Finding]:
    """Check everything. Without a database, what needs one is left out."""
    yield from _settings()
    yield from _disks(settings)
    yield from _backups(settings)
    with closing(Resources(settings)) as resources:
        try:
            check_restored(settings)
            ensure_running(settings)
            _ = resources.engine
        except CodedError as error:
            yield _problem("server", error.reason, error.code.action)
            return
        yield from _server(resources)
        schema = _schema(resources)
        yield schema
        if schema.level is Level.OK:
            for check in (_locks, _stores, _quarantined, _localities):
                yield check(resources)
            yield _portals(resources, ask=ask_portals)


def _ok(check: str, text: str, action: str = "") -> Finding:
    return Finding(check=check, level=Level.OK, text=text, action=action)


def _warning(check: str, text: str, action: str) -> Finding:
    return Finding(check=check, level=Level.WARNING, text=text, action=action)


def _problem(check: str, text: str, action: str) -> Finding:
    return Finding(check=check, level=Level.PROBLEM, text=text, action=action)


def _settings() -> Iterator[Finding]:
    unknown = unknown_variables()
    for name, near in unknown.items():
        yield _warning("settings", f"{name} is not a setting", f"set {near} instead" if near else "unset it")
    if not unknown:
        yield _ok("settings", "all are valid")


def _disks(settings: Settings) -> Iterator[Finding]:
    """Check each file system once, by the first of our folders on it."""
    folders = [str(settings.folder), settings.raw_store_url, settings.lake_url, settings.backup_folder]
    by_device = dict[int, tuple[str, Path]]()
    for folder in folders:
        if folder and "://" not in folder:
            path = Path(folder).expanduser().absolute()
            existing = next(parent for parent in (path, *path.parents) if parent.exists())
            by_device.setdefault(existing.stat().st_dev, (folder, existing))
    for folder, existing in by_device.values():
        free = shutil.disk_usage(existing).free
        text = f"{free / 1e9:,.1f} GB are free where {folder} is"
        action = "free space, or keep less: `gogobe retain --dry-run` shows what GOGOBE_KEEP_..._DAYS removes"
        if free < LITTLE_SPACE:
            level = Level.PROBLEM if free < TOO_LITTLE_SPACE else Level.WARNING
            yield Finding(check="disk", level=level, text=text, action=action)
        else:
            yield _ok("disk", text)


def _backups(settings: Settings) -> Iterator[Finding]:
    if not settings.backup_folder:
        yield _warning("backups", "no folder for backups is set", "set GOGOBE_BACKUP_FOLDER")
        return
    try:
        newest = BackupFolder(settings.backup_folder).newest()
    except (CodedError, OSError) as error:
        yield _problem("backups", str(error), "correct GOGOBE_BACKUP_FOLDER")
        return
    if newest is None:
        yield _problem("backups", f"there is none in {settings.backup_folder}", "type `gogobe backup`")
        return
    age = Resources(settings).clock() - made_at(newest)
    text = f"the newest, {newest}, is {age / timedelta(hours=1):,.0f} hours old"
    if age > OLD_BACKUP:
        yield _problem("backups", text, "type `gogobe backup`, and look at the runs of the job `backup`")
    else:
        yield _ok("backups", text)


def _server(resources: Resources) -> Iterator[Finding]:
    with resources.engine.connect() as connection:
        yield _ok("server", f"PostgreSQL {connection.scalar(sa.text('show server_version'))} answers")
        before = resources.clock()
        theirs: datetime = connection.scalar(sa.text("select clock_timestamp()"))
        after = resources.clock()
    # the answer was given at some time in between
    apart = max(before - theirs, theirs - after, timedelta())
    text = f"this machine's and the database's are {apart.total_seconds():,.1f} s apart"
    if apart > CLOCK_WARNING:
        level = Level.PROBLEM if apart > CLOCK_PROBLEM else Level.WARNING
        yield Finding(check="clock", level=level, text=text, action="synchronize both clocks (NTP)")
    else:
        yield _ok("clock", text)


def _schema(resources: Resources) -> Finding:
    with resources.engine.connect() as connection:
        revision, newest = revision_of(connection), newest_revision()
    try:
        check_revision(revision, "the tables were made")
    except CodedError as error:
        return _problem("schema", error.reason, "install that version")
    if revision is None:
        return _warning("schema", "the database has no tables yet", "type `gogobe status`, which makes them")
    if revision != newest:
        text = f"the tables are at revision {revision}, this version needs {newest}"
        return _warning("schema", text, "type `gogobe status`, which migrates them")
    return _ok("schema", f"the tables are at revision {revision}, the newest")


def _locks(resources: Resources) -> Finding:
    with resources.engine.connect() as connection:
        rows = connection.execute(_LOCKS).all()
    names = {int(lock): lock.name for lock in AdvisoryLock}
    ours = [row for row in rows if row.lock in names]
    described = [
        f"process {row.pid} {'has' if row.granted else 'waits for'} {names[row.lock]}, "
        f"for {row.since.total_seconds():,.0f} s"
        for row in ours
    ]
    if any(not row.granted and row.since > LONG_WAIT for row in ours):
        action = "see what the process that has it does: select * from pg_stat_activity where pid = …"
        return _warning("locks", "; ".join(described), action)
    return _ok("locks", "; ".join(described) or "none is held")


def _stores(resources: Resources) -> Finding:
    """Compare raw store and lake with the ledger, in both directions."""
    from gogobe_dagster.warehouse.maintenance.retention import GRACE

    old = resources.clock() - GRACE
    raw = sorted(resources.raw_store.sizes())
    lake = [found.path for found in resources.lake.files() if found.modified_at < old]
    with resources.engine.connect() as connection:
        orphans = [
            name
            for column, names in ((file.c.sha256, raw[:EXAMINED]), (file.c.lake_path, lake[:EXAMINED]))
            for name in sorted(set(names) - named_in_ledger(connection, column, names))
        ]
        waited_for = awaited(connection)[:EXAMINED]
    missing = [name for name in waited_for if not (resources.raw_store.has(name) or resources.lake.has(name))]
    examined = f"{min(len(raw), EXAMINED) + min(len(lake), EXAMINED):,} of {len(raw) + len(lake):,} files"
    if missing:
        text = f"{len(missing):,} files that are to be parsed or loaded are missing, such as {missing[0]}"
        return _warning("stores", text, "type `gogobe import`: they are downloaded or parsed again")
    if orphans:
        text = f"of {examined}, the ledger does not know {len(orphans):,}, such as {orphans[0]}"
        return _warning("stores", text, "nothing: the job `maintenance` removes those of the lake")
    return _ok("stores", f"the ledger knows {examined} of raw store and lake, and misses none")


def _quarantined(resources: Resources) -> Finding:
    columns = (file.c.code, sa.func.count(), sa.func.count(file.c.retry_at))
    query = sa.select(*columns).where(file.c.state == FileState.QUARANTINED).group_by(file.c.code)
    with resources.engine.connect() as connection:
        rows = connection.execute(query).tuples().all()
    final = Counter({code: number - waiting for code, number, waiting in rows if code not in EXPECTED_CODES})
    waiting = sum(number for _, _, number in rows)
    text = f"{waiting:,} files are tried again by themselves, {final.total():,} are not"
    if final.total():
        codes = ", ".join(f"{code} ({number:,})" for code, number in final.most_common(3) if number)
        action = "docs/codes.md explains the codes; `gogobe retry --dry-run` shows what can be put back"
        return _warning("quarantined", f"{text}: {codes}", action)
    return _ok("quarantined", text)


def _localities(resources: Resources) -> Finding:
    with resources.engine.connect() as connection:
        number = unresolved_cities(connection).total()
    action = "`gogobe places --unresolved` shows their cities" if number else ""
    return _ok("places", f"{number:,} stores have no locality", action)


def _portals(resources: Resources, *, ask: bool) -> Finding:
    if ask:
        from gogobe_dagster.monitoring.reachability import probe_portals

        record_probes(resources.engine, list(probe_portals(FEEDS, resources)))
    probes = last_probes(resources.engine)
    if not probes:
        return _ok("portals", "were never asked", "`gogobe doctor --portals` asks each for one page")
    bad = [probe for probe in probes.values() if probe.reach is not Reach.ANSWERS]
    at = f"{max(probe.probed_at for probe in probes.values()):%Y-%m-%d %H:%M} UTC"
    text = f"{len(probes) - len(bad)} of {len(probes)} answered at {at}"
    if not bad:
        return _ok("portals", text)
    feeds = ", ".join(f"{probe.feed} ({probe.code})" for probe in bad[:5])
    action = "docs/operations.md, Which portals answer; `gogobe scan --probe` shows all"
    return _warning("portals", f"{text}; not {feeds}{' …' if bad[5:] else ''}", action)
