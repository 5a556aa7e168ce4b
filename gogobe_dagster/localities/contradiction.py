"""Whether the address or the store name says that the published city is wrong.

It happens: a mall of Givatayim under Tel Aviv, a branch of Bet Shemesh under Jerusalem, a kibbutz under
the code of the next town. Branches are named for streets, quarters and people as well, so a name that
only looks like a locality must not take the city away.
"""

from dataclasses import dataclass

from gogobe_dagster.localities.index import find_exactly, spellings_of
from gogobe_dagster.localities.spelling import fold, without_parentheses
from gogobe_dagster.localities.table import Locality, localities
from gogobe_dagster.localities.text_search import (
    TOWN,
    in_address,
    in_city_field,
    in_store_name,
    junction_in_address,
    population,
    village_in_address,
    whole_locality,
)
from gogobe_dagster.localities.words import VILLAGE_WORDS, without_store_words


@dataclass(frozen=True, slots=True)
class Claim:
    """The locality that a published city names, and the fields around it."""

    place: Locality
    city: str
    address: str
    store_name: str


def localities_in_store_name(store_name: str, *, villages: bool = False) -> set[int]:
    """Return the localities that a store name names, chain and format left aside.

    With `villages` those count as well that stand next to a town: אשקלון בת הדר names two.
    """
    if whole := whole_locality(without_store_words(store_name)):
        return {whole}
    return in_city_field(store_name) if villages else in_store_name(store_name)


def is_contradicted(claim: Claim) -> bool:
    """Say whether address or store name speak of another locality, and nothing explains it."""
    if _is_in_village(claim):
        return True
    named = localities_in_store_name(claim.store_name) | in_address(claim.address)
    if claim.place.code in named or _is_mentioned(claim.place, claim.address + " " + claim.store_name):
        return False
    if _is_at_another_junction(claim):
        return True
    return any(_counts(code, claim) for code in localities_in_store_name(claim.store_name))


def _is_in_village(claim: Claim) -> bool:
    """Say whether the address is that of a kibbutz or moshav, and not the one published."""
    village = village_in_address(claim.address)
    name = whole_locality(without_store_words(claim.store_name))
    if name and any(
        fold(f"{word} {localities()[name].name}") in fold(claim.address) for word in VILLAGE_WORDS
    ):
        village = name
    return village not in {None, claim.place.code}


def _is_at_another_junction(claim: Claim) -> bool:
    """Say whether the address is a junction named for another place: filling stations give the next town."""
    meaning = junction_in_address(claim.address)
    return meaning is not None and claim.place.code not in meaning.codes


def _counts(code: int, claim: Claim) -> bool:
    other = localities()[code]
    if any(_is_mentioned(other, name) for name in (claim.city, *spellings_of(claim.place))):
        return False  # נצרת for נוף הגליל, once נצרת עילית
    by_address = in_address(claim.address)
    if population(code) < TOWN:
        return not claim.address or by_address == {code}
    is_street = _is_mentioned(other, claim.address) and code not in by_address
    return not is_street


def _is_mentioned(place: Locality, text: str) -> bool:
    base = without_parentheses(place.name)
    meaning = find_exactly(base)
    name = base if meaning and meaning.codes == {place.code} else place.name
    return fold(name) in fold(text)
