"""Connections to the warehouse that can only read, with a limited time for each statement."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

import psycopg
import sqlalchemy as sa

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
KEPT_ANSWERS: Final = 64

_MAY_WRITE = sa.text("""
select session_user, r.rolsuper or exists (
    select from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    and has_table_privilege(session_user, c.oid, 'insert, update, delete, truncate')
) from pg_roles r where r.rolname = session_user
""")

Row = dict[str, Any]


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


class Reader:
    """Asks the database. Threads may share it."""

    def __init__(self, url: str, *, statement_seconds: float = 5) -> None:
        """Connect. Raises `DatabaseUnavailable`, and `SettingsError` for a role that may write."""
        options = (
            f"-c statement_timeout={int(statement_seconds * 1000)} -c default_transaction_read_only=on"
            " -c idle_in_transaction_session_timeout=30000"
        )
        pool: dict[str, Any] = {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": WAIT_SECONDS}
        self._engine = connect(url, options=options, isolation_level="AUTOCOMMIT", **pool)
        self._lock = Lock()
        self._version, self._version_until = "", 0.0
        self._answers: OrderedDict[Any, list[Row]] = OrderedDict()
        self._check_rights()

    def ask(self, query: str, **parameters: Any) -> list[Row]:
        """Return the rows of a query with parameters such as `:gtin`. Raises `QuestionError`."""
        try:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(sa.text(query), parameters).mappings()]
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            raise _question_error(error) from error

    def ask_once(self, query: str) -> list[Row]:
        """Do the same for a query without parameters that reads much; its answer is kept until a load."""
        key = (self.version(), query)
        with self._lock:
            if key in self._answers:
                return self._answers[key]
        rows = self.ask(query)
        with self._lock:
            self._answers[key] = rows
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return rows

    def version(self) -> str:
        """Return a text that is another one after every load."""
        if time.monotonic() >= self._version_until:
            [row] = self.ask("select change from last_load")
            self._version, self._version_until = str(row["change"]), time.monotonic() + VERSION_SECONDS
        return self._version

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


def open_reader(settings: Settings) -> Reader:
    """Connect as the reader. Raises `DatabaseUnavailable`, and `SettingsError` for a role that may write."""
    return Reader(reader_url(settings), statement_seconds=settings.api_statement_seconds)


_CODES: Final[Mapping[type[Exception], tuple[AnswerCode, str]]] = {
    psycopg.errors.QueryCanceled: (AnswerCode.TIMED_OUT, "the question took too long: ask for less"),
    psycopg.DataError: (AnswerCode.INVALID_REQUEST, "a value is not in the range of what is asked for"),
    psycopg.OperationalError: (AnswerCode.DATABASE_UNAVAILABLE, "the database does not answer"),
}


def _question_error(error: Exception) -> QuestionError:
    if isinstance(error, sa.exc.TimeoutError):
        return QuestionError(AnswerCode.BUSY, "too many questions at once")
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, psycopg.errors.InvalidParameterValue):  # raised by functions of ours, for people
        return QuestionError(AnswerCode.INVALID_REQUEST, str(cause.diag.message_primary))
    for kind, (code, reason) in _CODES.items():
        if isinstance(cause, kind):
            return QuestionError(code, reason)
    return QuestionError(AnswerCode.INTERNAL_ERROR, "the question could not be asked")
