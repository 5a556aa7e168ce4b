"""Reads many files with the same result as `file_reader`, and much faster if they are small.

A delta of twenty rows is read in a tenth of a millisecond, but setting up the columns of the model takes
three, those of promotions far more. So documents of prices, and short ones of promotions, wait for others of
their layout, and all of them are read as if they were one.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.content import OpenedFile, open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.document_chunks import CHUNK_BYTES
from gogobe_dagster.parsing.fast.entry import FastReader, NormalizedDocument, NotRegular
from gogobe_dagster.parsing.fast.entry import Outcome as FastOutcome
from gogobe_dagster.parsing.file_reader import (
    ParsedFile,
    build_parsed_file,
    build_promotions_file,
    read_irregular,
    read_large,
    read_opened,
)
from gogobe_dagster.parsing.layout_detection import Layout, detect_layout
from gogobe_dagster.parsing.malloc_tuning import keep_freed_memory
from gogobe_dagster.parsing.promotions.reader import read_promotions_together
from gogobe_dagster.parsing.reader_errors import only_content_errors

MAX_BATCH_FILES: Final = 200
MAX_BATCH_BYTES: Final = 1 << 23
"""Bytes of the documents that wait; a single one may be longer."""
MAX_BATCH_ROWS: Final = 50_000
LONGEST_WAITING: Final = {Document.PRICES: sys.maxsize, Document.PROMOTIONS: CHUNK_BYTES, Document.STORES: 0}
"""Bytes. Promotions of more are read in chunks, and stores, of which a chain has one file, alone."""

Outcome = ParsedFile | ContentError


def read_files(
    files: Iterable[tuple[str, bytes | ContentError]],
    *,
    limit: int,
    use_fast_reader: bool = True,
    fast: FastReader | None = None,
    max_batch_bytes: int = MAX_BATCH_BYTES,
) -> Iterator[Outcome]:
    """Read files, given as names and bytes as served; yield what became of each, in their order.

    An error in place of bytes is passed through. `limit` is the size in bytes that one file may unpack to.
    Without `use_fast_reader` lxml reads everything. `fast` is a reader with other settings than usual.
    """
    keep_freed_memory()
    reader = (fast or FastReader()) if use_fast_reader else None
    batch: list[Outcome | _Waiting] = []
    rows = size = 0
    for name, data in files:
        entry = _open(data, name, limit, reader)
        batch.append(entry)
        rows += len(entry.rows) if isinstance(entry, ParsedFile) else 0
        size += len(entry.opened.view) if isinstance(entry, _Waiting) else 0
        if len(batch) == MAX_BATCH_FILES or rows > MAX_BATCH_ROWS or size > max_batch_bytes:
            yield from _finish(batch, reader)
            batch, rows, size = [], 0, 0
    yield from _finish(batch, reader)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A document of prices or promotions that waits for others of its layout."""

    name: str
    opened: OpenedFile
    layout: Layout


def _open(data: bytes | ContentError, name: str, limit: int, reader: FastReader | None) -> Outcome | _Waiting:
    if isinstance(data, ContentError):
        return data
    try:
        with only_content_errors(name):
            return _open_or_read(data, name, limit, reader)
    except ContentError as error:
        return error


def _open_or_read(data: bytes, name: str, limit: int, reader: FastReader | None) -> ParsedFile | _Waiting:
    if (large := read_large(data, name=name, limit=limit, fast=reader)) is not None:
        return large
    opened = open_content(data, name=name, limit=limit)
    layout = None if opened.damaged or reader is None else detect_layout(opened.view)
    if layout is not None and len(opened.view) <= LONGEST_WAITING[layout.dialects.document]:
        return _Waiting(name=name, opened=opened, layout=layout)
    return read_opened(opened, name=name, fast=reader)


def _finish(batch: Sequence[Outcome | _Waiting], reader: FastReader | None) -> Iterator[Outcome]:
    """Yield what became of each file, in their order."""
    waiting: dict[Layout, list[_Waiting]] = {}
    for entry in batch:
        if isinstance(entry, _Waiting):
            waiting.setdefault(entry.layout, []).append(entry)
    done = {layout: _read_together(layout, files, reader) for layout, files in waiting.items()}
    for entry in batch:
        yield next(done[entry.layout]) if isinstance(entry, _Waiting) else entry


def _read_together(layout: Layout, files: Sequence[_Waiting], reader: FastReader | None) -> Iterator[Outcome]:
    if reader is None:  # then no file waits
        return
    if layout.dialects.document is Document.PROMOTIONS:
        for group in _groups(files):
            yield from _read_promotions_together(layout, group, reader)
        return
    outcomes = reader.read([file.opened.view for file in files], layout)
    for number, file in enumerate(files):
        try:
            with only_content_errors(f"{file.name} (one of {len(files)} files read together)"):
                outcome = next(outcomes)
        except ContentError:
            # Which of the files is to blame is not known.
            reader.forget()
            yield from (_read_alone(other, reader) for other in files[number:])
            return
        yield _finish_file(file, outcome)


def _groups(files: Sequence[_Waiting]) -> Iterator[list[_Waiting]]:
    """Yield files in their order that are no longer together than a chunk."""
    group: list[_Waiting] = []
    size = 0
    for file in files:
        if group and size + len(file.opened.view) > CHUNK_BYTES:
            yield group
            group, size = [], 0
        group.append(file)
        size += len(file.opened.view)
    yield group


def _read_promotions_together(
    layout: Layout, files: Sequence[_Waiting], reader: FastReader
) -> Iterator[Outcome]:
    """Read promotions together; if one of the files has to be read alone, halve them until it is."""
    if len(files) == 1:
        yield _read_alone(files[0], reader)
        return
    results = None
    with suppress(ContentError), only_content_errors(f"{files[0].name} and {len(files) - 1} files after it"):
        results = read_promotions_together([file.opened.view for file in files], layout, reader)
    if results is not None:
        yield from (
            build_promotions_file(file.opened, result) for file, result in zip(files, results, strict=True)
        )
        return
    middle = len(files) // 2
    yield from _read_promotions_together(layout, files[:middle], reader)
    yield from _read_promotions_together(layout, files[middle:], reader)


def _read_alone(file: _Waiting, reader: FastReader) -> Outcome:
    try:
        with only_content_errors(file.name):
            return read_opened(file.opened, name=file.name, fast=reader)
    except ContentError as error:
        reader.forget()
        return error


def _finish_file(file: _Waiting, outcome: FastOutcome) -> Outcome:
    try:
        with only_content_errors(file.name):
            if isinstance(outcome, NormalizedDocument):
                return build_parsed_file(file.opened, outcome.raw, outcome.normalized)
            if isinstance(outcome, NotRegular):
                return read_irregular(file.opened, file.layout, outcome)
            assert isinstance(outcome, ContentError)  # noqa: S101 - prices have no other outcome
            return outcome
    except ContentError as error:
        return error
