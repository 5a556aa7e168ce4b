"""`gogobe retry`: puts failed files back, so that the next run tries them again."""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import date
from typing import Any

import click

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.options import Day, feed_option
from gogobe_dagster.errors import Code, SettingsError, find_code
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import FailedFiles, Requeued


class CodeType(click.ParamType[Code]):
    """Converts the name of a code; the error for an unknown one suggests the most similar."""

    name = "code"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Code:
        """Return the code of this name."""
        try:
            return find_code(str(value))
        except SettingsError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("names", nargs=-1, metavar="[FILES]...")
@click.option(
    "--code", "codes", type=CodeType(), multiple=True, help="Only files with this code; may be repeated."
)
@feed_option
@click.option(
    "--day", "days", type=Day(), multiple=True, help="Only files published on this day; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Only show what would be put back.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as one JSON object.")
def retry(  # noqa: PLR0917 - click passes them by name
    names: tuple[str, ...],
    codes: tuple[Code, ...],
    feeds: tuple[Feed, ...],
    days: tuple[date, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put failed files back, so that the next run tries them again.

    FILES are file names; `*` stands for any characters. Without FILES and options, all failed files are
    put back, except those that were left out on purpose, such as files of another chain: name their code to
    import them. A file that its portal still lists is downloaded again; one that only the raw store has is
    parsed again. With --feed, portals of these feeds that refused are asked again at once.
    """
    from gogobe_dagster.warehouse.ledger.portal_pause import end_pauses
    from gogobe_dagster.warehouse.ledger.requeue import requeue

    selection = FailedFiles(names=names, codes=codes, feeds=[feed.key for feed in feeds], days=days)
    with closing(open_warehouse(Settings.read())) as resources:
        done = requeue(
            resources.engine,
            selection,
            has_raw=resources.raw_store.has,
            now=resources.clock(),
            dry_run=dry_run,
        )
        accounts = [] if dry_run else [resources.portal_account(feed) for feed in feeds]
        ended = sum(end_pauses(resources.engine, account) for account in accounts)
    if as_json:
        click.echo(json.dumps({"files": done.files, **asdict(done), "pauses_ended": ended}))
    else:
        for line in _report(done, ended, dry_run=dry_run):
            click.echo(line)


def _report(done: Requeued, ended: int, *, dry_run: bool) -> Sequence[str]:
    would = "would be " if dry_run else ""
    counts = [
        (done.to_download, f"{would}put back, to be downloaded again"),
        (done.to_parse, f"{would}put back, to be parsed again"),
        (done.unavailable, "left as they are: neither listed by their portal nor in the raw store"),
    ]
    lines = [
        f"{sum(by_code.values()):,} files {what}: "
        + ", ".join(f"{number:,} {code}" for code, number in by_code.items())
        for by_code, what in counts
        if by_code
    ]
    if not lines:
        lines = ["No failed file matches; `gogobe status --files` shows the files of a day."]
    if ended:
        lines.append("Their portals are no longer left alone.")
    if done.files and not dry_run:
        lines.append("The next run of their feeds and days imports them: a sensor's, or `gogobe import`.")
    return lines
