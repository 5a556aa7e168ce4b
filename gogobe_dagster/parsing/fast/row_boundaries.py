"""Where the rows of documents are in their markup, and what stands around them.

What is in rows is not known here: fields are `fast`, promotions `promotions_fast`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogobe_dagster.parsing.fast.byte_views import CannotRead, Numbers
from gogobe_dagster.parsing.fast.element_paths import Nesting, Path
from gogobe_dagster.parsing.fast.separator_matching import Kind, Tag
from gogobe_dagster.parsing.fast.string_views import clean
from gogobe_dagster.parsing.fast.tokenizer import Markup
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.lxml.reader import Rows, Walk, lower


@dataclass(frozen=True)
class Places:
    """Where the rows are in some markup. Raises `CannotRead` for rows that hold nothing."""

    markup: Markup
    nesting: Nesting
    layout: Layout

    def __post_init__(self) -> None:
        path = self.layout.path
        is_text = any(path in one.opened and not self._is_inside(one.after) for one in self.nesting.changes)
        is_empty = any(
            tag.kind is Kind.EMPTY and lower(tag.name) == self.layout.place[1]
            for separator in self.markup.separators
            for tag in separator.tags
        )
        if is_text or is_empty:
            raise CannotRead("odd_layout")

    @cached_property
    def rows(self) -> Numbers:
        """The first text of each row."""
        return self.nesting.places_of(self.layout.path in one.opened for one in self.nesting.changes)

    @cached_property
    def are_inside(self) -> Numbers:
        """Whether each text is in a row."""
        return self.nesting.spread(
            [self._is_inside(one.after) for one in self.nesting.changes], len(self.markup)
        )

    def _is_inside(self, path: Path) -> bool:
        return path[: len(self.layout.path)] == self.layout.path


class Around:
    """Tells a walk of `careful` what stands around the rows of each document, so that both hear the same."""

    def __init__(self, places: Places) -> None:
        self.walks: list[Walk] = []
        self._places = places
        self._stack: Path = ()
        self._passed = 0

    def hear(self) -> None:
        """Hear all documents. Raises `CannotRead` for rows that are spelled in another way."""
        are_inside = self._places.are_inside
        were_inside = np.concatenate(([False], are_inside[:-1]))
        for place in np.flatnonzero(~(are_inside & were_inside)).tolist():
            tags = self._places.markup.separators[self._places.markup.which[place]].tags
            if were_inside[place]:
                self._pass_over(place)
                tags = tags[1:]  # the end of a row
            if not self._hear_tags(tags):
                self._hear_text(place)
            elif not are_inside[place]:  # a row of text
                raise CannotRead("odd_layout")
        if any(walk.begun for walk in self.walks):
            raise CannotRead("odd_layout")

    def _pass_over(self, place: int) -> None:
        passed = int(np.searchsorted(self._places.rows, place))
        self.walks[-1].rows.pass_over(passed - self._passed)
        self._passed = passed
        self._stack = self._stack[:-1]

    def _hear_tags(self, tags: Sequence[Tag]) -> bool:
        """Hear the tags up to the start of a row; say whether there is one."""
        for tag in tags:
            if tag.kind is Kind.CLOSES:
                self.walks[-1].end(tag.name)
                self._stack = self._stack[:-1]
                continue
            if not self._stack:
                layout = self._places.layout
                self.walks.append(Walk(layout, Rows(layout.dialects, layout.dialects.inherited)))
            path = (*self._stack, tag.name)
            if path == self._places.layout.path:
                self._stack = path
                return True
            self.walks[-1].start(tag.name, dict(tag.attributes))
            if tag.kind is Kind.EMPTY:
                self.walks[-1].end(tag.name)
            else:
                self._stack = path
        return False

    def _hear_text(self, place: int) -> None:
        markup = self._places.markup
        start, stop = markup.starts[place], markup.stops[place]
        if start < stop:
            self.walks[-1].data(clean(markup.buffer[start:stop]))
