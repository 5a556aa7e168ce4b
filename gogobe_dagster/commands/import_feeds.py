"""`gogobe import`: imports feeds and days now, as Dagster runs, without a running daemon."""

from collections.abc import Sequence
from datetime import date

import click
from rich.console import Console

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.import_progress import Outcome, import_partitions
from gogobe_dagster.commands.options import Day, FeedCommand, feed_option, selected_feeds
from gogobe_dagster.commands.selection_options import selection_options
from gogobe_dagster.dagster_runtime.environment import environment_with_days
from gogobe_dagster.errors import Code
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.selection import FileSelection
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.portal_pause import active_pause
from gogobe_dagster.warehouse.schema.enums import FileState


@click.command("import", cls=FeedCommand)
@feed_option
@click.option(
    "--day", "days", type=Day(), multiple=True, help="Publication day; may be repeated. Default: today."
)
@selection_options
def import_feeds(feeds: tuple[Feed, ...], days: tuple[date, ...], selection: FileSelection) -> None:
    """Import feeds and days now, in this terminal.

    Discovers, downloads, parses and loads the files that the feeds published. Each feed and day is a
    Dagster run, also shown in the web UI. Without --feed, all feeds are imported one after another; for
    that, `gogobe up` and its sensors are the better way. Exit code 1 if a run failed, which it also does if
    fewer files than GOGOBE_MIN_FILES_PERCENT came through; if files wait because their portal refuses; or if
    a portal does not list the files of a past day any more.

    --kind, --store, --name, --newest and --limit restrict the runs to some files of each feed and day. The
    other files are recorded and stay pending: a later import, or a sensor, takes them.
    """
    from gogobe_dagster.pipeline import not_offered

    settings = Settings.read()
    resources = open_warehouse(settings)
    publication_days = days or (Day().convert("today", None, None),)
    outcomes = import_partitions(
        selected_feeds(feeds),
        publication_days,
        resources=resources,
        environment=environment_with_days(settings, publication_days),
        console=Console(),
        selection=selection,
    )
    unavailable = [
        (feed, day)
        for feed in selected_feeds(feeds)
        for day in not_offered(feed, publication_days, resources)
    ]
    for feed, day in unavailable:
        message = f"{feed.key} {day}: {Code.PAST_DAY_NOT_OFFERED}: the portal lists only today's files"
        click.secho(message, fg="yellow", err=True)
    if selection.is_partial:
        _print_left_out(selected_feeds(feeds), publication_days, resources, selection)
    is_waiting = _print_waiting(selected_feeds(feeds), publication_days, resources, selection)
    report(outcomes)
    if unavailable or is_waiting:
        raise SystemExit(1)


def _print_waiting(
    feeds: Sequence[Feed], days: Sequence[date], resources: Resources, selection: FileSelection
) -> bool:
    """Print which portals are left alone although files wait to be downloaded; return whether any is."""
    from gogobe_dagster.pipeline import selected

    is_waiting = False
    for feed in feeds:
        pause = active_pause(resources.engine, resources.portal_account(feed), now=resources.clock())
        files = selected(feed, days, resources, selection) if pause else []
        waiting = sum(file.state is FileState.DISCOVERED for file in files)
        if pause and waiting:
            message = f"{feed.key}: {waiting} files wait; the portal is {pause.error.reason}"
            click.secho(f"{message}. Import again then.", fg="yellow", err=True)
            is_waiting = True
    return is_waiting


def _print_left_out(
    feeds: Sequence[Feed], days: Sequence[date], resources: Resources, selection: FileSelection
) -> None:
    """Print what a partial import took and what it left pending."""
    from gogobe_dagster.pipeline import left_out, selected

    taken = sum(len(selected(feed, days, resources, selection)) for feed in feeds)
    others = sum(len(left_out(feed, days, resources, selection)) for feed in feeds)
    click.echo(f"Partial import, only {selection}: {taken} files selected, {others} others stay pending.")
    if not taken:
        click.secho("No file that was found is selected.", fg="yellow", err=True)


def report(outcomes: Sequence[Outcome]) -> None:
    """Print the failed runs and where to find the reasons; exit with 1 if there are any."""
    failed = [outcome for outcome in outcomes if not outcome.success]
    for outcome in failed:
        message = f"{outcome.feed} {outcome.day}: run {outcome.run_id} failed"
        click.secho(": ".join(filter(None, [message, outcome.reason])), fg="red", err=True)
    if failed:
        click.echo("See `gogobe up`, page Runs, for details, and `gogobe status` for the codes.", err=True)
        raise SystemExit(1)
    runs = "1 run" if len(outcomes) == 1 else f"{len(outcomes)} runs"
    click.echo(f"{runs} succeeded; `gogobe status` shows what was imported.")
