"""`gogobe matching`: people decide which products of chains' own codes are products of other chains."""

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import click

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.options import WholeNumber
from gogobe_dagster.printable import printable
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.schema.enums import Decision

NUMBERS = click.argument("numbers", metavar="NUMBER...", type=WholeNumber(1), nargs=-1, required=True)


@click.group(no_args_is_help=True)
def matching() -> None:
    """Decide which products are the same in several chains.

    A GTIN is the same product everywhere. Products with codes of a chain's own, such as most vegetables, are
    never matched by themselves: `gogobe statistics` and the nightly maintenance propose what may be the
    same, with the evidence. What you accept is in the view matched_prices.

    Example: gogobe matching list --search בננה
    """


@matching.command("list")
@click.option(
    "--decision",
    type=click.Choice([*(decision.value for decision in Decision), "all"]),
    default=Decision.PROPOSED.value,
    show_default=True,
    help="Only matches that are proposed, accepted or rejected.",
)
@click.option("--chain", "chain_id", metavar="ID", help="Only codes of this chain, by its 13 digits.")
@click.option("--search", metavar="TEXT", help="Only with this text in a name or code.")
@click.option("--limit", type=WholeNumber(1), default=20, show_default=True, help="How many to show.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def list_matches(
    *, decision: str, chain_id: str | None, search: str | None, limit: int, as_json: bool
) -> None:
    """Show matches, those with the most evidence first."""
    from gogobe_dagster.warehouse.statistics.product_matches import matches

    wanted = None if decision == "all" else Decision(decision)
    with closing(open_warehouse(Settings.read())) as resources:
        rows = matches(resources.engine, decision=wanted, chain_id=chain_id, text=search, limit=limit)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        return
    for row in rows:
        click.echo(printable(_described(row)))
    if not rows:
        click.echo("there is no such match; `gogobe statistics` proposes what has been loaded since")


def _described(row: Mapping[str, Any]) -> str:
    other = row["other_gtin"] or f"{row['other_chain_name'] or row['other_chain_id']} {row['other_code']}"
    mark = "" if row["decision"] == Decision.PROPOSED else f" ({row['decision']})"
    chain = row["chain_name"] or row["chain_id"]
    return (
        f"{row['match_key']}{mark}  {chain} {row['code']}: {row['product_name']}\n"
        f"    = {other}: {row['other_name']}\n"
        f"    {'; '.join(_evidence(row))}"
    )


def _evidence(row: Mapping[str, Any]) -> list[str]:
    content = row["base_quantity"] and f"both {row['base_quantity'].normalize():f} {row['base_unit']}"
    return [
        *(["the code is the end of the GTIN"] if row["is_end_of_gtin"] else []),
        *([f"words: {row['shared_words']}"] if row["shared_words"] else []),
        *([content] if content else []),
        *([f"brand: {row['brand']}"] if row["brand"] else []),
    ]


@matching.command()
@NUMBERS
def accept(numbers: tuple[int, ...]) -> None:
    """Say that the matches of these NUMBERs are the same product."""
    _decide(numbers, Decision.ACCEPTED)


@matching.command()
@NUMBERS
def reject(numbers: tuple[int, ...]) -> None:
    """Say that they are not; they are not proposed again."""
    _decide(numbers, Decision.REJECTED)


def _decide(numbers: tuple[int, ...], decision: Decision) -> None:
    from gogobe_dagster.warehouse.statistics.product_matches import decide

    with closing(open_warehouse(Settings.read())) as resources:
        decide(resources.engine, numbers, decision, now=resources.clock())
    click.echo(f"{len(set(numbers))} {decision}")
