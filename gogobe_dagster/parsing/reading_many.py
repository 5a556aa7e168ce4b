"""Read many files as `reading` reads each; those of one layout are read together.

A delta of twenty rows is read in a tenth of a millisecond, and setting up the columns of the model takes
three: so documents are put one behind the other and read as if they were one. Whatever is not whole and
regular is read on its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.content import Opened, open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.fast import read_together
from gogobe_dagster.parsing.markup import CannotRead
from gogobe_dagster.parsing.memory import keep_freed_memory
from gogobe_dagster.parsing.normalise import normalise_many
from gogobe_dagster.parsing.reading import ParsedFile, as_parsed, read_large, read_opened
from gogobe_dagster.parsing.sniffing import Layout, sniff

FILES_AT_ONCE: Final = 200
BYTES_AT_ONCE: Final = 1 << 22
"""Of documents that wait for others; one alone may be longer."""
ROWS_AT_ONCE: Final = 50_000

Outcome = ParsedFile | ContentError


def read_files(files: Iterable[tuple[str, bytes | ContentError]], *, limit: int) -> Iterator[Outcome]:
    """Read files, names and bytes as served; yield what became of each, in their order.

    An error in place of bytes is handed through. `limit` is the most bytes that one may unpack to.
    """
    keep_freed_memory()
    waiting: list[Outcome | _Waiting] = []
    rows = size = 0
    for name, data in files:
        begun = _begin(data, name, limit)
        waiting.append(begun)
        rows += len(begun.rows) if isinstance(begun, ParsedFile) else 0
        size += len(begun.opened.view) if isinstance(begun, _Waiting) else 0
        if len(waiting) == FILES_AT_ONCE or rows > ROWS_AT_ONCE or size > BYTES_AT_ONCE:
            yield from _finish(waiting)
            waiting, rows, size = [], 0, 0
    yield from _finish(waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A document of prices that waits for others of its layout."""

    name: str
    opened: Opened
    layout: Layout


def _begin(data: bytes | ContentError, name: str, limit: int) -> Outcome | _Waiting:
    if isinstance(data, ContentError):
        return data
    try:
        if (large := read_large(data, name=name, limit=limit)) is not None:
            return large
        opened = open_content(data, name=name, limit=limit)
        layout = None if opened.damaged else sniff(opened.view)
        if layout is not None and layout.dialects.document is Document.PRICES:
            return _Waiting(name=name, opened=opened, layout=layout)
        return read_opened(opened, name=name)
    except ContentError as error:
        return error


def _finish(waiting: Sequence[Outcome | _Waiting]) -> Iterator[Outcome]:
    by_layout: dict[Layout, list[_Waiting]] = {}
    for one in waiting:
        if isinstance(one, _Waiting):
            by_layout.setdefault(one.layout, []).append(one)
    done = {layout: _read(layout, files) for layout, files in by_layout.items()}
    for one in waiting:
        yield next(done[one.layout]) if isinstance(one, _Waiting) else one


def _read(layout: Layout, files: Sequence[_Waiting]) -> Iterator[Outcome]:
    """Read files together; if one of them is odd, those before and after the middle, down to it alone."""
    try:
        together = read_together([one.opened.view for one in files], layout)
    except (CannotRead, ContentError):
        if len(files) == 1:
            yield _read_alone(files[0])
            return
        middle = len(files) // 2
        yield from _read(layout, files[:middle])
        yield from _read(layout, files[middle:])
        return
    parts = normalise_many(together.rows, together.lengths, layout.dialects.document)
    for one, raw, normalised in zip(files, together.documents, parts, strict=True):
        yield as_parsed(replace(one.opened, text=b"", start=0), raw, normalised)


def _read_alone(one: _Waiting) -> Outcome:
    try:
        return read_opened(one.opened, name=one.name)
    except ContentError as error:
        return error
