"""Backups and their way back: tables equal to the row, and work goes on from there."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gogobe_dagster import pipeline
from gogobe_dagster.backup.folder import BackupFolder
from gogobe_dagster.backup.make import Made, make_backup
from gogobe_dagster.backup.manifest import NAME, Area, Manifest
from gogobe_dagster.backup.restore import restore_backup
from gogobe_dagster.backup.restore_mark import check_restored, mark_of
from gogobe_dagster.dagster_runtime.environment import configuration_folder
from gogobe_dagster.errors import BackupError, DatabaseUnavailable
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.durable import files_below as files_of
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.postgres import run_queue
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.locks import AdvisoryLock, try_lock
from gogobe_dagster_tests.commands.run import run_gogobe
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.import_env import ImportEnv, midnight, open_import_env, yesterday
from gogobe_dagster_tests.object_store import ObjectStore

pytestmark = pytest.mark.slow

FEED = find_feed("good_pharm")
"""Its portal lists past days too."""
TABLES = """
select c.oid::regclass::text from pg_class c
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1
"""
DEFINITIONS = """
select sequencename, last_value::text from pg_sequences
union all select viewname, definition from pg_views where schemaname = 'public'
union all select indexname, indexdef from pg_indexes where schemaname = 'public'
union all select oid::regprocedure::text, pg_get_functiondef(oid) from pg_proc
    where pronamespace = 'public'::regnamespace
        and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
union all select oid::regprocedure || ' for everybody', has_function_privilege('public', oid, 'execute')::text
    from pg_proc where pronamespace = 'public'::regnamespace
union all select conrelid::regclass || conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'public'::regnamespace
union all select tgrelid::regclass || tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all select objoid::regclass || ' ' || objsubid, description from pg_description
    where classoid = 'pg_class'::regclass
union all select relname, privilege_type from pg_class, aclexplode(relacl)
    where relnamespace = 'public'::regnamespace and grantee::regrole::text = 'gogobe_reader'
order by 1, 2
"""


WAITING = """insert into procrastinate_jobs (task_name, queue_name, args)
values ('execute_run', 'runs', '{"run_id": "4711"}')"""


def silently(what: str) -> None:
    """Tell nobody."""


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(TABLES)]
        return {
            name: connection.execute(f"select t::text from {name} t order by 1".encode()).fetchall()
            for name in names
        }


def definitions(url: str) -> set[tuple[str, str]]:
    """Views, indexes, functions, constraints, triggers, comments, privileges; where sequences go on."""
    with psycopg.connect(url) as connection:
        return {(name, text) for name, text in connection.execute(DEFINITIONS)}


def files_below(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def hashes(made: Made) -> dict[str, str]:
    return {file.path: file.sha256 for file in made.manifest.files}


def import_day(resources: Resources, day: date) -> None:
    pipeline.discover(FEED, [day], resources)
    pipeline.download(FEED, [day], resources)
    for batch in pipeline.plan(FEED, [day], resources):
        pipeline.parse(batch, FEED, resources)
    for document in Document:
        pipeline.load(document, FEED, [day], resources)


@pytest.fixture(scope="module")
def env(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImportEnv]:
    """A home with one imported day; the day before is published, and not imported yet."""
    home = tmp_path_factory.mktemp("backups") / "home"
    with (
        postgres_server.database() as warehouse,
        postgres_server.database() as dagster,
        open_import_env(home, warehouse_url=warehouse, dagster_url=dagster) as env,
    ):
        with psycopg.connect(dagster) as connection:
            connection.execute("create table runs (run_id text primary key)")
            connection.execute("insert into runs values ('4711')")
        run_queue.prepare(env.settings)
        with run_queue.connect(env.settings) as connection:
            connection.execute(WAITING)
        env.publish(FEED.key, stores=1, items=20, first_day=yesterday() - timedelta(days=1))
        import_day(env.resources, yesterday() - timedelta(days=1))
        yield env


@pytest.fixture(scope="module")
def saved(env: ImportEnv, tmp_path_factory: pytest.TempPathFactory) -> tuple[BackupFolder, Made]:
    """A backup of that home."""
    folder = BackupFolder(str(tmp_path_factory.mktemp("saved")))
    return folder, make_backup(env.resources, folder, keep=2, tell=silently)


@contextmanager
def empty_home(server: DatabaseServer, env: ImportEnv, home: Path) -> Iterator[Settings]:
    """Settings of another home, whose databases are empty."""
    with server.database() as warehouse, server.database() as dagster:
        changes = {"home": home, "database_url": warehouse, "dagster_database_url": dagster}
        yield env.settings.model_copy(update=changes)


def test_a_restored_home_is_the_one_that_was_saved_and_goes_on(
    env: ImportEnv, saved: tuple[BackupFolder, Made], postgres_server: DatabaseServer, tmp_path: Path
) -> None:
    folder, made = saved
    tables = content(env.settings.database_url)
    raw, lake = files_below(env.settings.folder / "raw"), files_below(env.settings.folder / "lake")
    assert made.copied == len(raw) + len(lake) > 4
    assert len(tables["price_current"]) > 10

    with empty_home(postgres_server, env, tmp_path / "home") as settings:
        restore_backup(settings, folder, None, tell=silently)

        assert content(settings.database_url) == tables
        assert definitions(settings.database_url) ^ definitions(env.settings.database_url) == set()
        assert content(settings.dagster_database_url)["runs"] == [("(4711)",)]
        assert run_queue.queued_runs(settings) == set(), "no worker executes what was waiting then"
        assert run_queue.queued_runs(env.settings) == {"4711"}
        assert files_below(tmp_path / "home" / "raw") == raw
        assert files_below(tmp_path / "home" / "lake") == lake
        with closing(Resources(settings, clock=midnight)) as restored:
            import_day(restored, yesterday())
            states = {file.state for file in restored.ledger.of_days(FEED.key, [yesterday()])}
        assert states == {"loaded"}


def test_a_second_backup_copies_only_what_is_new_and_old_ones_go(
    env: ImportEnv, saved: tuple[BackupFolder, Made]
) -> None:
    folder, first = saved
    orphan = env.settings.folder / "lake" / "prices" / "orphan.parquet"
    orphan.write_bytes(b"named by no row")

    second = make_backup(env.resources, folder, keep=2, tell=silently)
    orphan.unlink()

    assert (second.copied, hashes(second), second.removed) == (0, hashes(first), [])
    assert folder.complete() == [first.name, second.name]
    unused = folder.files.save([b"only an old backup had it"], limit=99)
    third = make_backup(env.resources, folder, keep=2, tell=silently)
    assert (third.removed, folder.complete()) == ([first.name], [second.name, third.name])
    assert not folder.files.has(unused.sha256)
    assert not (folder.root / first.name).exists()
    assert {file.sha256 for file in third.manifest.files} == folder.files.sizes().keys()


def test_what_the_ledger_waits_for_and_is_not_there_is_named(env: ImportEnv, tmp_path: Path) -> None:
    """A raw file is gone, another is torn, before they are parsed."""
    files = env.resources.ledger.of_days(FEED.key, [yesterday() - timedelta(days=1)])
    gone, torn = sorted({file.sha256 for file in files if file.sha256})[:2]
    raw = env.resources.raw_store
    kept = {sha256: raw.read(sha256) for sha256 in (gone, torn)}
    with psycopg.connect(env.settings.database_url) as connection:
        set_state = "update file set state = %s where sha256 = any(%s)"
        connection.execute(set_state, ["downloaded", [gone, torn]])
    raw.remove(gone)
    Path(raw.path(torn).path).write_bytes(b"")
    try:
        made = make_backup(env.resources, BackupFolder(str(tmp_path)), keep=2, tell=silently)
    finally:
        for content_ in kept.values():
            raw.save([content_], limit=len(content_))
        with psycopg.connect(env.settings.database_url) as connection:
            connection.execute(set_state, ["loaded", [gone, torn]])

    assert made.manifest.missing == (gone, torn)
    assert {gone, torn}.isdisjoint(file.sha256 for file in made.manifest.files)


@pytest.mark.parametrize("damage", ["dump", "raw", "lake", "manifest", "no manifest"])
def test_a_damaged_backup_is_not_restored(
    env: ImportEnv,
    saved: tuple[BackupFolder, Made],
    postgres_server: DatabaseServer,
    tmp_path: Path,
    damage: str,
) -> None:
    copy = BackupFolder(str(shutil.copytree(saved[0].root.path, tmp_path / "copy")))
    newest = copy.root / str(copy.newest())
    manifest, backup = Manifest.read(newest), Path(newest.path)
    if damage == "dump":
        victim = max((backup / dump.path for dump in manifest.dumps), key=lambda path: path.stat().st_size)
    elif damage in set(Area):
        kept = next(file for file in manifest.files if file.area == damage)
        victim = Path(copy.files.path(kept.sha256).path)
    else:
        victim = backup / NAME
    victim.write_bytes(victim.read_bytes()[:-1])
    if damage == "no manifest":
        shutil.rmtree(copy.root.path)

    with empty_home(postgres_server, env, tmp_path / "home") as settings:
        with pytest.raises(BackupError, match=r"damaged|no complete backup"):
            restore_backup(settings, copy, None, tell=silently)
        check_restored(settings)
        assert content(settings.database_url) == {}
        assert not (tmp_path / "home" / "raw").exists()


def test_a_damaged_manifest_stops_no_later_backup(
    env: ImportEnv, saved: tuple[BackupFolder, Made], tmp_path: Path
) -> None:
    copy = BackupFolder(str(shutil.copytree(saved[0].root.path, tmp_path / "copy")))
    (copy.root / str(copy.newest()) / NAME).write_text("{")
    other = copy.files.save([b"of the damaged one"], limit=99)

    made = make_backup(env.resources, copy, keep=9, tell=silently)

    assert (made.copied, copy.newest()) == (0, made.name)
    assert copy.files.has(other.sha256)


def test_a_home_that_has_data_is_not_overwritten(env: ImportEnv, saved: tuple[BackupFolder, Made]) -> None:
    before = content(env.settings.database_url)

    with pytest.raises(BackupError, match=r"the database warehouse has tables.*GOGOBE_HOME=\S+-restored"):
        restore_backup(env.settings, saved[0], None, tell=silently)

    assert content(env.settings.database_url) == before


def test_a_newer_backup_says_so(env: ImportEnv, saved: tuple[BackupFolder, Made], tmp_path: Path) -> None:
    copy = BackupFolder(str(shutil.copytree(saved[0].root.path, tmp_path / "copy")))
    backup = copy.root / str(copy.newest())
    newer = Manifest.read(backup).model_copy(update={"revision": "9999"})
    copy.finish(backup, newer)

    with pytest.raises(DatabaseUnavailable, match=r"by a newer version of gogobe \(revision 9999;"):
        restore_backup(env.settings, copy, None, tell=silently)


def run_until(env: ImportEnv, settings: Settings, action: str, folder: BackupFolder, last: int) -> None:
    """Do it in a process that kills itself at a step."""
    variables = {
        "GOGOBE_HOME": str(settings.folder),
        "GOGOBE_DATABASE_URL": settings.database_url,
        "GOGOBE_DAGSTER_DATABASE_URL": settings.dagster_database_url,
    }
    command = [
        sys.executable,
        "-m",
        "gogobe_dagster_tests.backup.killed",
        action,
        str(folder.root),
        str(last),
    ]
    done = subprocess.run(
        command,
        env=env.environment | variables,
        cwd=configuration_folder(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def kill_points(steps: int, usual: int, *, is_long: bool) -> list[int]:
    """Return at which steps to kill: the usual one, or all."""
    return list(range(1, steps + 1)) if is_long else [usual]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_backup_that_is_killed_does_not_count_and_the_next_one_goes_on(
    env: ImportEnv, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    dumps, files = 3, 7
    for last in kill_points(dumps + files, dumps + 6, is_long=pytestconfig.getoption("--long")):
        folder = BackupFolder(str(tmp_path / str(last)))
        run_until(env, env.settings, "backup", folder, last)
        assert folder.newest() is None
        with pytest.raises(BackupError, match="no complete backup"):
            restore_backup(env.settings, folder, None, tell=silently)
        copied = folder.files.sizes().keys()

        made = make_backup(env.resources, folder, keep=2, tell=silently)

        assert made.copied == len(made.manifest.files) - len(copied)
        assert folder.complete() == [made.name]
        assert {path.name for path in folder.root.iterdir()} == {"files", "lock", made.name}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_restore_that_is_killed_locks_the_home_until_it_is_repeated(
    env: ImportEnv,
    saved: tuple[BackupFolder, Made],
    postgres_server: DatabaseServer,
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    tables = content(env.settings.database_url)
    verified = len(saved[1].manifest.dumps) + len(saved[1].manifest.files)
    steps = verified + len(saved[1].manifest.files) + len(saved[1].manifest.databases)
    for last in kill_points(steps, steps, is_long=pytestconfig.getoption("--long")):
        with empty_home(postgres_server, env, tmp_path / str(last)) as settings:
            run_until(env, settings, "restore", saved[0], last)
            assert mark_of(settings).exists() == (last > verified)
            if last > verified:
                with pytest.raises(BackupError, match=r"gogobe restore .* again"):
                    check_restored(settings)

            restore_backup(settings, saved[0], None, tell=silently)

            check_restored(settings)
            assert content(settings.database_url) == tables
            assert files_below(tmp_path / str(last) / "raw") == files_below(env.settings.folder / "raw")


def test_a_full_disk_says_so_and_leaves_no_backup(env: ImportEnv, tmp_path: Path) -> None:
    """A file system of 48 kB is full in the middle of the dump, one of 400 kB is not."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with pytest.raises(BackupError, match=r"the disk of \S+/small is full. Free space"):
            make_backup(env.resources, BackupFolder(str(folder)), keep=2, tell=silently)
        left = BackupFolder(str(folder))
        assert (left.newest(), [path.name for path in folder.iterdir()]) == (None, ["lock"])
    finally:
        subprocess.run(["umount", folder], check=True)


def test_only_one_backup_at_a_time(env: ImportEnv, tmp_path: Path) -> None:
    folder = BackupFolder(str(tmp_path))

    with folder.locked(), pytest.raises(BackupError, match=r"another backup into .* is being made"):
        make_backup(env.resources, BackupFolder(str(tmp_path)), keep=2, tell=silently)


def test_a_bucket_takes_backups_and_gives_them_back(
    env: ImportEnv, bucket: str, postgres_server: DatabaseServer, tmp_path: Path
) -> None:
    """Raw store and lake of the restored home are in a bucket too; a killed backup left a dump and a file."""
    folder = BackupFolder(f"{bucket}/backups")
    (folder.root / "20200101T000000Z" / "warehouse" / "toc.dat").write_bytes(b"half")
    unused = folder.files.save([b"of the killed one"], limit=99)

    first = make_backup(env.resources, folder, keep=1, tell=silently)
    second = make_backup(env.resources, folder, keep=1, tell=silently)

    assert (first.copied, second.copied, second.removed) == (len(first.manifest.files), 0, [first.name])
    assert {found.path.partition("/")[0] for found in files_of(folder.root)} == {second.name, "files"}
    assert not folder.files.has(unused.sha256)
    stores = {"raw_store": f"{bucket}/raw", "lake": f"{bucket}/lake"}
    with empty_home(postgres_server, env, tmp_path / "home") as local:
        settings = local.model_copy(update=stores)
        restore_backup(settings, folder, None, tell=silently)
        assert content(settings.database_url) == content(env.settings.database_url)
        with closing(Resources(settings, clock=midnight)) as restored:
            assert restored.raw_store.sizes() == env.resources.raw_store.sizes()
            assert [file.path for file in restored.lake.files()] == [
                file.path for file in env.resources.lake.files()
            ]
            import_day(restored, yesterday())
            states = {file.state for file in restored.ledger.of_days(FEED.key, [yesterday()])}
        assert states == {"loaded"}


@pytest.mark.parametrize("damage", ["dump", "file"])
def test_a_damaged_backup_in_a_bucket_is_not_restored(
    env: ImportEnv, bucket: str, postgres_server: DatabaseServer, tmp_path: Path, damage: str
) -> None:
    folder = BackupFolder(bucket)
    made = make_backup(env.resources, folder, keep=1, tell=silently)
    dump = folder.root / made.name / made.manifest.dumps[0].path
    kept = folder.files.path(made.manifest.files[0].sha256)
    (dump if damage == "dump" else kept).unlink()

    with empty_home(postgres_server, env, tmp_path / "home") as settings:
        with pytest.raises(BackupError, match=r"1 files of the backup .* are missing or damaged"):
            restore_backup(settings, folder, None, tell=silently)
        assert content(settings.database_url) == {}


def test_a_bucket_that_nobody_made_is_not_created(env: ImportEnv, object_store: ObjectStore) -> None:
    folder, before = BackupFolder("s3://nobody-made-this/backups"), object_store.buckets()

    with pytest.raises(BackupError, match=r"no backup was made in s3://nobody-made-this/backups: .*bucket"):
        make_backup(env.resources, folder, keep=1, tell=silently)
    with pytest.raises(BackupError, match="there is no complete backup in s3://nobody-made-this/backups"):
        restore_backup(env.settings, folder, None, tell=silently)

    assert object_store.buckets() == before


def test_two_machines_do_not_back_up_into_a_bucket_at_once(env: ImportEnv, bucket: str) -> None:
    folder = BackupFolder(bucket)
    with env.resources.engine.begin() as other_machine:
        assert try_lock(other_machine, AdvisoryLock.BACKUP, key=str(folder.root))
        with pytest.raises(BackupError, match=r"another backup into s3://\S+ is being made"):
            make_backup(env.resources, folder, keep=1, tell=silently)


def test_the_commands_make_and_restore_a_backup(
    env: ImportEnv, postgres_server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def use(settings: Settings) -> None:
        monkeypatch.setenv("GOGOBE_HOME", str(settings.folder))
        monkeypatch.setenv("GOGOBE_DATABASE_URL", settings.database_url)
        monkeypatch.setenv("GOGOBE_DAGSTER_DATABASE_URL", settings.dagster_database_url)

    use(env.settings)
    code, text = run_gogobe("backup")
    assert code == 2
    assert "name a folder, `gogobe backup FOLDER`, or set GOGOBE_BACKUP_FOLDER" in text
    monkeypatch.setenv("GOGOBE_BACKUP_FOLDER", str(tmp_path / "saved"))
    code, text = run_gogobe("backup")
    # how many deltas a day has, and so the backup, is another number every day
    all_new = re.search(r"\b(\d+) files, \1 of them new", text)
    assert (code, bool(all_new)) == (0, True), text
    count = all_new[1] if all_new else ""

    with empty_home(postgres_server, env, tmp_path / "home") as settings:
        use(settings)
        assert "there is no complete backup in" in run_gogobe("restore", str(tmp_path))[1]
        code, text = run_gogobe("restore", str(tmp_path / "saved"))
        assert (code, f"{count} files and the databases dagster, warehouse." in text) == (0, True), text
        assert "nothing is overwritten" in run_gogobe("restore", str(tmp_path / "saved"))[1]
        mark_of(settings).write_text("/saved")
        assert run_gogobe("status")[0] == 1
        assert "`gogobe restore /saved` again" in run_gogobe("status")[1]


@pytest.mark.slow
def test_the_nightly_job_exists_where_a_folder_is_set_and_makes_a_backup(
    env: ImportEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gogobe_dagster.definitions import build_definitions

    monkeypatch.delenv("GOGOBE_BACKUP_FOLDER", raising=False)
    jobs = build_definitions().get_repository_def().job_names
    assert "backup" not in jobs

    monkeypatch.setenv("GOGOBE_BACKUP_FOLDER", str(tmp_path))
    with closing(Resources(env.settings.model_copy(update={"backup_folder": str(tmp_path)}))) as resources:
        definitions = build_definitions({"resources": resources})
        done = definitions.resolve_job_def("backup").execute_in_process()

    schedule = definitions.resolve_schedule_def("backup_nightly")
    assert (schedule.cron_schedule, schedule.default_status.value) == ("0 3 * * *", "RUNNING")
    assert done.success
    assert len(BackupFolder(str(tmp_path)).complete()) == 1
