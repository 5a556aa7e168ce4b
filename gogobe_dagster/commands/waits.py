"""Says what a command waits for, when that takes longer than five seconds."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
import psycopg

TELL_AFTER_SECONDS = 5.0
ASK_SECONDS = 1.0
ANSWER_SECONDS = 5
POOLS = """
select pending.concurrency_key, string_agg(distinct coalesce(partition.value, slot.run_id), ', ')
from pending_steps pending
join runs on runs.run_id = pending.run_id and runs.status = 'STARTED'
join run_tags ours on ours.run_id = pending.run_id and ours.key = 'dagster/partition' and ours.value = any(%s)
join concurrency_slots slot on slot.concurrency_key = pending.concurrency_key and not slot.deleted
    and slot.run_id <> pending.run_id
left join run_tags partition on partition.run_id = slot.run_id and partition.key = 'dagster/partition'
where pending.assigned_timestamp is null
group by 1 order by 1
"""
LOCKS = """
select distinct blocker from pg_stat_activity, unnest(pg_blocking_pids(pid)) as blocker
where datname = current_database() and wait_event_type = 'Lock' order by 1
"""


class Waits:
    """Asks now and then what a command waits for, and tells each reason once."""

    def __init__(self, find: Callable[[], str], tell: Callable[[str], None]) -> None:
        """Take what finds the reason, "" for none, and what shows a line."""
        self._find, self._tell = find, tell
        self._reason, self._since, self._asked_at = "", 0.0, 0.0

    def ask(self, now: float | None = None) -> None:
        """Ask, at most once a second; `now` is in monotonic seconds."""
        now = time.monotonic() if now is None else now
        if now - self._asked_at < ASK_SECONDS:
            return
        self._asked_at = now
        reason = self._find()
        if reason != self._reason:
            self._reason, self._since = reason, now
        elif reason and now - self._since >= TELL_AFTER_SECONDS:
            self._tell(f"Waiting for {reason}.")
            self._since = float("inf")


def wait_of_runs(warehouse: str, dagster: str, partitions: Sequence[str]) -> str:
    """Return what the runs of these partitions wait for: a pool, a lock, PostgreSQL; "" for nothing."""
    try:
        return _pool(dagster, partitions) or _lock(warehouse)
    except psycopg.OperationalError:
        return "PostgreSQL, which does not answer"


def _pool(url: str, partitions: Sequence[str]) -> str:
    try:
        with psycopg.connect(url, connect_timeout=ANSWER_SECONDS) as connection:
            waits = connection.execute(POOLS.encode(), [list(partitions)]).fetchall()
    except psycopg.errors.UndefinedTable:  # Dagster's tables are just being created
        return ""
    return "; ".join(f"a slot of the pool {pool}, which runs of {runs} have" for pool, runs in waits)


def _lock(url: str) -> str:
    with psycopg.connect(url, connect_timeout=ANSWER_SECONDS) as connection:
        blockers = [str(pid) for (pid,) in connection.execute(LOCKS.encode())]
    return f"a lock of another import or job (PostgreSQL process {', '.join(blockers)})" if blockers else ""


@contextmanager
def told_if_slow(what: str) -> Iterator[None]:
    """Tell once what the block waits for, if it has not ended in five seconds."""
    timer = threading.Timer(TELL_AFTER_SECONDS, lambda: click.echo(f"Waiting for {what}.", err=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
