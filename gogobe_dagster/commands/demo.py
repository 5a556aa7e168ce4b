"""`gogobe demo`: a day of several feeds, from copies of the portals into PostgreSQL, and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from gogobe_dagster import clock
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.demo_queries import show_answers
from gogobe_dagster.commands.environment import clone_folder, process_environment
from gogobe_dagster.commands.import_progress import Outcome, import_cells
from gogobe_dagster.commands.processes import Children, stopped_by_signals
from gogobe_dagster.commands.up import database, refuse_taken, serve, with_code_socket
from gogobe_dagster.feeds.registry import Feed, find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.generator.market import Market
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState

APART = {"GOGOBE_RAW_STORE": "", "GOGOBE_LAKE": ""}
NUMBERS = (
    "found",
    "down-\nloaded",
    "parsed",
    "loaded",
    "quaran-\ntined",
    "stores",
    "prices",
    "promo-\ntions",
    "seconds",
)
"""Files by how far they came, then rows of stores and prices, and offers of promotions."""
FEEDS = ("shufersal", "rami_levy", "osher_ad", "keshet", "king_store", "good_pharm")


@click.command()
@click.option(
    "--ui", is_flag=True, help="Then open the web UI and the daemon on what was imported, until Ctrl-C."
)
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Of the web UI.")
@click.option(
    "--stores", default=5, show_default=True, type=click.IntRange(1, 200), help="Stores of each feed."
)
@click.option(
    "--items", default=400, show_default=True, type=click.IntRange(30, 15000), help="Items of a store."
)
def demo(*, ui: bool, port: int, stores: int, items: int) -> None:
    """Import a day of six feeds and show what happened.

    Copies of the portals run on this machine and publish yesterday's prices, promotions and stores of
    made-up shops; Dagster finds, fetches, reads and loads them into an embedded PostgreSQL. No network is
    used. A second time there is nothing new. Everything is kept in the folder demo of GOGOBE_HOME
    (.gogobe unless set), apart from what is real; delete it to begin again.
    """
    console = Console()
    if ui:
        refuse_taken(port)
    day = clock.day_of(clock.now()) - timedelta(days=1)
    feeds = [find_feed(key) for key in FEEDS]
    with stopped_by_signals() as stop, _replica(feeds, day, stores=stores, items=items) as replica:
        settings = _apart(Settings.read(), replica)
        with database(settings):
            if stop.is_set():
                return
            open_warehouse(settings).close()
            environment = process_environment(settings) | APART | {"GOGOBE_REPLICA_URL": replica.url}
            _import_and_tell(feeds, day, settings, environment, console)
            if ui:
                _open_ui(settings, environment, port)
            else:
                console.print(
                    "Look around in the web UI: [bold]gogobe demo --ui[/bold] (or make ui), then Ctrl-C."
                )


def _apart(settings: Settings, replica: Replica) -> Settings:
    """Keep what is made up away from every database and folder that the environment names."""
    own = {"home": settings.folder / "demo", "replica_url": replica.url}
    return settings.model_copy(
        update={**own, "database_url": "", "dagster_database_url": "", "raw_store": "", "lake": ""}
    )


@contextmanager
def _replica(feeds: Sequence[Feed], day: date, *, stores: int, items: int) -> Iterator[Replica]:
    """Publish the whole of a day that is over: the same files however often it is asked for."""
    midnight = datetime.combine(day, time.max, tzinfo=clock.ISRAEL)
    with Replica() as replica:
        shelves = {feed.key: replica.shelf(feed.key) for feed in feeds}
        publish_day(shelves, feeds, day=day, market=Market(stores=stores, items=items), now=midnight)
        yield replica


def _import_and_tell(
    feeds: Sequence[Feed], day: date, settings: Settings, environment: Mapping[str, str], console: Console
) -> None:
    resources = Resources(settings)
    before = _loaded(resources, feeds, day)
    console.print(f"Importing [bold]{len(feeds)} feeds[/bold] as published on [bold]{day}[/bold] ...")
    (settings.folder / "dagster").mkdir(parents=True, exist_ok=True)
    outcomes = import_cells(feeds, [day], resources=resources, environment=environment, console=console)
    console.print(_table(feeds, day, outcomes, resources))
    if _loaded(resources, feeds, day) == before:
        console.print("There is [bold]nothing new[/bold]: every file is in the tables already.")
    show_answers(resources.engine, console)
    failed = [outcome.feed for outcome in outcomes if not outcome.success]
    resources.close()
    if failed:
        log = Path(settings.folder, "logs", "import.log")
        raise click.ClickException(f"{len(failed)} runs failed ({', '.join(failed)}); {log} says why")


def _loaded(resources: Resources, feeds: Sequence[Feed], day: date) -> int:
    files = [file for feed in feeds for file in resources.ledger.of_days(feed.key, [day])]
    return sum(file.state is FileState.LOADED for file in files)


def _table(feeds: Sequence[Feed], day: date, outcomes: Sequence[Outcome], resources: Resources) -> Table:
    title = f"Published on {day}, and what became of it"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True)
    table.add_column("feed", no_wrap=True)
    for name in NUMBERS:
        table.add_column(name, justify="right", no_wrap=True)
    seconds = {outcome.feed: outcome.seconds for outcome in outcomes}
    for feed in feeds:
        counts = _counts(resources.ledger.of_days(feed.key, [day]))
        table.add_row(feed.name, *[f"{count:,}" for count in counts], f"{seconds.get(feed.key, 0):.1f}")
    table.caption, table.caption_justify = (
        "Files by how far they came, then rows: of promotions, offers.",
        "left",
    )
    return table


def _counts(files: Sequence[LedgerFile]) -> list[int]:
    """Count files by how far they came, then rows of stores and prices and offers of promotions."""
    read = [file for file in files if file.rows is not None]
    return [
        len(files),
        sum(file.sha256 is not None for file in files),
        len(read),
        sum(file.state is FileState.LOADED for file in files),
        sum(file.state is FileState.QUARANTINED for file in files),
        *[
            sum(file.rows or 0 for file in read if file.kind and file.kind.document is document)
            for document in (Document.STORES, Document.PRICES, Document.PROMOTIONS)
        ],
    ]


def _open_ui(settings: Settings, environment: Mapping[str, str], port: int) -> None:
    logs = settings.folder / "logs"
    with (
        stopped_by_signals() as stop,
        with_code_socket(environment) as whole,
        Children(logs=logs, environment=whole, folder=clone_folder()) as children,
    ):
        serve(children, port, stop)
