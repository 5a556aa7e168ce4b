"""From what a chain publishes about a store to the locality it is in.

The city field decides when it names one locality. Otherwise the address and the store name are searched,
and they must not contradict each other. What cannot be told is left open, with the reason.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache

from gogobe_dagster.localities.contradiction import Claim, is_contradicted, localities_in_store_name
from gogobe_dagster.localities.index import How, Reason, find
from gogobe_dagster.localities.spelling import clean, fold
from gogobe_dagster.localities.table import Locality, localities
from gogobe_dagster.localities.text_search import (
    TOWN,
    in_address,
    in_city_field,
    population,
    words_of,
)
from gogobe_dagster.localities.words import PLACEHOLDERS, TOWN_WORDS, VILLAGE_WORDS

CODE = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Resolution:
    """A locality and how it was found, or none and the reason."""

    locality: Locality | None = None
    how: How | None = None
    reason: Reason | None = None
    candidates: tuple[Locality, ...] = ()
    """What an ambiguous spelling may mean, by code."""
    is_final: bool = False
    """The published city is a place outside every locality: other fields do not change that."""


@lru_cache(maxsize=65_536)
def resolve_place(text: str | None) -> Resolution:
    """Find the locality that a published city, a code or any other spelling names."""
    city = clean(text or "")
    if _is_empty(city):
        return Resolution(reason=Reason.EMPTY)
    if CODE.fullmatch(city):
        place = localities().get(int(city))
        return Resolution(place, How.CODE) if place else Resolution(reason=Reason.UNKNOWN_CODE)
    return _named(city) or _marked(city) or _contained(city)


@lru_cache(maxsize=65_536)
def resolve_store(city: str | None, address: str | None, store_name: str | None) -> Resolution:
    """Find the locality of a store from what its chain publishes.

    A city that cannot be told is looked for in the address and the store name. Where they name another
    locality than the city does, none is taken: some chains publish the city of the branch listed before.
    """
    published = resolve_place(city)
    if published.locality:
        claim = Claim(published.locality, clean(city or ""), clean(address or ""), clean(store_name or ""))
        return Resolution(reason=Reason.CONTRADICTORY) if is_contradicted(claim) else published
    if published.is_final:
        return published
    return _elsewhere(published, address or "", store_name or "")


def _is_empty(city: str) -> bool:
    return not fold(city).strip("0") or fold(city) in PLACEHOLDERS


def _named(city: str) -> Resolution | None:
    meaning = find(city)
    if meaning is None:
        return None
    places = tuple(localities()[code] for code in sorted(meaning.codes))
    if not places:
        return Resolution(reason=Reason.NOT_A_LOCALITY, is_final=True)
    if len(places) > 1:
        return Resolution(reason=Reason.AMBIGUOUS, candidates=places)
    return Resolution(places[0], How.NAME if places[0].name == city else meaning.how)


def _marked(city: str) -> Resolution | None:
    """Find קיבוץ גשר by what follows its first word, and ק. שמונה as Kiryat.

    A name that has such a word itself was found before.
    """
    words = words_of(city)
    name = " ".join(words[1:] if words[:1] and words[0] in VILLAGE_WORDS | TOWN_WORDS else words)
    found = _named(name) if name != city else None
    if found is None or found.locality is None:
        villages = (
            {place.code for place in found.candidates if population(place.code) < TOWN} if found else set()
        )
        return (_of_codes(villages, How.SPELLING) if words[0] in VILLAGE_WORDS else None) or found
    return replace(found, how=How.SPELLING if found.how is How.NAME else found.how)


def _contained(city: str) -> Resolution:
    return _of_codes(in_city_field(city), How.CONTAINED) or Resolution(reason=Reason.NOT_A_LOCALITY)


def _of_codes(codes: Collection[int], how: How) -> Resolution | None:
    places = tuple(localities()[code] for code in sorted(codes))
    if len(places) > 1:
        return Resolution(reason=Reason.AMBIGUOUS, candidates=places)
    return Resolution(places[0], how) if places else None


def _elsewhere(published: Resolution, address: str, store_name: str) -> Resolution:
    by_address = in_address(address)
    by_name = localities_in_store_name(store_name, villages=bool(published.candidates))
    found = by_address | by_name
    if published.candidates:
        found &= {place.code for place in published.candidates}
    if by_address & found and by_name & found and not by_address & by_name:
        return Resolution(reason=Reason.CONTRADICTORY)
    return _of_codes(found, How.FROM_ADDRESS if by_address & found else How.FROM_STORE_NAME) or published
