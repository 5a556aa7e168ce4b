"""The options that restrict an import to some files: --kind, --store, --name, --newest and --limit."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from gogobe_dagster.commands.options import WholeNumber
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.files.selection import KIND_WORDS, FileSelection, parse_kind


class KindType(click.ParamType[FileKind]):
    """Converts the word for a kind of file; the error for an unknown one suggests the most similar."""

    name = "kind"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> FileKind:
        """Return the kind."""
        if isinstance(value, FileKind):
            return value
        try:
            return parse_kind(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PatternType(click.ParamType[str]):
    """Converts a pattern for names of files, which must not be empty."""

    name = "pattern"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the pattern."""
        if not str(value).strip():
            self.fail("the pattern is empty; an example: 'PriceFull*-039-*'", param, ctx)
        return str(value)


OPTIONS = (
    click.option(
        "--kind",
        "kinds",
        type=KindType(),
        multiple=True,
        help=f"Only files of this kind: {', '.join(KIND_WORDS)}; may be repeated.",
    ),
    click.option(
        "--store",
        "stores",
        type=WholeNumber(min=0),
        multiple=True,
        help="Only files of the store with this number, and the chain's store list; may be repeated.",
    ),
    click.option(
        "--name", type=PatternType(), help="Only files whose name matches, such as 'PriceFull*-039-*'."
    ),
    click.option("--newest", is_flag=True, help="Only the newest file of each store and kind."),
    click.option(
        "--limit",
        type=WholeNumber(min=1),
        help="At most this number of files of each feed and day: store lists and full files first.",
    ),
)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and pass them to the command as `selection`."""

    @wraps(command)
    def with_selection(
        *,
        kinds: tuple[FileKind, ...],
        stores: tuple[int, ...],
        name: str | None,
        newest: bool,
        limit: int | None,
        **others: Any,
    ) -> Any:
        selection = FileSelection(
            kinds=frozenset(kinds), stores=frozenset(stores), name=name or "", newest=newest, limit=limit
        )
        return command(selection=selection, **others)

    decorated: Callable[..., Any] = with_selection
    for option in reversed(OPTIONS):
        decorated = option(decorated)
    return decorated
