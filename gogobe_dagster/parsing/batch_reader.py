"""Read many files as `reading` reads each; those of one layout are read together.

A delta of twenty rows is read in a tenth of a millisecond, and setting up the columns of the model takes
three: so documents are put one behind the other and read as if they were one. Whatever is not whole and
regular is read on its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Final

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.content import Opened, open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.fast.byte_views import CannotRead
from gogobe_dagster.parsing.fast.product_text_cache import Folded, Folding, Whole, Wordings, folding_of
from gogobe_dagster.parsing.fast.reader import read_together
from gogobe_dagster.parsing.file_reader import ParsedFile, as_parsed, read_large, read_opened
from gogobe_dagster.parsing.layout_detection import Layout, sniff
from gogobe_dagster.parsing.malloc_tuning import keep_freed_memory
from gogobe_dagster.parsing.normalization import normalise_many, parted

FILES_AT_ONCE: Final = 200
BYTES_AT_ONCE: Final = 1 << 23
"""Of documents that wait for others; one alone may be longer."""
ROWS_AT_ONCE: Final = 50_000
MIN_CACHED_BYTES: Final = 1 << 17
"""Shorter documents, as deltas are, are read faster without the cache of product text."""

Outcome = ParsedFile | ContentError


def read_files(
    files: Iterable[tuple[str, bytes | ContentError]],
    *,
    limit: int,
    at_once: int = BYTES_AT_ONCE,
    min_cached_bytes: int = MIN_CACHED_BYTES,
) -> Iterator[Outcome]:
    """Read files, names and bytes as served; yield what became of each, in their order.

    An error in place of bytes is handed through. `limit` is the most bytes that one may unpack to; documents
    wait for others up to `at_once` bytes together. Product text of documents of at least
    `min_cached_bytes` is cached.
    """
    keep_freed_memory()
    reader = _Reader()
    waiting: list[Outcome | _Waiting] = []
    rows = size = 0
    for name, data in files:
        begun = _begin(data, name, limit, min_cached_bytes)
        waiting.append(begun)
        rows += len(begun.rows) if isinstance(begun, ParsedFile) else 0
        size += len(begun.opened.view) if isinstance(begun, _Waiting) else 0
        if len(waiting) == FILES_AT_ONCE or rows > ROWS_AT_ONCE or size > at_once:
            yield from reader.finish(waiting)
            waiting, rows, size = [], 0, 0
    yield from reader.finish(waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A document of prices that waits for others of its layout."""

    name: str
    opened: Opened
    layout: Layout
    folding: Folding | None


def _begin(data: bytes | ContentError, name: str, limit: int, min_cached_bytes: int) -> Outcome | _Waiting:
    if isinstance(data, ContentError):
        return data
    try:
        if (large := read_large(data, name=name, limit=limit)) is not None:
            return large
        opened = open_content(data, name=name, limit=limit)
        layout = None if opened.damaged else sniff(opened.view)
        if layout is not None and layout.dialects.document is Document.PRICES:
            is_cached = len(opened.view) >= min_cached_bytes
            folding = folding_of(opened.view, layout) if is_cached else None
            return _Waiting(name=name, opened=opened, layout=layout, folding=folding)
        return read_opened(opened, name=name)
    except ContentError as error:
        return error


class _Reader:
    """Reads documents that waited, and remembers the words that it met."""

    def __init__(self) -> None:
        self._wordings: dict[tuple[Layout, Folding], Wordings] = {}

    def finish(self, waiting: Sequence[Outcome | _Waiting]) -> Iterator[Outcome]:
        """Yield what became of each, in their order."""
        alike: dict[tuple[Layout, Folding | None], list[_Waiting]] = {}
        for one in waiting:
            if isinstance(one, _Waiting):
                alike.setdefault((one.layout, one.folding), []).append(one)
        done = {kind: self._read(*kind, files) for kind, files in alike.items()}
        for one in waiting:
            yield next(done[one.layout, one.folding]) if isinstance(one, _Waiting) else one

    def _read(self, layout: Layout, folding: Folding | None, files: Sequence[_Waiting]) -> Iterator[Outcome]:
        if folding is None:
            return _read_as_a_whole(layout, files)
        if (layout, folding) not in self._wordings:
            first = self._read_first(layout, folding, files[0])
            return chain([first], self._read(layout, folding, files[1:]) if files[1:] else [])
        with suppress(CannotRead, ContentError):
            wordings = self._wordings[layout, folding]
            return _parted(wordings.read([one.opened.view for one in files]), files)
        return _read_as_a_whole(layout, files)

    def _read_first(self, layout: Layout, folding: Folding, one: _Waiting) -> Outcome:
        """Read as a whole; what it says of products will be known if another document follows."""
        wordings = self._wordings[layout, folding] = Wordings(layout, folding)
        try:
            together = read_together([one.opened.view], layout)
        except (CannotRead, ContentError):
            return _read_alone(one)
        (part,) = normalise_many(together.rows, together.lengths, layout.dialects.document)
        parsed = as_parsed(one.opened, together.documents[0], part)
        if not (parsed.report.rejected or parsed.report.unknown or part.notes):
            wordings.expect_from(Whole(xml=one.opened.view, fields=together.fields, rows=parsed.rows))
        return parsed


def _parted(folded: Folded, files: Sequence[_Waiting]) -> Iterator[Outcome]:
    parts = parted(folded.rows, folded.is_rounded, folded.lengths, Document.PRICES)
    for one, raw, part in zip(files, folded.documents, parts, strict=True):
        yield as_parsed(one.opened, raw, part)


def _read_as_a_whole(layout: Layout, files: Sequence[_Waiting]) -> Iterator[Outcome]:
    """Read files together; if one of them is odd, those before and after the middle, down to it alone."""
    try:
        together = read_together([one.opened.view for one in files], layout)
    except (CannotRead, ContentError):
        if len(files) == 1:
            yield _read_alone(files[0])
            return
        middle = len(files) // 2
        yield from _read_as_a_whole(layout, files[:middle])
        yield from _read_as_a_whole(layout, files[middle:])
        return
    parts = normalise_many(together.rows, together.lengths, layout.dialects.document)
    for one, raw, part in zip(files, together.documents, parts, strict=True):
        yield as_parsed(one.opened, raw, part)


def _read_alone(one: _Waiting) -> Outcome:
    try:
        return read_opened(one.opened, name=one.name)
    except ContentError as error:
        return error
