"""Which localities a spelling may mean: the built-in table and the list of spellings, by their keys.

Keys are tried from the surest to the loosest; the first that is known decides, and one that means two
localities is ambiguous, never a choice between them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from gogobe_dagster.localities.spelling import (
    clean,
    fold,
    fold_english,
    skeleton,
    skeleton_english,
    without_parentheses,
)
from gogobe_dagster.localities.table import Locality, localities, read_rows


class How(StrEnum):
    """How a locality was found, from what was published."""

    CODE = "code"
    NAME = "name"
    SPELLING = "spelling"
    """The name, written in another way."""
    ENGLISH_NAME = "english_name"
    ALIAS = "alias"
    """A short name, an abbreviation or a known misspelling."""
    FORMER_NAME = "former_name"
    PART = "part"
    """A town that was merged into the locality."""
    NEIGHBOURHOOD = "neighbourhood"
    CONTAINED = "contained"
    """Named in the city field among other words."""
    FROM_ADDRESS = "from_address"
    FROM_STORE_NAME = "from_store_name"


class Reason(StrEnum):
    """Why there is no locality."""

    EMPTY = "empty"
    UNKNOWN_CODE = "unknown_code"
    NOT_A_LOCALITY = "not_a_locality"
    AMBIGUOUS = "ambiguous"
    CONTRADICTORY = "contradictory"
    """The fields name different localities."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a spelling means: one code, several (ambiguous), or none (known to be no locality)."""

    codes: frozenset[int]
    how: How = How.SPELLING


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """A line of spellings.tsv."""

    text: str
    is_anywhere: bool
    """It means the same inside an address or a store name; else only as the whole city field."""
    meaning: Meaning


Keys = Mapping[str, Meaning]


@cache
def spellings() -> tuple[Spelling, ...]:
    """Return the spellings that do not follow from the names in the table."""
    return tuple(_spelling(row) for row in read_rows("spellings.tsv"))


def _spelling(row: dict[str, str]) -> Spelling:
    codes = frozenset(int(code) for code in row["codes"].split(",") if code)
    how = How(row["how"]) if len(codes) == 1 else How.ALIAS
    return Spelling(text=row["spelling"], is_anywhere=row["where"] == "anywhere", meaning=Meaning(codes, how))


def spellings_of(place: Locality) -> list[str]:
    """Return the listed spellings of a locality; its name is not among them."""
    only = frozenset({place.code})
    return [spelling.text for spelling in spellings() if spelling.meaning.codes == only]


def find(text: str) -> Meaning | None:
    """Return what a whole spelling means; None where it is not known."""
    folded, english = fold(text), fold_english(text)
    return (
        find_exactly(text)
        or _skeletons().get(skeleton(folded))
        or _english().get(english)
        or _english_skeletons().get(skeleton_english(english))
    )


def find_exactly(text: str) -> Meaning | None:
    """Return what a Hebrew spelling means with all its letters; None where it is not known."""
    key = fold(text)
    return _letters().get(clean(text)) or _listed().get(key) or _names().get(key) or _bases().get(key)


@cache
def _listed() -> Keys:
    return _keyed((fold(spelling.text), spelling.meaning) for spelling in spellings())


@cache
def _letters() -> Keys:
    """Return names and listed spellings as they are: צוקים is not צוקי ים, though their keys are the same."""
    names = {place.name: Meaning(frozenset({place.code})) for place in localities().values()}
    return names | {spelling.text: spelling.meaning for spelling in spellings()}


@cache
def _names() -> Keys:
    return _keyed((fold(place.name), Meaning(frozenset({place.code}))) for place in localities().values())


@cache
def _bases() -> Keys:
    """Return the names without what stands in parentheses."""
    return _keyed(
        (fold(without_parentheses(place.name)), Meaning(frozenset({place.code})))
        for place in localities().values()
    )


@cache
def _skeletons() -> Keys:
    keys = [*_certain(), *_names().items(), *_bases().items()]
    return _keyed((skeleton(key), meaning) for key, meaning in keys)


@cache
def _english() -> Keys:
    listed = ((fold_english(spelling.text), spelling.meaning) for spelling in spellings())
    named = (
        (fold_english(place.english_name), Meaning(frozenset({place.code}), How.ENGLISH_NAME))
        for place in localities().values()
    )
    return _keyed([*named, *listed])


@cache
def _english_skeletons() -> Keys:
    return _keyed((skeleton_english(key), meaning) for key, meaning in _english().items() if meaning.codes)


def _certain() -> Iterable[tuple[str, Meaning]]:
    return ((key, meaning) for key, meaning in _listed().items() if len(meaning.codes) == 1)


def _keyed(pairs: Iterable[tuple[str, Meaning]]) -> Keys:
    """Put together what has one key; the first pair says how it was found."""
    keys: dict[str, Meaning] = {}
    for key, meaning in pairs:
        known = keys.get(key, meaning)
        keys[key] = Meaning(known.codes | meaning.codes, known.how)
    keys.pop("", None)
    return keys
