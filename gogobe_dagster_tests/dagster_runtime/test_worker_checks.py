"""A worker that would work for nobody is refused, in one sentence."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from gogobe_dagster.dagster_runtime.worker_checks import announce, check_worker
from gogobe_dagster.defs.pools import write_pool_limits
from gogobe_dagster.errors import SettingsError
from gogobe_dagster.postgres import run_queue
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.commands.run import run_gogobe

OLD_JOBS = """
with w as (insert into procrastinate_workers default values returning id),
    o as (insert into worker (id, host, pid, runs, version) select id, 'old', 1, 2, 'v' from w)
insert into procrastinate_jobs (task_name, queue_name, args, status, worker_id)
select 'execute_run', 'runs', jsonb_build_object('run_id', run), status::procrastinate_job_status, id
from w, (values ('waiting', 'todo'), ('taken', 'doing')) as jobs(run, status)
"""
HEARTBEATS = """
create table public.daemon_heartbeats as select now() at time zone 'utc' as timestamp
"""
TABLES = "select n.nspname from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'r'"


@pytest.fixture
def head(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a head that has said so."""
    settings = Settings(home=tmp_path / "head", database_url=database_url, dagster_database_url=database_url)
    announce(settings)
    return settings


@pytest.fixture
def elsewhere(head: Settings, tmp_path: Path) -> Settings:
    """Settings of a worker on another machine, with the same databases and stores."""
    stores = {"raw_store": head.raw_store_url, "lake": head.lake_url}
    return head.model_copy(update={"home": tmp_path / "worker", **stores})


def test_a_worker_with_everything_of_its_head_is_accepted(head: Settings, elsewhere: Settings) -> None:
    check_worker(elsewhere)
    announce(head)
    check_worker(elsewhere)
    check_worker(head)


@pytest.mark.parametrize(("store", "variable"), [("raw_store", "GOGOBE_RAW_STORE"), ("lake", "GOGOBE_LAKE")])
def test_a_store_of_its_own_is_refused(elsewhere: Settings, store: str, variable: str) -> None:
    private = elsewhere.model_copy(update={store: ""})

    with pytest.raises(SettingsError, match=f"is not what .* uses: set {variable} to a folder or bucket"):
        check_worker(private)


def test_another_version_is_refused(elsewhere: Settings) -> None:
    with run_queue.connect(elsewhere) as connection:
        connection.execute("update head set version = '0.0.9-abc'")

    with pytest.raises(SettingsError, match=r"is of version 0\.0\.9-abc and this worker of .*: install"):
        check_worker(elsewhere)


def test_only_the_settings_of_the_head_limit_the_pools(elsewhere: Settings) -> None:
    impatient = elsewhere.model_copy(update={"max_portal_steps": 60, "max_warehouse_steps": 50})
    with dg.DagsterInstance.ephemeral() as instance:
        assert write_pool_limits(instance, elsewhere) == {"portals": 4, "warehouse": 2}

        with run_queue.connect(elsewhere) as connection:
            connection.execute("update head set host = 'another-machine'")
        assert write_pool_limits(instance, impatient) == {"portals": 4, "warehouse": 2}

        run_queue.withdraw_head(elsewhere)
        assert write_pool_limits(instance, impatient) == {"portals": 60, "warehouse": 50}


def test_a_second_head_is_refused_until_the_first_has_ended_or_is_lost(head: Settings) -> None:
    with run_queue.connect(head) as connection:
        connection.execute("update head set host = 'another-machine'")
        announce(head)
        connection.execute("update head set host = 'another-machine'")
        connection.execute(HEARTBEATS)
        with pytest.raises(SettingsError, match="the head of this cluster runs on another-machine"):
            announce(head)

        connection.execute("update public.daemon_heartbeats set timestamp = timestamp - interval '2 min'")
        announce(head)
        connection.execute("update public.daemon_heartbeats set timestamp = now() at time zone 'utc'")
        announce(head)
        run_queue.resign_head(head)
        connection.execute("update head set host = 'another-machine'")
        announce(head)


def test_after_a_restore_no_old_run_is_waiting_and_no_worker_is_known(elsewhere: Settings) -> None:
    with run_queue.connect(elsewhere) as connection:
        connection.execute(OLD_JOBS)
    assert run_queue.queued_runs(elsewhere) == {"waiting", "taken"}

    run_queue.forget_cluster(elsewhere)

    assert run_queue.queued_runs(elsewhere) == set()
    with run_queue.connect(elsewhere) as connection:
        assert run_queue.live_workers(connection) == []
        assert run_queue.announced_head(connection) is None


@pytest.fixture
def another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path / "nothing here"))
    for variable in ("GOGOBE_DATABASE_URL", "GOGOBE_DAGSTER_DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.usefixtures("another_machine")
def test_an_embedded_database_of_its_own_is_not_started_but_refused(tmp_path: Path) -> None:
    code, output = run_gogobe("worker")

    assert code == 1
    assert "is not running here" in output
    assert not (tmp_path / "nothing here" / "postgres" / "data").exists()


def test_the_queue_has_its_own_schema_and_several_processes_may_make_it(
    database_url: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, database_url=database_url, dagster_database_url=database_url)

    with ThreadPoolExecutor(4) as pool:
        for made in [pool.submit(run_queue.prepare, settings) for _ in range(4)]:
            made.result()

    with psycopg.connect(database_url) as connection:
        schemas = {name for (name,) in connection.execute(TABLES)}
    assert schemas - {"pg_catalog", "information_schema"} == {run_queue.SCHEMA}
    with run_queue.connect(settings) as connection:
        assert run_queue.live_workers(connection) == []
        assert run_queue.announced_head(connection) is None
