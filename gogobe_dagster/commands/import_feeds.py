"""`gogobe import`: import feeds and days now, through Dagster, without a running daemon."""

from collections.abc import Sequence
from datetime import date

import click
from rich.console import Console

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.environment import process_environment
from gogobe_dagster.commands.import_progress import Outcome, import_cells
from gogobe_dagster.commands.options import Day, OfFeeds, chosen, feed_option
from gogobe_dagster.errors import Code
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.settings import Settings


@click.command("import", cls=OfFeeds)
@feed_option
@click.option(
    "--day", "days", type=Day(), multiple=True, help="Publication day; may be repeated. Default: today."
)
def import_feeds(feeds: tuple[Feed, ...], days: tuple[date, ...]) -> None:
    """Find, fetch, read and load what feeds published, now and here.

    Each feed and day is an ordinary Dagster run, seen in the web UI. Without --feed: every feed, one
    after another; then `gogobe up` and its sensors are the better way. Exit code 1 if a run failed, or if
    a past day was asked for that its portal does not show any more.
    """
    from gogobe_dagster.pipeline import not_offered

    settings = Settings.read()
    resources = open_warehouse(settings)
    wanted = days or (Day().convert("today", None, None),)
    outcomes = import_cells(
        chosen(feeds),
        wanted,
        resources=resources,
        environment=process_environment(settings),
        console=Console(),
    )
    unknown = [(feed, day) for feed in chosen(feeds) for day in not_offered(feed, wanted, resources)]
    for feed, day in unknown:
        what = f"{feed.key} {day}: {Code.PAST_DAY_NOT_OFFERED}: this portal shows only today"
        click.secho(what, fg="yellow", err=True)
    tell(outcomes)
    if unknown:
        raise SystemExit(1)


def tell(outcomes: Sequence[Outcome]) -> None:
    """Name the runs that failed, and how to see why; exit code 1 if there are any."""
    failed = [outcome for outcome in outcomes if not outcome.success]
    for outcome in failed:
        what = f"{outcome.feed} {outcome.day}: run {outcome.run_id} failed"
        click.secho(": ".join(filter(None, [what, outcome.reason])), fg="red", err=True)
    if failed:
        click.echo("`gogobe up` shows all of it, under Runs; `gogobe status` shows the codes.", err=True)
        raise SystemExit(1)
    click.echo(f"{len(outcomes)} runs succeeded; `gogobe status` shows what was imported.")
