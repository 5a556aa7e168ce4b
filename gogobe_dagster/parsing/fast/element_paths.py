"""Finds the enclosing elements of every text, and checks that tags nest: each end tag closes what is open.

Walking all tags with a stack would be a loop in Python over 90,000 texts. But where one field ends and the
next one begins (`is_step`), the enclosing elements stay the same. So only the other separators matter, and of
those that follow each other in the same way, one pair is examined for all. What elements mean is not known
here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.fast.byte_views import NDArray, NotRegular
from gogobe_dagster.parsing.fast.separator_matching import Kind, Separator
from gogobe_dagster.parsing.fast.tokenizer import Tokens
from gogobe_dagster.parsing.layout_detection import MAX_DEPTH

Path = tuple[str, ...]
"""Names of nested elements, from the root."""


@dataclass(frozen=True, slots=True)
class PathChange:
    """What a separator does to the enclosing elements."""

    before: Path
    """The elements around the text before it, without that text's own element."""
    after: Path
    """The same for the text that follows."""
    opened: tuple[Path, ...] = ()
    """The elements that begin, including the one of the text that follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementPaths:
    """The enclosing elements of all texts, kept as the texts before which they change."""

    changes: tuple[PathChange, ...]
    """The kinds of changes."""
    positions: NDArray
    """The indexes of the texts before which the path changes, in order."""
    change_ids: NDArray
    """The kind of each of these changes, as an index of `changes`."""

    def texts_where(self, is_wanted: Iterable[bool]) -> NDArray:
        """Return the indexes of the texts that follow a wanted change; one flag per kind of change."""
        return self.positions[np.fromiter(is_wanted, np.bool_)[self.change_ids]]

    def per_text(self, values: Sequence[int], texts: int) -> NDArray:
        """Return for each text the value of the last change before it; one value per kind of change."""
        return np.repeat(np.array(values)[self.change_ids], np.diff(self.positions, append=texts))


def find_paths(tokens: Tokens) -> ElementPaths:
    """Find the enclosing elements of every text.

    Raises `NotRegular` for elements that do not end or that end another one, `ContentError`
    (hostile_content) for elements nested deeper than any real document has.
    """
    if tokens.separators[tokens.separator_ids[-1]].opened:
        raise NotRegular(Note.NOT_CLOSED)
    number = len(tokens.separators)
    # A pair of separators, the one before a text and the one after it, as one number. A thousand kinds make a
    # million pairs, so int32 is enough.
    pairs = tokens.separator_ids[:-1].astype(np.int32) * number + tokens.separator_ids[1:]
    is_change = np.zeros(number * number, np.bool_)
    for pair in _distinct(pairs):
        before, after = tokens.separators[pair // number], tokens.separators[pair % number]
        # The end tag after a text must close the element that was opened before it. For steps this is the
        # whole check: without it `<a>1</b>` would pass.
        if before.opened and before.opened != after.closed:
            raise NotRegular(Note.MALFORMED)
        is_change[pair] = not (before.opened and after.is_step)
    positions = np.flatnonzero(is_change[pairs]) + 1
    changes, change_ids = _PathTracker(tokens).follow(pairs[positions - 1])
    # The first separator of all is a change too: it opens the root.
    paths = ElementPaths(changes=changes, positions=np.concatenate(([0], positions)), change_ids=change_ids)
    _check_roots(tokens, paths)
    return paths


def _distinct(numbers: NDArray) -> list[int]:
    return np.flatnonzero(np.bincount(numbers)).tolist() if len(numbers) else []


class _PathTracker:
    """Works out the changes that pairs of separators make, each combination of path and pair once."""

    def __init__(self, tokens: Tokens) -> None:
        self._separators = tokens.separators
        self._changes = [_apply_tags((), "", tokens.separators[tokens.separator_ids[0]])]
        self._known: dict[tuple[Path, int], int] = {}

    def follow(self, pairs: NDArray) -> tuple[tuple[PathChange, ...], NDArray]:
        """Return the kinds of changes, and the kind of each: of the first separator, then of each pair."""
        change_ids = self._guess(pairs)
        if change_ids is None:
            change_ids = np.fromiter(self._follow_one_by_one(pairs.tolist()), np.uint16, len(pairs) + 1)
        # At the end of the last document nothing may be open.
        if self._changes[change_ids[-1]].after:
            raise NotRegular(Note.NOT_CLOSED)
        return tuple(self._changes), change_ids

    def _guess(self, pairs: NDArray) -> NDArray | None:
        """Guess that a pair always makes the change that it makes the first time; None if that is wrong."""
        kinds = _distinct(pairs)
        codes = np.zeros(max(kinds, default=0) + 1, np.int64)
        codes[kinds] = np.arange(len(kinds))
        coded = codes[pairs]
        # Assigned in reverse, so that the first occurrence of each kind of pair is written last.
        first_positions = np.zeros(len(kinds), np.int64)
        first_positions[coded[::-1]] = np.arange(len(coded))[::-1]
        changes = np.zeros(len(kinds), np.uint16)
        try:
            # In document order: what precedes a first occurrence has been worked out already.
            for code in np.argsort(first_positions).tolist():
                position = int(first_positions[code])
                previous = int(changes[coded[position - 1]]) if position else 0
                changes[code] = self._change_after(previous, kinds[code])
        except (NotRegular, ContentError):
            return None  # one by one, which raises what is really wrong
        change_ids = np.concatenate((np.zeros(1, np.uint16), changes[coded]))
        # The proof: the path after each change must be the path before the next one. If a pair stands in
        # two places with other enclosing elements, this fails.
        ids = {path: number for number, path in enumerate({change.after for change in self._changes})}
        before = np.array([ids.get(change.before, -1) for change in self._changes])[change_ids[1:]]
        after = np.array([ids[change.after] for change in self._changes])[change_ids[:-1]]
        return change_ids if (before == after).all() else None

    def _follow_one_by_one(self, pairs: Iterable[int]) -> Iterator[int]:
        change = 0
        yield change
        for pair in pairs:
            change = self._change_after(change, pair)
            yield change

    def _change_after(self, change: int, pair: int) -> int:
        """Return the id of the change that a pair makes after another change."""
        path = self._changes[change].after
        known = self._known.get((path, pair))
        if known is None:
            before, after = divmod(pair, len(self._separators))
            self._changes.append(_apply_tags(path, self._separators[before].opened, self._separators[after]))
            known = self._known[path, pair] = len(self._changes) - 1
        return known


def _apply_tags(before: Path, field: str, separator: Separator) -> PathChange:
    """Apply the tags of a separator to the path of the text before it, whose own element is `field`."""
    stack, opened = [*before, *([field] if field else [])], []
    for tag in separator.tags:
        if tag.kind is Kind.CLOSES:
            if not stack or stack.pop() != tag.name:
                raise NotRegular(Note.MALFORMED)
        elif tag.kind is Kind.OPENS:
            stack.append(tag.name)
            opened.append(tuple(stack))
        elif not stack:  # an empty root beside another one
            raise NotRegular(Note.NOT_CLOSED)
        if len(stack) > MAX_DEPTH:
            raise ContentError(Code.HOSTILE_CONTENT, f"elements are nested deeper than {MAX_DEPTH}")
    if separator.opened and len(stack) == 1:
        raise NotRegular(Note.UNEXPECTED_LAYOUT)  # a root that holds text
    return PathChange(before, tuple(stack[:-1] if separator.opened else stack), tuple(opened))


def _check_roots(tokens: Tokens, paths: ElementPaths) -> None:
    """Check that each document has one root, from its beginning to its end.

    Documents are read one behind the other: without this, one that is cut off would swallow the next one.
    """
    roots = paths.texts_where(any(len(path) == 1 for path in change.opened) for change in paths.changes)
    if len(roots) != len(tokens.bounds) - 1:
        raise NotRegular(Note.NOT_CLOSED)
    between, later = tokens.bounds[1:-1], roots[1:]
    if (tokens.stops[later - 1] > between).any() or (tokens.starts[later] <= between).any():
        raise NotRegular(Note.NOT_CLOSED)
