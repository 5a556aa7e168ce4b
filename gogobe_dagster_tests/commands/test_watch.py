"""`gogobe watch` as people type it."""

import json

import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.tables import product
from gogobe_dagster_tests.commands.run import run_gogobe
from gogobe_dagster_tests.import_env import ImportEnv

pytestmark = pytest.mark.slow

BAMBA = "7290000042640"
"""The GTIN of the documentation; UPC-A and EAN-13 of it are one number."""


def test_a_product_is_watched_listed_and_removed(import_env: ImportEnv) -> None:
    added = import_env.run("gogobe", "watch", "add", f"0{BAMBA}", "--city", "Jerusalem")
    again = import_env.run("gogobe", "watch", "add", BAMBA, "--city", "3000")
    listed = import_env.run("gogobe", "watch", "list", "--json")
    removed = import_env.run("gogobe", "watch", "remove", "1")

    assert added.stdout == f"{BAMBA} is watched: number 1\n"
    assert again.stdout == f"{BAMBA} is watched already\n"
    [row] = json.loads(listed.stdout)
    assert (row["gtin"], row["locality"], row["stores"]) == (BAMBA, "ירושלים", 0)
    assert removed.stdout == "watch 1 is removed\n"
    assert "nothing is watched" in import_env.run("gogobe", "watch", "list").stdout


def test_a_name_gives_the_terminal_no_commands(import_env: ImportEnv) -> None:
    import_env.run("gogobe", "watch", "add", BAMBA)
    with import_env.resources.engine.begin() as connection:
        connection.execute(sa.insert(product).values(gtin=BAMBA, name="a\x9b2Jb\u202ec"))

    assert r"a\x9b2Jb\u202ec" in import_env.run("gogobe", "watch", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((BAMBA, "--city", "דגניה"), "is not one town"),
        ((f"{BAMBA[:-1]}1",), "is not a GTIN"),
        (("חלב",), "is not a GTIN"),
    ],
)
def test_what_cannot_be_watched_is_refused_before_the_database_is_opened(
    arguments: tuple[str, ...], message: str
) -> None:
    code, text = run_gogobe("watch", "add", *arguments)

    assert code == 2
    assert message in text
