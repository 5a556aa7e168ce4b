"""The built-in table: every row sane, every name found again."""

from collections import Counter

import pytest

from gogobe_dagster.localities.index import spellings
from gogobe_dagster.localities.resolver import resolve_place
from gogobe_dagster.localities.table import Locality, localities, read_rows

PLACES = tuple(localities().values())
QUARTERS_TOO = {"רמות", "סגולה"}
"""Villages whose name is also that of well-known quarters elsewhere."""
ENGLISH_TWINS = {"Zohar", "En Hod", "Ein Hod"}


def test_every_locality_is_in_israel_and_has_all_names() -> None:
    assert len(PLACES) == 1_228
    for place in PLACES:
        assert place.name
        assert place.english_name
        assert place.district
        assert place.sub_district
        assert 29.4 < place.latitude < 33.4
        assert 34.2 < place.longitude < 35.9
        assert place.population is None or place.population > 0


def test_names_are_unique_and_sorted_by_code() -> None:
    assert [place.code for place in PLACES] == sorted({place.code for place in PLACES})
    assert len({place.name for place in PLACES}) == len(PLACES)


def test_a_sub_district_belongs_to_one_district() -> None:
    pairs = {(place.sub_district, place.district) for place in PLACES}

    assert len(pairs) == len({sub_district for sub_district, _ in pairs})
    assert len({district for _, district in pairs}) == 7


@pytest.mark.parametrize(
    ("code", "names", "point"),
    [
        (5000, ("תל אביב-יפו", "Tel Aviv - Yafo", "תל אביב"), (32.08, 34.79)),
        (3000, ("ירושלים", "Jerusalem", "ירושלים"), (31.78, 35.22)),
        (2600, ("אילת", "Elat", "הדרום"), (29.55, 34.95)),
        (1061, ("נוף הגליל", "Nof HaGalil", "הצפון"), (32.71, 35.32)),
    ],
)
def test_towns_are_where_they_are(code: int, names: tuple[str, ...], point: tuple[float, float]) -> None:
    place = localities()[code]

    assert (place.name, place.english_name, place.district) == names
    assert (place.latitude, place.longitude) == pytest.approx(point, abs=0.02)


def test_every_name_is_found_as_itself() -> None:
    other = [place.name for place in PLACES if resolve_place(place.name).locality != place]

    assert set(other) == QUARTERS_TOO


def test_every_english_name_is_found_as_itself() -> None:
    other = {place.english_name for place in PLACES if resolve_place(place.english_name).locality != place}

    assert other == ENGLISH_TWINS


def test_every_code_is_found() -> None:
    assert [place for place in PLACES if resolve_place(str(place.code)).locality != place] == []


def test_listed_spellings_mean_what_the_list_says() -> None:
    def found(codes: frozenset[int]) -> set[Locality]:
        return {localities()[code] for code in codes}

    for spelling in spellings():
        resolution = resolve_place(spelling.text)
        places = {resolution.locality} if resolution.locality else set(resolution.candidates)
        assert places == found(spelling.meaning.codes), spelling


def test_the_list_names_a_spelling_once() -> None:
    counted = Counter(row["spelling"] for row in read_rows("spellings.tsv"))

    assert [text for text, times in counted.items() if times > 1] == []
