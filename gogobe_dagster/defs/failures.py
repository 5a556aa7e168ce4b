"""Errors of ours, translated to Dagster's in one place: code and reason as metadata, retry verdict kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
from sqlalchemy.exc import OperationalError

from gogobe_dagster.errors import Code, CodedError, GogobeError
from gogobe_dagster.feeds.registry import Feed


@contextmanager
def as_failure(what: str, *, but: tuple[type[GogobeError], ...] = ()) -> Iterator[None]:
    """Turn coded errors into a failed step with code and reason; let bugs, and `but`, through."""
    try:
        yield
    except but:
        raise
    except CodedError as error:
        raise failure(f"{what}: {error.code}: {error.reason}", error.code) from error
    except OperationalError as error:
        text = f"{what}: the connection to the database was lost: {error.orig}"
        raise failure(text, Code.DATABASE_UNAVAILABLE) from error


def failure(description: str, *codes: Code) -> dg.Failure:
    """Make the failure of a step; it is tried again if that can help against any of its codes."""
    retry = any(code.retry for code in codes)
    # plain text: Dagster 1.13 cannot write an event that holds an enum of ours, and loses the failure
    text = ", ".join(str(code) for code in sorted(set(codes)))
    return dg.Failure(description, metadata={"code": text, "retry can help": retry}, allow_retries=retry)


def listings_failed(failed: Mapping[Feed, CodedError]) -> dg.Failure:
    """Make the failure of a listing step; feeds that did answer are in the ledger all the same."""
    reasons = "; ".join(f"{feed.key}: {error.code}: {error.reason}" for feed, error in failed.items())
    return failure(reasons, *(error.code for error in failed.values()))
