"""Which elements stand around each text of a document: its tags nest, and every end tag ends what it names.

Where one field ends and the next one begins, what is around them stays. So only the other separators are
looked at, and of those that follow each other in the same way, one pair. What elements mean is not known
here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.fast.byte_views import CannotRead, Numbers
from gogobe_dagster.parsing.fast.separator_matching import Kind, Separator
from gogobe_dagster.parsing.fast.tokenizer import Markup
from gogobe_dagster.parsing.layout_detection import DEEPEST

Path = tuple[str, ...]
"""Names of elements in each other, from the root."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a separator does to the elements around texts."""

    before: Path
    """Around the text before it, whose own element is not in it."""
    after: Path
    """Around the text that follows, likewise."""
    opened: tuple[Path, ...] = ()
    """The elements that begin, the one of the text that follows included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesting:
    """The elements around the texts of some markup."""

    changes: tuple[Change, ...]
    """The different ones."""
    places: Numbers
    """The texts before which what is around them changes, in order."""
    which: Numbers
    """Of each of these places, the change."""

    def places_of(self, is_wanted: Iterable[bool]) -> Numbers:
        """Return the texts before which a change happens that is wanted."""
        return self.places[np.fromiter(is_wanted, np.bool_)[self.which]]

    def spread(self, values: Sequence[int], texts: int) -> Numbers:
        """Return, for each text, the value of the last change before it."""
        return np.repeat(np.array(values)[self.which], np.diff(self.places, append=texts))


def nest(markup: Markup) -> Nesting:
    """Find what stands around every text.

    Raises `CannotRead` for elements that do not end, or end another, `ContentError` hostile_content for
    elements nested deeper than any document has.
    """
    if markup.separators[markup.which[-1]].opened:
        raise CannotRead("not_closed")
    number = len(markup.separators)
    pairs = markup.which[:-1].astype(np.int32) * number + markup.which[1:]
    is_change = np.zeros(number * number, np.bool_)
    for pair in _different(pairs):
        before, after = markup.separators[pair // number], markup.separators[pair % number]
        if before.opened and before.opened != after.closed:
            raise CannotRead("malformed")
        is_change[pair] = not (before.opened and after.is_step)
    places = np.flatnonzero(is_change[pairs]) + 1
    changes, which = _Followed(markup).all(pairs[places - 1])
    nesting = Nesting(changes=changes, places=np.concatenate(([0], places)), which=which)
    _check_documents(markup, nesting)
    return nesting


def _different(numbers: Numbers) -> list[int]:
    return np.flatnonzero(np.bincount(numbers)).tolist() if len(numbers) else []


class _Followed:
    """The changes that pairs of separators make; what follows which is worked out once."""

    def __init__(self, markup: Markup) -> None:
        self._separators = markup.separators
        self._changes = [_change((), "", markup.separators[markup.which[0]])]
        self._after: dict[tuple[Path, int], int] = {}

    def all(self, pairs: Numbers) -> tuple[tuple[Change, ...], Numbers]:
        """Return the changes, and which one each pair makes, the first separator before all pairs."""
        which = self._guessed(pairs)
        if which is None:
            which = np.fromiter(self._in_turn(pairs.tolist()), np.uint16, len(pairs) + 1)
        if self._changes[which[-1]].after:
            raise CannotRead("not_closed")
        return tuple(self._changes), which

    def _guessed(self, pairs: Numbers) -> Numbers | None:
        """Suppose that a pair always makes the change that it makes the first time; None if it does not."""
        kinds = _different(pairs)
        codes = np.zeros(max(kinds, default=0) + 1, np.int64)
        codes[kinds] = np.arange(len(kinds))
        coded = codes[pairs]
        first_places = np.zeros(len(kinds), np.int64)
        first_places[coded[::-1]] = np.arange(len(coded))[::-1]
        made = np.zeros(len(kinds), np.uint16)
        try:
            for code in np.argsort(first_places).tolist():
                place = int(first_places[code])
                made[code] = self._made(int(made[coded[place - 1]]) if place else 0, kinds[code])
        except (CannotRead, ContentError):
            return None
        which = np.concatenate((np.zeros(1, np.uint16), made[coded]))
        paths = {path: number for number, path in enumerate({one.after for one in self._changes})}
        before = np.array([paths.get(one.before, -1) for one in self._changes])[which[1:]]
        after = np.array([paths[one.after] for one in self._changes])[which[:-1]]
        return which if (before == after).all() else None

    def _in_turn(self, pairs: Iterable[int]) -> Iterator[int]:
        change = 0
        yield change
        for pair in pairs:
            change = self._made(change, pair)
            yield change

    def _made(self, change: int, pair: int) -> int:
        """Return the change that a pair makes after another change."""
        around = self._changes[change].after
        known = self._after.get((around, pair))
        if known is None:
            before, after = divmod(pair, len(self._separators))
            self._changes.append(_change(around, self._separators[before].opened, self._separators[after]))
            known = self._after[around, pair] = len(self._changes) - 1
        return known


def _change(before: Path, field: str, separator: Separator) -> Change:
    """Follow the tags of a separator after a text, in an element of its own or in none."""
    stack, opened = [*before, *([field] if field else [])], []
    for tag in separator.tags:
        if tag.kind is Kind.CLOSES:
            if not stack or stack.pop() != tag.name:
                raise CannotRead("malformed")
        elif tag.kind is Kind.OPENS:
            stack.append(tag.name)
            opened.append(tuple(stack))
        elif not stack:  # a root that is empty, beside another
            raise CannotRead("not_closed")
        if len(stack) > DEEPEST:
            raise ContentError(Code.HOSTILE_CONTENT, f"elements are nested deeper than {DEEPEST}")
    if separator.opened and len(stack) == 1:
        raise CannotRead("odd_layout")  # a root of text
    return Change(before, tuple(stack[:-1] if separator.opened else stack), tuple(opened))


def _check_documents(markup: Markup, nesting: Nesting) -> None:
    """See that each document has one root, from its beginning to its end."""
    roots = nesting.places_of(any(len(path) == 1 for path in one.opened) for one in nesting.changes)
    if len(roots) != len(markup.bounds) - 1:
        raise CannotRead("not_closed")
    between, later = markup.bounds[1:-1], roots[1:]
    if (markup.stops[later - 1] > between).any() or (markup.starts[later] <= between).any():
        raise CannotRead("not_closed")
