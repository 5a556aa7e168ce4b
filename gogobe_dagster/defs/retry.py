"""The job that puts failed files back, as `gogobe retry` does."""

from dataclasses import asdict
from datetime import date

import dagster as dg
from pydantic import Field

from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.errors import SettingsError, find_code
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.model import FailedFiles

RETRY_JOB = "retry_failed_files"


class RetryConfig(dg.Config):
    """Which failed files are put back; what is empty restricts nothing."""

    files: list[str] = Field(default=[], description="File names; * stands for any characters.")
    codes: list[str] = Field(default=[], description="Codes, such as not_found: docs/codes.md.")
    feeds: list[str] = Field(
        default=[], description="Feeds, such as rami_levy; their portals are no longer left alone."
    )
    days: list[str] = Field(default=[], description="Publication days, YYYY-MM-DD.")
    dry_run: bool = Field(default=False, description="Only report what would be put back.")


@dg.op
def put_back_failed_files(
    context: dg.OpExecutionContext, config: RetryConfig, resources: dg.ResourceParam[Resources]
) -> None:
    """Put failed files back, so that the next run of their feed and day tries them again."""
    from gogobe_dagster.warehouse.ledger.portal_pause import end_pauses
    from gogobe_dagster.warehouse.ledger.requeue import requeue

    with as_failure("retry"):
        feeds = [find_feed(key) for key in config.feeds]
        done = requeue(
            resources.engine,
            FailedFiles(
                names=config.files,
                codes=[find_code(name) for name in config.codes],
                feeds=config.feeds,
                days=[_day(text) for text in config.days],
            ),
            has_raw=resources.raw_store.has,
            now=resources.clock(),
            dry_run=config.dry_run,
        )
        for feed in () if config.dry_run else feeds:
            end_pauses(resources.engine, resources.portal_account(feed))
    context.add_output_metadata({"files": done.files, **asdict(done)})


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is not a day: use YYYY-MM-DD") from None


@dg.job(
    name=RETRY_JOB,
    executor_def=dg.in_process_executor,
    description="Puts failed files back, so that the next run of their feed and day tries them again.",
)
def retry_failed_files() -> None:
    """Put failed files back; the run configuration says which."""
    put_back_failed_files()
