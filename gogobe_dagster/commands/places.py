"""`gogobe places`: which locality a published city, a code or any other spelling means."""

import json
from collections.abc import Sequence
from contextlib import closing

import click

from gogobe_dagster.localities.resolver import Resolution, resolve_place


@click.command(no_args_is_help=True)
@click.argument("spellings", nargs=-1, metavar="SPELLING...")
@click.option(
    "--unresolved",
    is_flag=True,
    help="Show instead the cities of imported stores that have no locality: city, stores and how.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print a list of objects: given, code, name, district and how."
)
def places(spellings: Sequence[str], unresolved: bool, as_json: bool) -> None:
    """Show which locality each SPELLING means.

    SPELLING is what a store list has in the city field: a name in Hebrew or English, an abbreviation
    (ת"א), a former name, a neighbourhood, or a code of the Central Bureau of Statistics (5000). Quote it
    when it has a space.

    The column "how" says how the locality was found: code, name, spelling, english_name, alias,
    former_name, part (of a merged town), neighbourhood or contained (among other words). Where there is
    none, the column says why: empty, unknown_code, not_a_locality or ambiguous; code, name and district
    are then empty, and null in JSON.

    --unresolved counts the imported stores without a locality by the city that their chains publish.

    Exit status 0 if every spelling is one locality, else 1.

    Example: gogobe places 'תל אביב' 5000 'נצרת עילית' "Petah Tikva"
    """
    if unresolved == bool(spellings):
        raise click.UsageError("name spellings, or use --unresolved")
    if unresolved:
        _show_unresolved(as_json=as_json)
        return
    found = [(spelling, resolve_place(spelling)) for spelling in spellings]
    if as_json:
        click.echo(json.dumps([_row(*item) for item in found], ensure_ascii=False, indent=2))
    else:
        _print_table(found)
    if not all(resolution.locality for _, resolution in found):
        raise SystemExit(1)


def _show_unresolved(*, as_json: bool) -> None:
    # here, because spellings need no database and none of its libraries
    from gogobe_dagster.commands.bootstrap import open_warehouse
    from gogobe_dagster.settings import Settings
    from gogobe_dagster.warehouse.schema.store_localities import unresolved_cities

    with closing(open_warehouse(Settings.read())) as resources, resources.engine.connect() as connection:
        counts = unresolved_cities(connection).most_common()
    rows = [{"city": city, "stores": stores, "how": reason} for (city, reason), stores in counts]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        _print_rows(("city", "stores", "how"), [list(map(_text, row.values())) for row in rows])


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)


def _row(given: str, resolution: Resolution) -> dict[str, str | int | None]:
    place = resolution.locality
    return {
        "given": given,
        "code": place.code if place else None,
        "name": place.name if place else None,
        "district": place.district if place else None,
        "how": resolution.how or resolution.reason,
    }


def _print_table(found: Sequence[tuple[str, Resolution]]) -> None:
    rows = []
    for given, resolution in found:
        *texts, how = map(_text, _row(given, resolution).values())
        rows.append([*texts, how + _candidates(resolution)])
    _print_rows(("given", "code", "name", "district", "how"), rows)


def _print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table

    from gogobe_dagster.commands.tables import add_row, open_console

    table = Table(*columns, box=box.SIMPLE_HEAD)
    for row in rows:
        add_row(table, *row)
    open_console().print(table)


def _candidates(resolution: Resolution) -> str:
    """Name what an ambiguous spelling may mean."""
    names = (f"{place.name} ({place.code})" for place in resolution.candidates)
    return f": {', '.join(names)}" if resolution.candidates else ""
