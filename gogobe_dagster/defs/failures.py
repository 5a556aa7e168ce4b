"""Our errors, translated to Dagster's in one place: code and reason as metadata, retry verdict kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
from sqlalchemy.exc import OperationalError

from gogobe_dagster.errors import CodedError, DatabaseUnavailable, GogobeError
from gogobe_dagster.feeds.registry import Feed


@contextmanager
def as_failure(what: str, *, but: tuple[type[GogobeError], ...] = ()) -> Iterator[None]:
    """Turn what we raise on purpose into a failed step that says what to do; let bugs, and `but`, through."""
    try:
        yield
    except but:
        raise
    except CodedError as error:
        raise failure(f"{what}: {error.code}: {error.reason}", retry=error.retry, code=error.code) from error
    except DatabaseUnavailable as error:
        raise failure(f"{what}: {error}", retry=True, code=error.code) from error
    except OperationalError as error:
        words = f"{what}: the database went away: {error.orig}"
        raise failure(words, retry=True, code=DatabaseUnavailable.code) from error
    except GogobeError as error:
        raise failure(f"{what}: {error}", retry=False, code="settings") from error


def failure(description: str, *, retry: bool, code: str) -> dg.Failure:
    """Make the failure of a step."""
    # plain text: Dagster 1.13 cannot write an event that holds an enum of ours, and loses the failure
    return dg.Failure(description, metadata={"code": str(code), "retry can help": retry}, allow_retries=retry)


def listings_failed(failed: Mapping[Feed, CodedError]) -> dg.Failure:
    """Make the failure of a listing step; feeds that did answer are in the ledger all the same."""
    words = "; ".join(f"{feed.key}: {error.code}: {error.reason}" for feed, error in failed.items())
    codes = ", ".join(sorted({error.code for error in failed.values()}))
    return failure(words, retry=any(error.retry for error in failed.values()), code=codes)
