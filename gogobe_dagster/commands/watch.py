"""`gogobe watch`: products whose changed prices are alerted."""

import json
from contextlib import closing
from dataclasses import asdict

import click

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.localities.resolver import resolve_place
from gogobe_dagster.printable import printable
from gogobe_dagster.settings import Settings


@click.group(no_args_is_help=True)
def watch() -> None:
    """Send an alert when the price of a product changes.

    Alerts go to GOGOBE_ALERT_URL, one for all changes since the last one, while `gogobe up` runs. A store
    that begins to sell the product changes nothing.

    Example: gogobe watch add 7290000042640 --city ירושלים
    """


@watch.command("add")
@click.argument("gtin")
@click.option("--city", help="Only stores there: a town in any spelling, or its code. Default: all stores.")
def add(gtin: str, city: str | None) -> None:
    """Watch the price of GTIN, the number under a barcode."""
    from gogobe_dagster.monitoring.watches import add_watch

    code = None if city is None else _locality_code(city)
    known = _known_gtin(gtin)
    with closing(open_warehouse(Settings.read())) as resources:
        number = add_watch(resources.engine, known, code, now=resources.clock())
    click.echo(f"{known} is watched already" if number is None else f"{known} is watched: number {number}")


def _locality_code(city: str) -> int:
    place = resolve_place(city).locality
    if place is None:
        raise click.BadParameter(f"{city!r} is not one town; `gogobe places` shows what it may mean")
    return place.code


def _known_gtin(gtin: str) -> str:
    from gogobe_dagster.warehouse.load.gtin import gtin_of

    number = gtin_of(gtin)
    if number is None:
        raise click.BadParameter(f"{gtin!r} is not a GTIN: 8 to 14 digits, the last one a check digit")
    return number


@watch.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def list_watches(*, as_json: bool) -> None:
    """Show what is watched, and what it costs now."""
    from gogobe_dagster.monitoring.watches import watches

    with closing(open_warehouse(Settings.read())) as resources:
        rows = [asdict(watched) for watched in watches(resources.engine)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        return
    for row in rows:
        price = "no price" if row["lowest_price"] is None else f"from {row['lowest_price'].normalize():f} ILS"
        name, city = row["name"] or "unknown product", row["locality"] or "all stores"
        line = f"{row['watch_key']}  {row['gtin']}  {name}, {city}: {price} in {row['stores']} stores"
        click.echo(printable(line))
    if not rows:
        click.echo("nothing is watched: gogobe watch add GTIN")


@watch.command("remove")
@click.argument("number", type=int)
def remove(number: int) -> None:
    """Stop watching NUMBER, as `gogobe watch list` shows it."""
    from gogobe_dagster.monitoring.watches import remove_watch

    with closing(open_warehouse(Settings.read())) as resources:
        was_watched = remove_watch(resources.engine, number)
    if not was_watched:
        raise click.BadParameter(f"there is no watch {number}; `gogobe watch list` shows the numbers")
    click.echo(f"watch {number} is removed")
