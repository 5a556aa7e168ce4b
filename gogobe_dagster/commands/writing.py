"""Why a file or a bucket cannot be written, in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from gogobe_dagster.errors import GogobeError
from gogobe_dagster.files.durable import reason_of, store_errors


@contextmanager
def writing(target: object) -> Iterator[None]:
    """Turn errors of a disk or bucket into one of ours."""
    try:
        yield
    except store_errors() as error:
        raise GogobeError(f"{target} cannot be written: {reason_of(error)}") from None
