"""Translates our errors to Dagster failures: code and reason as metadata, and whether to retry."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
from sqlalchemy.exc import OperationalError

from gogobe_dagster.errors import Code, CodedError, GogobeError
from gogobe_dagster.feeds.registry import Feed


@contextmanager
def as_failure(subject: str, *, reraise: tuple[type[GogobeError], ...] = ()) -> Iterator[None]:
    """Turn our coded errors into a failed step whose description starts with `subject`.

    Errors in `reraise` pass unchanged, and so does everything that is not ours: that is a bug.
    """
    try:
        yield
    except reraise:
        raise
    except CodedError as error:
        raise failure(f"{subject}: {error.code}: {error.reason}", error.code) from error
    except OperationalError as error:
        description = f"{subject}: the database connection was lost: {error.orig}"
        raise failure(description, Code.DATABASE_UNAVAILABLE) from error


def failure(description: str, *codes: Code) -> dg.Failure:
    """Make the failure of a step; Dagster retries it if one of the codes is worth a retry."""
    retry = any(code.retry for code in codes)
    # plain text: Dagster 1.13 cannot serialize an event that holds our enum, and would lose the failure
    text = ", ".join(sorted({str(code) for code in codes}))
    return dg.Failure(description, metadata={"code": text, "retryable": retry}, allow_retries=retry)


def listing_failure(errors: Mapping[Feed, CodedError]) -> dg.Failure:
    """Make the failure of a listing step. Feeds that could be listed are in the ledger nevertheless."""
    description = "; ".join(f"{feed.key}: {error.code}: {error.reason}" for feed, error in errors.items())
    return failure(description, *(error.code for error in errors.values()))
