"""What the database says when it cannot finish a load, as an error of ours that knows whether to retry.

The transaction is undone in any case. Other errors of the database are bugs of ours, and go through.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

from gogobe_dagster.errors import Code, LoadInterrupted

BUSY = ("40", "55")
"""Classes of SQLSTATE: serialization failures and deadlocks; locks that could not be had."""
FULL = "53100"


@contextmanager
def interruptions() -> Iterator[None]:
    """Raise `LoadInterrupted` when the server went away, is full, or undid the transaction for another."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
        raise _interrupted(error.orig) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:  # COPY does not go through SQLAlchemy
        raise _interrupted(error) from error


def _interrupted(error: BaseException | None) -> LoadInterrupted:
    sqlstate = error.sqlstate if isinstance(error, psycopg.Error) else None
    code = Code.DATABASE_UNAVAILABLE
    if sqlstate == FULL:
        code = Code.DATABASE_FULL
    elif sqlstate and sqlstate.startswith(BUSY):
        code = Code.DATABASE_BUSY
    return LoadInterrupted(code, str(error).strip())
