"""Finds where the rows of documents are, and replays what stands outside them to the reader for lxml.

What is in rows is not known here: fields are read in `reader`, promotions in `promotion_reader`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.fast.byte_views import NDArray, NotRegular
from gogobe_dagster.parsing.fast.element_paths import ElementPaths, Path
from gogobe_dagster.parsing.fast.separator_matching import Kind, Tag
from gogobe_dagster.parsing.fast.string_views import decode_text
from gogobe_dagster.parsing.fast.tokenizer import Tokens
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.lxml.reader import RowCollector, RowTarget, lower


@dataclass(frozen=True)
class RowBoundaries:
    """Where the rows are. Raises `NotRegular` for rows that hold nothing."""

    tokens: Tokens
    paths: ElementPaths
    layout: Layout

    def __post_init__(self) -> None:
        # Rows are counted by their first text. `<Item>7</Item>` and `<Item/>` have no text inside and would
        # be neither read nor reported.
        path = self.layout.path
        holds_text = any(
            path in change.opened and not self._is_row_path(change.after) for change in self.paths.changes
        )
        is_empty = any(
            tag.kind is Kind.EMPTY and lower(tag.name) == self.layout.place[1]
            for separator in self.tokens.separators
            for tag in separator.tags
        )
        if holds_text or is_empty:
            raise NotRegular(Note.UNEXPECTED_LAYOUT)

    @cached_property
    def rows(self) -> NDArray:
        """The index of the first text of each row."""
        return self.paths.texts_where(self.layout.path in change.opened for change in self.paths.changes)

    @cached_property
    def is_inside(self) -> NDArray:
        """Whether each text is inside a row."""
        return self.paths.per_text(
            [self._is_row_path(change.after) for change in self.paths.changes], len(self.tokens)
        )

    def _is_row_path(self, path: Path) -> bool:
        return path[: len(self.layout.path)] == self.layout.path


class OutsideRows:
    """Replays the elements outside the rows to the targets that also lxml calls.

    Header, counts and inherited fields are then found by one piece of code, and both readers agree on them.
    """

    def __init__(self, boundaries: RowBoundaries) -> None:
        self.targets: list[RowTarget] = []
        """One for each document."""
        self._boundaries = boundaries
        self._stack: Path = ()
        self._skipped = 0

    def replay(self) -> None:
        """Replay all documents. Raises `NotRegular` for rows that are spelled in another way."""
        is_inside = self._boundaries.is_inside
        was_inside = np.concatenate(([False], is_inside[:-1]))
        tokens = self._boundaries.tokens
        # Texts inside a row whose previous text was inside too need no replay: they are nearly all texts.
        for index in np.flatnonzero(~(is_inside & was_inside)).tolist():
            tags = tokens.separators[tokens.separator_ids[index]].tags
            if was_inside[index]:
                self._skip_rows(index)
                tags = tags[1:]  # the end tag of a row
            if not self._replay_tags(tags):
                self._replay_text(index)
            elif not is_inside[index]:  # a row that holds text
                raise NotRegular(Note.UNEXPECTED_LAYOUT)
        # A target that saw a row start saw one spelled unlike the layout, such as <item> beside <Item>.
        if any(target.begun for target in self.targets):
            raise NotRegular(Note.UNEXPECTED_LAYOUT)

    def _skip_rows(self, index: int) -> None:
        """Tell the target how many rows passed, so that inherited fields reach the right ones."""
        passed = int(np.searchsorted(self._boundaries.rows, index))
        self.targets[-1].rows.skip(passed - self._skipped)
        self._skipped = passed
        self._stack = self._stack[:-1]

    def _replay_tags(self, tags: Sequence[Tag]) -> bool:
        """Replay tags up to the start of a row; return whether there is one."""
        layout = self._boundaries.layout
        for tag in tags:
            if tag.kind is Kind.CLOSES:
                self.targets[-1].end(tag.name)
                self._stack = self._stack[:-1]
                continue
            if not self._stack:
                rows = RowCollector(layout.dialects, layout.dialects.inherited)
                self.targets.append(RowTarget(layout, rows))
            path = (*self._stack, tag.name)
            if path == layout.path:
                self._stack = path
                return True
            self.targets[-1].start(tag.name, dict(tag.attributes))
            if tag.kind is Kind.EMPTY:
                self.targets[-1].end(tag.name)
            else:
                self._stack = path
        return False

    def _replay_text(self, index: int) -> None:
        tokens = self._boundaries.tokens
        start, stop = tokens.starts[index], tokens.stops[index]
        if start < stop:
            self.targets[-1].data(decode_text(tokens.buffer[start:stop]))
