"""`gogobe demo`: imports one day of several feeds from replicas of the portals, and shows the results."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from gogobe_dagster import clock
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.demo_queries import show_demo_queries
from gogobe_dagster.commands.home_lock import claimed
from gogobe_dagster.commands.import_progress import Outcome, import_partitions
from gogobe_dagster.commands.options import HOST, WholeNumber, check_port_is_free, port_option
from gogobe_dagster.commands.processes import stop_on_signals
from gogobe_dagster.commands.tables import add_row, plain_table
from gogobe_dagster.commands.up import running_database, serve
from gogobe_dagster.dagster_runtime.environment import environment_with_days
from gogobe_dagster.feeds.registry import Feed, find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.postgres.server import prepare_home
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState

OWN_FOLDERS = {"GOGOBE_RAW_STORE": "", "GOGOBE_LAKE": ""}
COLUMNS = (
    "listed",
    "down-\nloaded",
    "parsed",
    "loaded",
    "quaran-\ntined",
    "stores",
    "prices",
    "promo-\ntions",
    "seconds",
)
"""Files that reached each state, then rows of stores, prices and promotions."""
FEEDS = ("shufersal", "rami_levy", "osher_ad", "keshet", "king_store", "good_pharm")


@click.command()
@click.option(
    "--ui", is_flag=True, help="Afterwards run the web UI and the daemon on the imported data, until Ctrl-C."
)
@port_option
@click.option("--stores", default=5, show_default=True, type=WholeNumber(1, 200), help="Stores per feed.")
@click.option("--items", default=400, show_default=True, type=WholeNumber(30, 15000), help="Items per store.")
def demo(*, ui: bool, port: int, stores: int, items: int) -> None:
    """Import one day of six feeds and show the results.

    Replicas of the portals run on this machine and publish yesterday's prices, promotions and stores of
    made-up chains. Dagster imports them into an embedded PostgreSQL. No network is used. A second run has
    nothing to import. All data is in the subfolder demo of GOGOBE_HOME (default .gogobe), separate from
    real data; delete it to start again.
    """
    console = Console()
    if ui:
        check_port_is_free(port)
    day = clock.day_of(clock.now()) - timedelta(days=1)
    feeds = [find_feed(key) for key in FEEDS]
    with _replica(feeds, day, stores=stores, items=items) as replica, stop_on_signals() as stop:
        prepare_home(Settings.read())  # the demo's own is in it
        settings = _demo_settings(Settings.read(), replica)
        with running_database(settings):
            if stop.is_set():
                return
            open_warehouse(settings).close()
            environment = (
                environment_with_days(settings, [day]) | OWN_FOLDERS | {"GOGOBE_REPLICA_URL": replica.url}
            )
            _import_and_report(feeds, day, settings, environment, console)
            if ui:
                _open_ui(settings, environment, port)
            else:
                console.print("Explore the data in the web UI: [bold]gogobe demo --ui[/bold] (or make ui).")


def _demo_settings(settings: Settings, replica: Replica) -> Settings:
    """Use databases and folders of the demo's own, whatever the environment sets."""
    own = {"home": settings.folder / "demo", "replica_url": replica.url}
    return settings.model_copy(
        update={**own, "database_url": "", "dagster_database_url": "", "raw_store": "", "lake": ""}
    )


@contextmanager
def _replica(feeds: Sequence[Feed], day: date, *, stores: int, items: int) -> Iterator[Replica]:
    """Publish all files of a past day, the same ones at every call."""
    midnight = datetime.combine(day, time.max, tzinfo=clock.ISRAEL)
    with Replica() as replica:
        publications_by_feed = {feed.key: replica.publications(feed.key) for feed in feeds}
        publish_day(
            publications_by_feed,
            feeds,
            day=day,
            market=SyntheticMarket(stores=stores, items=items),
            now=midnight,
        )
        yield replica


def _import_and_report(
    feeds: Sequence[Feed], day: date, settings: Settings, environment: Mapping[str, str], console: Console
) -> None:
    resources = Resources(settings)
    before = _loaded(resources, feeds, day)
    console.print(f"Importing [bold]{len(feeds)} feeds[/bold] as published on [bold]{day}[/bold] ...")
    (settings.folder / "dagster").mkdir(parents=True, exist_ok=True)
    outcomes = import_partitions(feeds, [day], resources=resources, environment=environment, console=console)
    console.print(_table(feeds, day, outcomes, resources))
    if _loaded(resources, feeds, day) == before:
        console.print("[bold]Nothing new[/bold] to import: all files were loaded before.")
    show_demo_queries(resources.engine, console)
    failed = [outcome.feed for outcome in outcomes if not outcome.success]
    resources.close()
    if failed:
        log = Path(settings.folder, "logs", "import.log")
        raise click.ClickException(f"{len(failed)} runs failed ({', '.join(failed)}); see {log}")


def _loaded(resources: Resources, feeds: Sequence[Feed], day: date) -> int:
    files = [file for feed in feeds for file in resources.ledger.of_days(feed.key, [day])]
    return sum(file.state is FileState.LOADED for file in files)


def _table(feeds: Sequence[Feed], day: date, outcomes: Sequence[Outcome], resources: Resources) -> Table:
    table = plain_table(f"Files published on {day}, by state reached, and rows loaded")
    table.add_column("feed", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    seconds = {outcome.feed: outcome.seconds for outcome in outcomes}
    for feed in feeds:
        counts = _counts(resources.ledger.of_days(feed.key, [day]))
        add_row(table, feed.name, *[f"{count:,}" for count in counts], f"{seconds.get(feed.key, 0):.1f}")
    return table


def _counts(files: Sequence[LedgerFile]) -> list[int]:
    """Count the files that reached each state, then the rows of stores, prices and promotions."""
    parsed = [file for file in files if file.rows is not None]
    return [
        len(files),
        sum(file.sha256 is not None for file in files),
        len(parsed),
        sum(file.state is FileState.LOADED for file in files),
        sum(file.state is FileState.QUARANTINED for file in files),
        *[
            sum(file.rows or 0 for file in parsed if file.kind and file.kind.document is document)
            for document in (Document.STORES, Document.PRICES, Document.PROMOTIONS)
        ],
    ]


def _open_ui(settings: Settings, environment: Mapping[str, str], port: int) -> None:
    with claimed(settings.folder, f"http://{HOST}:{port}"), stop_on_signals() as stop:
        serve(settings, environment, port, stop)
