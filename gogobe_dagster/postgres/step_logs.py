"""What steps printed, in the schema of the run queue: the web UI shows it wherever a run was executed."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from psycopg.errors import InvalidSchemaName, UndefinedTable

from gogobe_dagster.postgres import run_queue
from gogobe_dagster.settings import Settings
from gogobe_dagster.sizes import MEGABYTE

MOST_BYTES: Final = 8 * MEGABYTE
"""Of a longer log, its end is kept."""
_NOT_THERE: Final = UndefinedTable, InvalidSchemaName
_SAVE: Final = """
insert into step_log (log_key, stream, is_complete, content) values (%s, %s, %s, %s)
on conflict (log_key, stream) do update
set is_complete = excluded.is_complete, content = excluded.content, stored_at = now()
"""
_READ: Final = "select is_complete, content from step_log where log_key = %s and stream = %s"
_DELETE: Final = "delete from step_log where log_key = %(key)s or starts_with(log_key, %(key)s || '/')"


class StepLog(NamedTuple):
    """What a step has printed to one of its streams."""

    is_complete: bool
    content: bytes


def save(settings: Settings, key: Sequence[str], streams: Mapping[str, bytes], *, is_complete: bool) -> None:
    """Save what a step printed, at most MOST_BYTES, over what was saved before. Raises `psycopg.Error`."""
    rows = [(_name(key), stream, is_complete, zlib.compress(content)) for stream, content in streams.items()]
    with run_queue.connect(settings) as connection:
        try:
            connection.cursor().executemany(_SAVE, rows)
        except _NOT_THERE:
            run_queue.prepare(settings)
            connection.cursor().executemany(_SAVE, rows)


def read(settings: Settings, key: Sequence[str], stream: str) -> StepLog | None:
    """Return what was saved of a step's stream; None if nothing was. Raises `psycopg.Error`."""
    with run_queue.connect(settings) as connection:
        try:
            row = connection.execute(_READ, [_name(key), stream]).fetchone()
        except _NOT_THERE:
            return None
    return StepLog(row[0], zlib.decompress(row[1])) if row else None


def delete(settings: Settings, key: Sequence[str]) -> None:
    """Delete what was saved for a key, and for all that begin with it. Raises `psycopg.Error`."""
    with run_queue.connect(settings) as connection:
        try:
            connection.execute(_DELETE, {"key": _name(key)})
        except _NOT_THERE:
            return


def _name(key: Sequence[str]) -> str:
    return "/".join(key)
