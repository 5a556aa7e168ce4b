"""`gogobe places` as people type it."""

import json
from pathlib import Path

import pytest

from gogobe_dagster_tests.commands.run import run_gogobe
from gogobe_dagster_tests.import_env import ImportEnv
from gogobe_dagster_tests.warehouse.warehouse_harness import Market, PriceFile, StoreList


def test_json_has_an_object_for_each_spelling_in_the_order_given() -> None:
    code, text = run_gogobe("places", "--json", "נצרת עילית", "6", "נצרת עילית")

    nof_hagalil = {
        "given": "נצרת עילית",
        "code": 1061,
        "name": "נוף הגליל",
        "district": "הצפון",
        "how": "former_name",
    }
    unknown = {"given": "6", "code": None, "name": None, "district": None, "how": "unknown_code"}
    assert json.loads(text) == [nof_hagalil, unknown, nof_hagalil]
    assert code == 1


def test_the_table_fits_and_says_what_an_ambiguous_spelling_may_mean() -> None:
    code, text = run_gogobe("places", "דגניה", "נצרת עילית")

    assert all(len(line) <= 80 for line in text.splitlines())
    assert "former_name" in text
    assert "(62)" in text
    assert "(79)" in text
    assert code == 1


def test_success_when_every_spelling_is_a_locality() -> None:
    assert run_gogobe("places", "5000", "Petah Tikva")[0] == 0


def test_without_spellings_it_shows_its_help() -> None:
    code, text = run_gogobe("places")

    assert code == 2
    assert "SPELLING" in text


def test_spellings_and_unresolved_cities_are_not_asked_for_at_once() -> None:
    code, text = run_gogobe("places", "5000", "--unresolved")

    assert code == 2
    assert "or use --unresolved" in text


@pytest.mark.slow
def test_cities_of_stores_without_a_locality_are_counted_with_the_reason(
    import_env: ImportEnv, tmp_path: Path
) -> None:
    cities = ["3000", "גוש עציון", None, "גוש עציון", "ירושלים"]
    keys = [(1, number) for number in range(len(cities))]
    addresses = {key: {"city": city} for key, city in zip(keys, cities, strict=True)}
    market = Market.at(import_env.resources.engine, tmp_path)
    market.load_lists(market.publish(StoreList(1, dict.fromkeys(keys, "סניף"), addresses=addresses)))
    market.open(PriceFile(2, {"120": "7"}, store=99))  # no list says where that store is

    shown = import_env.run("gogobe", "places", "--unresolved", "--json")
    table = import_env.run("gogobe", "places", "--unresolved")

    assert json.loads(shown.stdout) == [
        {"city": "גוש עציון", "stores": 2, "how": "not_a_locality"},
        {"city": None, "stores": 1, "how": "empty"},
    ]
    assert "not_a_locality" in table.stdout
