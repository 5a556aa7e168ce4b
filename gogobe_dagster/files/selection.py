"""Which files of a feed and day a partial run takes: by kind, store and name, only the newest, a few of them.

Applied to files that a listing showed; the others stay pending. Nothing here connects, reads or stores.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol, TypeVar

from gogobe_dagster.files.kinds import FileKind

KIND_WORDS: dict[str, FileKind] = {
    "stores": FileKind.STORES,
    "prices-full": FileKind.FULL_PRICES,
    "prices": FileKind.PRICES,
    "promos-full": FileKind.FULL_PROMOTIONS,
    "promos": FileKind.PROMOTIONS,
}
"""What people type for a kind of file; the names in the ledger, such as `full_prices`, are accepted too."""


class Selectable(Protocol):
    """A listed file, as the ledger has it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> FileKind | None: ...  # noqa: D102
    @property
    def chain_id(self) -> str | None: ...  # noqa: D102
    @property
    def sub_chain_id(self) -> int | None: ...  # noqa: D102
    @property
    def store_id(self) -> int | None: ...  # noqa: D102
    @property
    def publication_day(self) -> date: ...  # noqa: D102
    @property
    def published_at(self) -> datetime | None: ...  # noqa: D102


F = TypeVar("F", bound=Selectable)


def parse_kind(text: str) -> FileKind:
    """Return the kind that a word means. Raises `ValueError` that suggests the nearest word."""
    word = text.strip().lower()
    accepted = KIND_WORDS | {kind.value: kind for kind in FileKind}
    if word in accepted:
        return accepted[word]
    near = get_close_matches(word, KIND_WORDS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{text!r} is not a kind of file.{hint} Kinds: {', '.join(KIND_WORDS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSelection:
    """What a run takes of each feed and day; without any restriction everything.

    Raises `ValueError` for a limit below 1 or a negative store number.
    """

    kinds: frozenset[FileKind] = frozenset()
    stores: frozenset[int] = frozenset()
    """Store numbers. The store list of a whole chain has none and is about all of them: it is taken."""
    name: str = ""
    """A pattern with `*`, `?` and `[…]` that the whole name matches, in any case."""
    newest: bool = False
    """Take only the newest file of each store and kind."""
    limit: int | None = None
    """Take at most this number of files: store lists and full files first, the newest first."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit {self.limit}: at least 1 file")
        if negative := [store for store in self.stores if store < 0]:
            raise ValueError(f"store {negative[0]}: a store number is not negative")

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "FileSelection":
        """Make a selection from `values`, as a run's configuration holds it. Raises `ValueError`."""
        kinds = frozenset(map(parse_kind, values.get("kinds") or ()))
        stores = frozenset(values.get("stores") or ())
        name, newest, limit = values.get("name") or "", bool(values.get("newest")), values.get("limit")
        return cls(kinds=kinds, stores=stores, name=name, newest=newest, limit=limit)

    @property
    def values(self) -> dict[str, Any]:
        """The restrictions as plain values, without those that are not set."""
        kinds = [word for word, kind in KIND_WORDS.items() if kind in self.kinds]
        values = {
            "kinds": kinds,
            "stores": sorted(self.stores),
            "name": self.name,
            "newest": self.newest,
            "limit": self.limit,
        }
        return {name: value for name, value in values.items() if value}

    @property
    def is_partial(self) -> bool:
        """Whether anything is restricted."""
        return bool(self.values)

    def __str__(self) -> str:
        """Describe the restrictions: `kinds prices-full; stores 39; newest`."""
        return "; ".join(_described(name, value) for name, value in self.values.items())

    def take(self, files: Iterable[F]) -> list[F]:
        """Return the files of each day that a run takes.

        The same files give the same answer whatever has become of them, so that the steps of a run and its
        repetition agree: a limit counts files that were loaded already.
        """
        matching = sorted(filter(self._matches, files), key=attrgetter("publication_day"))
        by_day = groupby(matching, key=attrgetter("publication_day"))
        return [file for _, of_day in by_day for file in self._reduce(list(of_day))]

    def _matches(self, file: Selectable) -> bool:
        is_chain_list = file.kind is FileKind.STORES and file.store_id is None
        return (
            (not self.kinds or file.kind in self.kinds)
            and (not self.stores or file.store_id in self.stores or is_chain_list)
            and (not self.name or fnmatchcase(file.name.lower(), self.name.lower()))
        )

    def _reduce(self, files: list[F]) -> list[F]:
        if self.newest:
            files = newest_per_store(files)
        if self.limit is None:
            return files
        return sorted(_newest_first(files), key=_urgency)[: self.limit]


def newest_per_store(files: Iterable[F]) -> list[F]:
    """Return the newest file of each store and kind.

    Names of one store may be written with and without the sub-chain on one day. A name without it means the
    only sub-chain that other names have for the store number, if it is one.
    """
    files = _newest_first(files)
    sub_chains: dict[tuple[str | None, int | None], set[int]] = defaultdict(set)
    for file in files:
        if file.sub_chain_id and file.store_id is not None:
            sub_chains[file.chain_id, file.store_id].add(file.sub_chain_id)
    newest: dict[tuple[Any, ...], F] = {}
    for file in files:
        known = sub_chains[file.chain_id, file.store_id]
        sub_chain = file.sub_chain_id or (min(known) if len(known) == 1 else 0)
        newest.setdefault((file.kind, file.chain_id, sub_chain, file.store_id), file)
    return list(newest.values())


def _newest_first(files: Iterable[F]) -> list[F]:
    def timestamp(file: F) -> tuple[float, str]:
        return (file.published_at.timestamp() if file.published_at else 0, file.name)

    return sorted(files, key=timestamp, reverse=True)


def _urgency(file: Selectable) -> int:
    if file.kind is FileKind.STORES:
        return 0
    return 1 if file.kind and file.kind.is_full else 2


def _described(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{name} {', '.join(map(str, value))}"
    return name if value is True else f"{name} {value}"


EVERYTHING = FileSelection()
