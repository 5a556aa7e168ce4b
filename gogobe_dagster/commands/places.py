"""`gogobe places`: which locality a published city, a code or any other spelling means."""

import json
from collections.abc import Sequence

import click

from gogobe_dagster.localities.resolver import Resolution, resolve_place


@click.command(no_args_is_help=True)
@click.argument("spellings", nargs=-1, required=True, metavar="SPELLING...")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a list of objects: given, code, name, district and how."
)
def places(spellings: Sequence[str], as_json: bool) -> None:
    r"""Show which locality each SPELLING means.

    SPELLING is what a store list has in the city field: a name in Hebrew or English, an abbreviation
    (ת"א), a former name, a neighbourhood, or a code of the Central Bureau of Statistics (5000). Quote it
    when it has a space.

    The column "how" says how the locality was found: code, name, spelling, english_name, alias,
    former_name, part (of a merged town), neighbourhood or contained (among other words). Without a
    locality it says why: empty, unknown_code, not_a_locality or ambiguous; the code is then empty, null
    in JSON.

    Exit status 0 if every spelling is one locality, else 1.

    \b
    gogobe places 'תל אביב' 5000 'נצרת עילית' "Petah Tikva"
    """
    found = [(spelling, resolve_place(spelling)) for spelling in spellings]
    if as_json:
        click.echo(json.dumps([_row(*item) for item in found], ensure_ascii=False, indent=2))
    else:
        _print_table(found)
    if not all(resolution.locality for _, resolution in found):
        raise SystemExit(1)


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
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("given", "code", "name", "district", "how", box=box.SIMPLE_HEAD)
    for given, resolution in found:
        row = _row(given, resolution)
        texts = ["" if value is None else str(value) for value in row.values()]
        table.add_row(*map(escape, [*texts[:-1], texts[-1] + _candidates(resolution)]))
    Console().print(table)


def _candidates(resolution: Resolution) -> str:
    """Name what an ambiguous spelling may mean."""
    names = (f"{place.name} ({place.code})" for place in resolution.candidates)
    return f": {', '.join(names)}" if resolution.candidates else ""
