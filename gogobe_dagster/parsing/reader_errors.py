"""The safety net under the reading of a file: an error that nobody foresaw becomes a code of that file.

Readers, archives and encodings raise `ContentError` for whatever they know to be wrong. What else they raise
is a mistake of this program or of a library, and must not cost the other files of the batch.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import polars as pl

from gogobe_dagster.errors import Code, ContentError, FileError

LOG: Final = logging.getLogger(__name__)
MAX_MESSAGE: Final = 200
"""Characters of an error's message in the ledger; the log has all of it."""


@contextmanager
def only_content_errors(name: str) -> Iterator[None]:
    """Raise `ContentError` (reader_failed) for any other error of reading the file, and log its traceback.

    Not for a lack of memory, which is no fault of the file and may be gone at the next attempt, nor for what
    ends a process, such as Ctrl-C. A panic of Polars is no `Exception`, and means the file all the same.
    """
    try:
        yield
    except (FileError, MemoryError):
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        LOG.exception("%r cannot be read", name)
        reason = f"{type(error).__name__}: {error}"
        raise ContentError(Code.READER_FAILED, reason[:MAX_MESSAGE]) from error
