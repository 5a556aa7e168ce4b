"""The queue through which runs reach workers: Procrastinate's tables, in a schema of Dagster's database.

A job of the queue is one run. Beside Procrastinate's tables are ours: what each worker says of itself, what
the head, which launches the runs, expects of workers, and what steps printed. All times are the database's,
so that clocks of machines do not matter. Nothing here imports Dagster, so that a worker at rest is small, and
Procrastinate only where it is used, because every process of Dagster knows the queue.
"""

import hashlib
import socket
from collections.abc import Mapping
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gogobe_dagster.errors import DatabaseUnavailable, SettingsError
from gogobe_dagster.postgres.server import dagster_url, libpq_url
from gogobe_dagster.settings import Settings

SCHEMA: Final = "run_queue"
TASK: Final = "execute_run"
HEARTBEAT_SECONDS: Final = 3
LEASE_SECONDS: Final = 10
"""A run ends itself when its worker has not reached the database for so long."""
STALE_SECONDS: Final = 15
"""Longer than the lease: when others give a worker up, its runs have ended already."""
CONNECTION: Final[Mapping[str, str]] = {
    "application_name": "gogobe run queue",
    "connect_timeout": "10",
    # a machine that vanished is noticed in twenty seconds, not in two hours
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
_LOCK: Final = "select pg_advisory_xact_lock(hashtext('gogobe run queue'))"
_OURS: Final = """
create table if not exists migration (name text primary key);
create table if not exists worker (
    id bigint primary key references procrastinate_workers on delete cascade,
    host text not null,
    pid integer not null,
    runs integer not null,
    version text not null,
    started_at timestamptz not null default now()
);
create table if not exists head (
    id boolean primary key default true check (id),
    host text not null,
    version text not null,
    stores text not null,
    announced_at timestamptz not null default now()
);
alter table head add column if not exists is_running boolean not null default true;
create table if not exists step_log (
    log_key text not null,
    stream text not null check (stream in ('stdout', 'stderr')),
    is_complete boolean not null,
    content bytea not null,
    stored_at timestamptz not null default now(),
    primary key (log_key, stream)
);
alter table step_log alter column content set storage external;
comment on table step_log is 'What steps printed, compressed with zlib; incomplete while a step runs.';
comment on table migration is 'Migrations of Procrastinate, and versions of our own tables, that are there.';
comment on table worker is 'What a running worker says of itself; heartbeats are in procrastinate_workers.';
comment on table head is 'What launches the runs: its code, and the mark in its raw store and lake.';
"""
# not to_regclass, which may remember that a table that another process has just made was not there
_IS_THERE: Final = "select exists (select from pg_tables where schemaname = %s and tablename = %s)"
_FIND: Final = f"""
select j.id, j.status::text,
    coalesce(w.last_heartbeat > now() - interval '{STALE_SECONDS} s', false) as alive,
    coalesce(format('worker %%s on %%s', o.pid, o.host), 'its worker') as worker
from procrastinate_jobs j
left join procrastinate_workers w on w.id = j.worker_id
left join worker o on o.id = j.worker_id
where j.task_name = '{TASK}' and j.args ->> 'run_id' = %s
order by j.id desc limit 1
"""  # noqa: S608 - names and numbers of ours
GIVEN_UP: Final = f"""
select r.run_id from public.runs r join procrastinate_jobs j on j.args ->> 'run_id' = r.run_id
where r.status in ('STARTING', 'STARTED', 'CANCELING') and j.task_name = '{TASK}'
group by r.run_id having bool_and(j.status in ('failed', 'cancelled', 'aborted'))
"""  # noqa: S608 - a name of ours
"""Runs that no worker executes or will: each of their jobs ended before they did."""
_LIVE: Final = f"""
select o.host, o.pid, o.runs, o.version,
    (select count(*) from procrastinate_jobs j where j.worker_id = o.id and j.status = 'doing') as busy
from worker o join procrastinate_workers w using (id)
where w.last_heartbeat > now() - interval '{STALE_SECONDS} s' order by o.host, o.pid
"""  # noqa: S608 - names and numbers of ours
HEAD_SECONDS: Final = 90
"""How long a head that was lost counts as running: its daemon writes a heartbeat every thirty seconds."""
_HAS_HEARTBEATS: Final = "select to_regclass('public.daemon_heartbeats') is not null"
_RUNS_ELSEWHERE: Final = f"""
select host from head where is_running and host <> %s and exists (
    select from public.daemon_heartbeats h
    where h."timestamp" > now() at time zone 'utc' - interval '{HEAD_SECONDS} s')
"""  # noqa: S608 - a number of ours
NOTE_VERSION: Final = "update head set version = %(version)s where version <> %(version)s"
"""When the head has got another version: workers of the old one end, and are started again as the new one."""
HEAD: Final = "select host, version, stores from head"
_ANNOUNCE: Final = """
insert into head as h (host, version, stores) values (%(host)s, %(version)s, %(stores)s)
on conflict (id) do update set host = excluded.host, version = excluded.version, stores = h.stores,
    announced_at = now(), is_running = true
returning stores
"""


class QueuedRun(NamedTuple):
    """A run's job in the queue."""

    id: int
    status: str
    """Procrastinate's: todo, doing, succeeded, failed, cancelled, aborted."""
    alive: bool
    """Whether the worker that took it has sent a heartbeat lately."""
    worker: str
    """Which worker that is, for people."""


class LiveWorker(NamedTuple):
    """A worker that has sent a heartbeat lately."""

    host: str
    pid: int
    runs: int
    """How many runs it executes at a time."""
    version: str
    busy: int
    """How many it executes now."""


class Head(NamedTuple):
    """What launches the runs."""

    host: str
    version: str
    stores: str
    """The mark that is in its raw store and its lake."""


@cache
def code_version() -> str:
    """Return the version of this program: two machines have the same only if their files are the same."""
    folder = Path(__file__).parents[1]
    digest = hashlib.sha256(metadata.version("dagster").encode())
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".sql", ".tsv"}:
            digest.update(path.read_bytes())
    return f"{metadata.version('gogobe-dagster')}-{digest.hexdigest()[:12]}"


def queue_name() -> str:
    """Return the queue of this version's runs: a worker never takes those of another version."""
    return f"runs-{code_version()}"


def conninfo(settings: Settings) -> str:
    """Return how to connect to the queue; a connection that is lost is noticed soon."""
    given = conninfo_to_dict(libpq_url(dagster_url(settings)))
    options = f"{given.pop('options', None) or ''} -c search_path={SCHEMA}".strip()
    return make_conninfo("", **{**CONNECTION, **given, "options": options})


def connect(settings: Settings) -> psycopg.Connection:
    """Connect to the queue's schema, each statement a transaction. Raises `DatabaseUnavailable`."""
    try:
        return psycopg.connect(conninfo(settings), autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"the run queue's database does not answer: {error}") from None


def prepare(settings: Settings) -> None:
    """Make the tables, or bring Procrastinate's to the installed version. Idempotent."""
    with connect(settings) as connection:
        if _applied(connection) >= _migrations().keys():
            return
        with connection.transaction():
            connection.execute(_LOCK)
            _bring_up_to_date(connection)


def _bring_up_to_date(connection: psycopg.Connection) -> None:
    from procrastinate.schema import SchemaManager

    applied, known = _applied(connection), _migrations()
    if not applied:
        connection.execute(f"create schema if not exists {SCHEMA}".encode())
        connection.execute(SchemaManager.get_schema())
        connection.execute(_OURS.encode())
    else:
        for name in sorted(known.keys() - applied):
            connection.execute(known[name].encode())
    for name in known.keys() - applied:
        connection.execute("insert into migration values (%s)", [name])


def _migrations() -> Mapping[str, str]:
    """Return Procrastinate's migrations and, after them, our tables in their present form."""
    folder = resources.files("procrastinate.sql") / "migrations"
    theirs = {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.name.endswith(".sql")}
    return theirs | {f"tables of ours, {hashlib.sha256(_OURS.encode()).hexdigest()[:12]}": _OURS}


def _applied(connection: psycopg.Connection) -> set[str]:
    if not _has(connection, "migration"):
        return set()
    return {name for (name,) in connection.execute("select name from migration")}


def _has(connection: psycopg.Connection, table: str) -> bool:
    row = connection.execute(_IS_THERE, [SCHEMA, table]).fetchone()
    return bool(row and row[0])


def find_run(connection: psycopg.Connection, run_id: str) -> QueuedRun | None:
    """Return a run's job; None if no worker was ever asked to execute it."""
    row = connection.execute(_FIND.encode(), [run_id]).fetchone()
    return QueuedRun(*row) if row else None


def queued_runs(settings: Settings) -> set[str]:
    """Return the ids of all runs that are workers' business."""
    with connect(settings) as connection:
        if not _has(connection, "procrastinate_jobs"):
            return set()
        query = "select args ->> 'run_id' from procrastinate_jobs where task_name = %s"
        return {run_id for (run_id,) in connection.execute(query, [TASK])}


def live_workers(connection: psycopg.Connection) -> list[LiveWorker]:
    """Return the workers that have sent a heartbeat lately."""
    return [LiveWorker(*row) for row in connection.execute(_LIVE.encode())]


def announce_head(settings: Settings, stores: str) -> str:
    """Say that this program launches runs from now on; return the mark of its stores: the first one stays.

    Raises `SettingsError` if another machine does so already.
    """
    prepare(settings)
    values = {"host": socket.gethostname(), "version": code_version(), "stores": stores}
    with connect(settings) as connection:
        if other := _running_head_elsewhere(connection):
            raise SettingsError(
                f"the head of this cluster runs on {other}, and a second daemon would do everything twice: "
                "start `gogobe worker` here, or stop the other `gogobe up` (if its machine was lost, wait "
                f"{HEAD_SECONDS} seconds)"
            )
        row = connection.execute(_ANNOUNCE, values).fetchone()
    return str(row[0]) if row else stores


def _running_head_elsewhere(connection: psycopg.Connection) -> str:
    row = connection.execute(_HAS_HEARTBEATS).fetchone()
    if not row or not row[0]:
        return ""
    other = connection.execute(_RUNS_ELSEWHERE.encode(), [socket.gethostname()]).fetchone()
    return str(other[0]) if other else ""


def resign_head(settings: Settings) -> None:
    """Say that this head has ended, so that another machine may be the head at once. Idempotent."""
    with connect(settings) as connection:
        connection.execute("update head set is_running = false where host = %s", [socket.gethostname()])


def withdraw_head(settings: Settings) -> None:
    """Say that runs are launched for workers no more. Idempotent."""
    with connect(settings) as connection:
        if _has(connection, "head"):
            connection.execute("delete from head")


def forget_cluster(settings: Settings) -> None:
    """Empty the queue and forget workers and head, after a restore: they were another database's. Idempotent.

    Without their jobs, runs that were being executed are failed as orphaned ones when a head starts.
    """
    with connect(settings) as connection:
        if _has(connection, "procrastinate_jobs"):
            connection.execute("truncate procrastinate_jobs, procrastinate_workers cascade")
    withdraw_head(settings)


def head_elsewhere(settings: Settings) -> Head | None:
    """Return the head of this cluster if that is another machine; None if this is it, or there is none."""
    with connect(settings) as connection:
        head = announced_head(connection) if _has(connection, "head") else None
    return head if head and head.host != socket.gethostname() else None


def announced_head(connection: psycopg.Connection) -> Head | None:
    """Return what launches runs; None if nothing has said so."""
    row = connection.execute(HEAD.encode()).fetchone()
    return Head(*row) if row else None
