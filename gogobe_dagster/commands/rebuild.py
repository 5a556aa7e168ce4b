"""`gogobe rebuild`: the tables made anew from the lake."""

from contextlib import closing
from datetime import date, datetime, time

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.options import Day, OfFeeds, feed_option
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.maintenance.rebuild import REBUILDERS, Rebuilt, Scope

DOCUMENTS = [document.value for document in REBUILDERS]


@click.command(cls=OfFeeds)
@feed_option
@click.option("--chain", "chains", multiple=True, help="Only this chain id; may be repeated.")
@click.option(
    "--store",
    "stores",
    type=int,
    multiple=True,
    help="Only prices and promotions of this store id; may be repeated.",
)
@click.option(
    "--document",
    "documents",
    type=click.Choice(DOCUMENTS),
    multiple=True,
    help=f"Only these tables: {', '.join(DOCUMENTS)}; may be repeated.",
)
@click.option(
    "--since", type=Day(), help="Only prices and promotions since this day; history before stays as it is."
)
@click.option("--yes", is_flag=True, help="Do not ask, also when everything is rebuilt.")
def rebuild(  # noqa: PLR0917 - click gives them by name
    feeds: tuple[Feed, ...],
    chains: tuple[str, ...],
    stores: tuple[int, ...],
    documents: tuple[str, ...],
    since: date | None,
    yes: bool,
) -> None:
    """Make tables anew from the lake: the same result as loading its files, whatever was in the tables.

    Works store by store; imports may go on meanwhile, and a rebuild that was interrupted is simply done
    again. What the lake no longer has is told and left as it is; then the exit code is 1.
    """
    if not (feeds or chains or stores or yes):
        click.confirm("Rebuild every store from the lake? It takes as long as loading it did.", abort=True)
    scope = Scope(
        feeds=[feed.key for feed in feeds],
        chain_ids=chains,
        store_ids=stores,
        since=datetime.combine(since, time(), tzinfo=ISRAEL) if since else None,
    )
    with closing(open_warehouse(Settings.read())) as resources:
        done = {one: _rebuild(Document(one), scope, resources) for one in documents or DOCUMENTS}
    missing = [one for some in done.values() for one in some.missing]
    for document, rebuilt in done.items():
        click.echo(f"{document}: {rebuilt.stores:,} stores rebuilt from {rebuilt.files:,} files")
    if not any(rebuilt.files for rebuilt in done.values()) and not missing:
        click.echo("Nothing matches; `gogobe status` shows which feeds were imported.", err=True)
    for one in missing:
        click.secho(f"{one.what}: {one.code}: {one.reason}", fg="red", err=True)
    if missing:
        click.echo("What is named above was left as it is; --since rebuilds from a later day.", err=True)
        raise SystemExit(1)


def _rebuild(document: Document, scope: Scope, resources: Resources) -> Rebuilt:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(document)
        return REBUILDERS[document](
            resources.engine,
            resources.lake,
            scope,
            now=resources.clock(),
            tell=lambda what: progress.update(task, description=what),
        )
