"""`gogobe matching` as people type it."""

import json

import pytest

from gogobe_dagster_tests.commands.run import run_gogobe
from gogobe_dagster_tests.import_env import ImportEnv

CANDIDATE = """
insert into chain (chain_id, name) values ('7290661400001', 'מחסני השוק') on conflict do nothing;
insert into product (gtin, name) values ('7290012226076', 'פסטרמה חרמון 200 גר''');
insert into product (chain_id, code, name) values ('7290661400001', '12226076', 'פסטרמה חרמון 200 גר`');
insert into product_match (product_key, other_key, is_end_of_gtin, shared_words, base_unit, base_quantity)
select own.product_key, other.product_key, true, 'חרמונ פסטרמה', 'kg', 0.2
from product own, product other where own.code = '12226076' and other.gtin = '7290012226076'
"""


@pytest.mark.slow
def test_matches_are_listed_with_their_evidence_and_decided(import_env: ImportEnv) -> None:
    with import_env.resources.engine.begin() as connection:
        connection.exec_driver_sql(CANDIDATE)

    listed = import_env.run("gogobe", "matching", "list", "--search", "חרמון").stdout
    assert "12226076: פסטרמה חרמון 200 גר`" in listed
    assert "    = 7290012226076: פסטרמה חרמון 200 גר'\n" in listed
    assert "    the code is the end of the GTIN; words: חרמונ פסטרמה; both 0.2 kg\n" in listed
    assert "no such match" in import_env.run("gogobe", "matching", "list", "--search", "גזר").stdout

    assert import_env.run("gogobe", "matching", "accept", "1").stdout == "1 accepted\n"
    assert "no such match" in import_env.run("gogobe", "matching", "list").stdout
    [row] = json.loads(import_env.run("gogobe", "matching", "list", "--decision", "all", "--json").stdout)
    assert (row["decision"], row["code"], row["other_gtin"]) == ("accepted", "12226076", "7290012226076")


@pytest.mark.parametrize(
    "arguments", [("accept",), ("accept", "0"), ("reject", "one"), ("list", "--limit", "0")]
)
def test_wrong_numbers_are_refused_before_the_database_is_opened(arguments: tuple[str, ...]) -> None:
    code, text = run_gogobe("matching", *arguments)

    assert code == 2
    assert "Error" in text
