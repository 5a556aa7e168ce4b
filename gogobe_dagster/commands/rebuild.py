"""`gogobe rebuild`: rebuilds tables from the lake."""

from contextlib import closing
from datetime import date, datetime, time

import click

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.options import Day, FeedCommand, feed_option
from gogobe_dagster.commands.progress import telling
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.maintenance.rebuild import REBUILDERS, Rebuilt, Scope

DOCUMENTS = [document.value for document in REBUILDERS]


@click.command(cls=FeedCommand)
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
    "--since", type=Day(), help="Only prices and promotions since this day; earlier history is kept."
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation when everything is rebuilt.")
def rebuild(  # noqa: PLR0917 - click passes them by name
    feeds: tuple[Feed, ...],
    chains: tuple[str, ...],
    stores: tuple[int, ...],
    documents: tuple[str, ...],
    since: date | None,
    yes: bool,
) -> None:
    """Rebuild tables from the lake.

    The result is the same as that of loading the files again. Works store by store, while imports may
    continue. An interrupted rebuild can be repeated. Data that the lake no longer has is reported and
    kept as it is; the exit code is then 1.
    """
    if not (feeds or chains or stores or yes):
        click.confirm("Rebuild all stores from the lake? This takes as long as loading them.", abort=True)
    scope = Scope(
        feeds=[feed.key for feed in feeds],
        chain_ids=chains,
        store_ids=stores,
        since=datetime.combine(since, time(), tzinfo=ISRAEL) if since else None,
    )
    with closing(open_warehouse(Settings.read())) as resources:
        done = {name: _rebuild(Document(name), scope, resources) for name in documents or DOCUMENTS}
    missing = [problem for rebuilt in done.values() for problem in rebuilt.missing]
    for document, rebuilt in done.items():
        click.echo(f"{document}: {rebuilt.stores:,} stores rebuilt from {rebuilt.files:,} files")
    if not any(rebuilt.files for rebuilt in done.values()) and not missing:
        click.echo("No files match; `gogobe status` shows which feeds were imported.", err=True)
    for problem in missing:
        click.secho(f"{problem.what}: {problem.code}: {problem.reason}", fg="red", err=True)
    if missing:
        click.echo("The data named above was not changed; use --since to rebuild from a later day.", err=True)
        raise SystemExit(1)


def _rebuild(document: Document, scope: Scope, resources: Resources) -> Rebuilt:
    with telling(document) as tell:
        return REBUILDERS[document](resources.engine, resources.lake, scope, now=resources.clock(), tell=tell)
