"""`gogobe places` as people type it."""

import json

from gogobe_dagster_tests.commands.run import run_gogobe


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
