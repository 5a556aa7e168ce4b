"""Connections to the warehouse that can only read, with a limited time for each statement."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.rows import dict_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.postgres.roles import READER
from gogobe_dagster.postgres.server import embedded_server, uses_embedded, warehouse_url
from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.schema.migrate import connect

CONNECTIONS: Final = 8
"""Questions at the same time; the role may have twenty connections."""
WAIT_SECONDS: Final = 2
"""For a free connection, before a question is refused."""
VERSION_SECONDS: Final = 5
"""How long a load may stay unnoticed."""
KEPT_ANSWERS: Final = 1000
"""Nearly all of them are keys of products."""

_MAY_WRITE = sa.text("""
select session_user, r.rolsuper or exists (
    select from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    and has_table_privilege(session_user, c.oid, 'insert, update, delete, truncate')
) from pg_roles r where r.rolname = session_user
""")

Row = dict[str, Any]
_DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call]


def reader_url(settings: Settings) -> str:
    """Return the URL with which the warehouse is read: from the settings, or as the role `gogobe_reader`."""
    if settings.reader_database_url:
        return settings.reader_database_url
    url = sa.make_url(warehouse_url(settings))
    if uses_embedded(settings):
        url = sa.make_url(embedded_server(settings).url("gogobe"))
    named = url.set(username=READER, password=None)
    return _with_passfile(named, settings.folder / "pgpass").render_as_string(hide_password=False)


def _with_passfile(url: sa.URL, passfile: Path) -> sa.URL:
    return url.update_query_dict({"passfile": str(passfile)}) if passfile.exists() else url


class _LostConnection(psycopg.OperationalError):
    """A connection that was found closed."""


class Reader:
    """Asks the database. Threads may share it."""

    def __init__(self, url: str, *, statement_seconds: float = 5) -> None:
        """Connect. Raises `DatabaseUnavailable`, and `SettingsError` for a role that may write."""
        options = (
            f"-c statement_timeout={int(statement_seconds * 1000)} -c default_transaction_read_only=on"
            " -c idle_in_transaction_session_timeout=30000"
        )
        pool: dict[str, Any] = {
            "pool_size": CONNECTIONS,
            "max_overflow": 0,
            "pool_timeout": WAIT_SECONDS,
            "pool_use_lifo": True,  # the last one has prepared statements
            "pool_pre_ping": False,
        }
        self._engine = connect(url, options=options, isolation_level="AUTOCOMMIT", **pool)
        self._lock, self._version_lock = Lock(), Lock()
        self._version, self._version_until = "", 0.0
        self._answers: OrderedDict[Any, list[Row]] = OrderedDict()
        self._check_rights()

    def ask(self, query: str, **parameters: Any) -> list[Row]:
        """Return the rows of a query with parameters such as `:gtin`. Raises `QuestionError`."""
        try:
            with suppress(_LostConnection):  # such as by a restart of the server since the last question
                return self._ask(query, parameters)
            return self._ask(query, parameters)
        except (psycopg.Error, sa.exc.TimeoutError, UnicodeEncodeError) as error:
            raise _question_error(error) from error

    def _ask(self, query: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Ask past SQLAlchemy, whose results take as long as most queries."""
        with closing(self._engine.raw_connection()) as pooled:
            connection: psycopg.Connection[Any] = pooled.driver_connection  # type: ignore[assignment]
            try:
                with connection.cursor(row_factory=dict_row) as cursor:
                    return cursor.execute(_driver_text(query), parameters, prepare=True).fetchall()
            except psycopg.OperationalError as error:
                if not connection.closed:
                    raise
                pooled.invalidate()
                self._engine.dispose()  # those that wait in the pool are as old
                raise _LostConnection(str(error)) from error

    def ask_once(self, query: str, **parameters: str) -> list[Row]:
        """Do the same for what many ask and a clock does not change; the answer is kept until a load."""
        key = (self.version(), query, *parameters.items())
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        rows = self.ask(query, **parameters)
        with self._lock:
            self._answers[key] = rows
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return rows

    def version(self) -> str:
        """Return a text that is another one after every load."""
        with self._version_lock:
            if not self.known_version:
                [row] = self.ask("select change from last_load")
                self._version, self._version_until = str(row["change"]), time.monotonic() + VERSION_SECONDS
            return self._version

    @property
    def known_version(self) -> str:
        """The same if it need not be asked for, otherwise empty."""
        return self._version if time.monotonic() < self._version_until else ""

    @property
    def url(self) -> sa.URL:
        """Where it reads."""
        return self._engine.url

    def close(self) -> None:
        """Close the connections. Idempotent."""
        self._engine.dispose()

    def _check_rights(self) -> None:
        with self._engine.connect() as connection:
            [(role, may_write)] = connection.execute(_MAY_WRITE).all()
        if may_write:
            self.close()
            raise SettingsError(
                f"GOGOBE_READER_DATABASE_URL: the role {role} may change tables; use {READER}, which"
                " `gogobe roles` makes"
            )


@cache
def _driver_text(query: str) -> bytes:
    """Return a query of ours with parameters as the driver has them, `%(gtin)s`."""
    return str(sa.text(query).compile(dialect=_DIALECT)).encode()


def open_reader(settings: Settings) -> Reader:
    """Connect as the reader. Raises `DatabaseUnavailable`, and `SettingsError` for a role that may write."""
    return Reader(reader_url(settings), statement_seconds=settings.api_statement_seconds)


_CODES: Final[Mapping[type[Exception], tuple[AnswerCode, str]]] = {
    psycopg.errors.QueryCanceled: (AnswerCode.TIMED_OUT, "the question took too long: ask for less"),
    psycopg.DataError: (AnswerCode.INVALID_REQUEST, "a value is not in the range of what is asked for"),
    UnicodeEncodeError: (AnswerCode.INVALID_REQUEST, "half of a surrogate pair is no text"),
    psycopg.OperationalError: (AnswerCode.DATABASE_UNAVAILABLE, "the database does not answer"),
}


def _question_error(error: Exception) -> QuestionError:
    if isinstance(error, sa.exc.TimeoutError):
        return QuestionError(AnswerCode.BUSY, "too many questions at once")
    if isinstance(error, psycopg.errors.InvalidParameterValue):  # raised by functions of ours, for people
        return QuestionError(AnswerCode.INVALID_REQUEST, str(error.diag.message_primary))
    for kind, (code, reason) in _CODES.items():
        if isinstance(error, kind):
            return QuestionError(code, reason)
    return QuestionError(AnswerCode.INTERNAL_ERROR, "the question could not be asked")
