"""What a long command is doing, as a line on stderr that is gone afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def telling(description: str) -> Iterator[Callable[[str], None]]:
    """Give the function that replaces the description. In a pipe or a log nothing is shown."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(escape(description))
        yield lambda what: progress.update(task, description=escape(what))
