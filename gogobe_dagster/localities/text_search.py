"""Finds localities inside addresses and store names, where most words are something else.

A wrong city is worse than none, so little counts: towns of some size, whole names that can hardly be
anything else, and nothing that reads like a street, a road or a direction.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from gogobe_dagster.localities.index import How, Meaning, find_exactly, spellings
from gogobe_dagster.localities.spelling import clean, fold, without_parentheses
from gogobe_dagster.localities.table import Locality, localities
from gogobe_dagster.localities.words import COMMON_WORDS, JUNCTIONS, ROAD, STREETS, VILLAGE_WORDS, WAYS

TOWN = 5_000
"""Inhabitants from which a name is looked for inside a text."""
VILLAGE = 2_000
"""The same for names of two or more words, which are rarely something else."""
CITY = 20_000
"""Inhabitants from which an address may begin with the name: רמת גן הירדן 29."""
LONGEST_NAME = 5
"""Words of the longest name."""

SEGMENT = re.compile(r"[,;|/\n()]+")
SEPARATORS = re.compile(r"""[^\w"']+""")
DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Match:
    """A locality named by the words from `start` to before `end`."""

    code: int
    start: int
    end: int


def whole_locality(text: str) -> int | None:
    """Return the code of the locality that a text names, letter by letter, and says nothing else."""
    marker, name = split_marker(clean(text))
    meaning = find_exactly(name)
    if meaning is None or len(meaning.codes) != 1 or fold(name) in _city_only():
        return None
    (code,) = meaning.codes
    words = len(words_of(name))
    is_name = marker or words > 1 or population(code) >= VILLAGE
    # אור ים is a quarter, אורים a village
    is_spelled_so = meaning.how is not How.SPELLING or words == len(
        words_of(without_parentheses(localities()[code].name))
    )
    return code if is_name and (is_spelled_so or population(code) >= CITY) else None


def split_marker(text: str) -> tuple[str, str]:
    """Split off a first word that says what kind of village follows; empty where there is none."""
    first, _, rest = text.partition(" ")
    return (first, rest.strip()) if first in VILLAGE_WORDS and rest.strip() else ("", text)


def in_city_field(text: str) -> set[int]:
    """Return the localities that a city field names among other words, villages of two words as well."""
    towns = _codes_of_towns(text)
    return towns | _codes(words_of(without_parentheses(text)), _villages()) if towns else towns


def in_store_name(text: str) -> set[int]:
    """Return the towns that a store name names among other words."""
    return _codes_of_towns(text)


def in_address(text: str) -> set[int]:
    """Return the localities that an address names: at the end of a segment, or as its beginning."""
    return {code for segment in SEGMENT.split(clean(text)) for code in _in_segment(segment)}


def words_of(text: str) -> list[str]:
    """Split a text into words; ק' or ק. in front of another word is Kiryat."""
    words = [word.strip("'") for word in SEPARATORS.split(clean(text))]
    words = [word for word in words if word.strip('"')]
    return ["קריית" if word == "ק" and index + 1 < len(words) else word for index, word in enumerate(words)]


def _codes_of_towns(text: str) -> set[int]:
    return _codes(words_of(without_parentheses(text)), _towns())


def _in_segment(segment: str) -> set[int]:
    words = words_of(segment)
    if code := whole_locality(segment) or village_in_address(segment):
        return {code}
    return {match.code for match in _matches(words, _towns()) if _is_the_city(match, words)}


def village_in_address(address: str) -> int | None:
    """Return the village of an address that begins with one: קיבוץ עינת ליד ראש העין."""
    words = words_of(address)
    if not words or words[0] not in VILLAGE_WORDS:
        return None
    candidates = (whole_locality(" ".join(words[:end])) for end in range(LONGEST_NAME + 1, 1, -1))
    return next((code for code in candidates if code), None)


def junction_in_address(address: str) -> Meaning | None:
    """Return what the junction or the road of an address is named for, where that is known.

    Roads are named for the towns at both ends, so they count only for what is no locality: כביש התענכים.
    """
    words = words_of(address)
    meanings = (
        _named_after(words, index) for index in range(len(words)) if words[index] in JUNCTIONS | {ROAD}
    )
    return next((meaning for meaning in meanings if meaning), None)


def _named_after(words: Sequence[str], index: int) -> Meaning | None:
    names = (" ".join(words[index + 1 : end]) for end in range(index + 4, index + 1, -1))
    meaning = next((meaning for name in names if (meaning := find_exactly(name))), None)
    return None if words[index] == ROAD and meaning and meaning.codes else meaning


def _is_the_city(match: Match, words: Sequence[str]) -> bool:
    if match.start == 1 and DIGIT.match(words[0]):
        return False  # 29 ירושלים: a house number and its street
    if match.end == len(words):
        return True
    return match.start == 0 and population(match.code) >= CITY


def _codes(words: Sequence[str], names: Mapping[str, int | None]) -> set[int]:
    return {match.code for match in _matches(words, names)}


def _matches(words: Sequence[str], names: Mapping[str, int | None]) -> Iterator[Match]:
    """Yield the longest names, from left to right, that are no street."""
    if not WAYS.isdisjoint(words):
        return
    start = 0
    while start < len(words):
        key, end = _longest_name(words, start, names)
        code = names.get(key)
        if code is not None and not _is_street(words, start, end):
            yield Match(code, start, end)
        start = end


def _longest_name(words: Sequence[str], start: int, names: Mapping[str, int | None]) -> tuple[str, int]:
    """Return the key of the longest name from a word on, and where it ends; an empty key for no name."""
    for end in range(min(len(words), start + LONGEST_NAME), start, -1):
        text = " ".join(words[start:end])
        key = fold(text)
        if key in names and ('"' in text or key not in _abbreviations()):
            return key, end
    return "", start + 1


def _is_street(words: Sequence[str], start: int, end: int) -> bool:
    before = words[start - 1] if start else ""
    after = words[end] if end < len(words) else ""
    return before in STREETS or after in STREETS or bool(DIGIT.match(after))


@cache
def _towns() -> dict[str, int | None]:
    """Return the names that count inside a text, by their keys."""
    names = {
        key: place.code
        for key, place in _bases()
        if population(place.code) >= (VILLAGE if len(words_of(place.name)) > 1 else TOWN)
        and key not in COMMON_WORDS
    }
    return names | {
        fold(spelling.text): _only(spelling.meaning.codes)
        for spelling in spellings()
        if spelling.is_anywhere or (len(spelling.meaning.codes) != 1 and " " in spelling.text)
    }


def _only(codes: Collection[int]) -> int | None:
    """Return None for words that mean several places, or none: they stand for themselves, not for a part."""
    return min(codes) if len(codes) == 1 else None


@cache
def _villages() -> dict[str, int | None]:
    """Return other names of two or more words: a city field that has one as well as a town is ambiguous."""
    names = {key: place.code for key, place in _bases() if len(words_of(place.name)) > 1}
    return {key: code for key, code in names.items() if key not in _towns()}


def _bases() -> Iterator[tuple[str, Locality]]:
    """Yield names without what stands in parentheses; a name that is whole without goes last and stays."""
    places = sorted(localities().values(), key=lambda place: "(" not in place.name)
    yield from ((fold(without_parentheses(place.name)), place) for place in places)


@cache
def _abbreviations() -> frozenset[str]:
    """Return keys that count only with their quotation mark: פ"ת is a town, פת a slice of bread."""
    quoted = (spelling for spelling in spellings() if '"' in spelling.text and " " not in spelling.text)
    return frozenset(fold(spelling.text) for spelling in quoted)


@cache
def _city_only() -> frozenset[str]:
    return frozenset(fold(spelling.text) for spelling in spellings() if not spelling.is_anywhere)


def population(code: int) -> int:
    """Return the inhabitants of a locality; 0 where they are not known."""
    return localities()[code].population or 0
