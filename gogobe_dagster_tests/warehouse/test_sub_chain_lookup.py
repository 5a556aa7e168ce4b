"""The sub-chain that a file leaves out is that of the store's price files, in whatever order all are read."""

from datetime import date
from itertools import permutations

import sqlalchemy as sa

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster.warehouse.ledger.model import ListedFile
from gogobe_dagster.warehouse.load.sub_chain_lookup import sub_chains
from gogobe_dagster_tests.warehouse.making import NOON, TODAY, parsed, sighting
from gogobe_dagster_tests.warehouse.warehouse_harness import forget

NETIV = find_feed("netiv_hahesed")


def seen(
    kind: FileKind, store: int, sub_chain: int | None, *, hours: float = 5, chain: str = ""
) -> ListedFile:
    chain = chain or NETIV.chain_id
    name = f"{kind}{chain}-{sub_chain}-{store}-{hours}.GZ"
    return sighting(kind, store=store, hours=hours, name=name, chain_id=chain, sub_chain_id=sub_chain)


def asked(engine: sa.Engine, *files: ListedFile, day: date = TODAY) -> dict[int, int]:
    Ledger(engine).record(NETIV.key, files, now=NOON)
    return sub_chains(engine, NETIV, day)


def test_the_names_of_price_files_tell_and_other_names_do_not(engine: sa.Engine) -> None:
    files = [
        seen(FileKind.FULL_PRICES, 12, 9),
        seen(FileKind.PRICES, 40, 2),
        seen(FileKind.FULL_PROMOTIONS, 12, 0),
        seen(FileKind.FULL_PROMOTIONS, 50, 6),
        seen(FileKind.FULL_PRICES, 51, 0),
        seen(FileKind.FULL_PRICES, 52, None),
        seen(FileKind.FULL_PRICES, 53, 7, chain="7291029710008"),
    ]
    assert asked(engine, *files) == {12: 9, 40: 2}


def test_of_a_store_that_changed_its_sub_chain_the_nearest_day_counts(engine: sa.Engine) -> None:
    files = [seen(FileKind.FULL_PRICES, 12, 6), seen(FileKind.FULL_PRICES, 12, 9, hours=24 * 10)]
    assert asked(engine, *files, day=TODAY) == {12: 6}
    assert asked(engine, *files, day=TODAY.replace(day=30)) == {12: 9}


def test_nothing_is_asked_where_numbers_may_repeat(engine: sa.Engine) -> None:
    asked(engine, seen(FileKind.FULL_PRICES, 12, 9))
    with_repeats = find_feed("rami_levy")
    assert sub_chains(engine, with_repeats, TODAY) == {}


def test_the_order_in_which_files_are_listed_and_read_does_not_matter(engine: sa.Engine) -> None:
    files = [seen(FileKind.FULL_PRICES, 12, 9), seen(FileKind.PRICES, 12, 9), seen(FileKind.PRICES, 40, 2)]
    for order in permutations(files):
        forget(engine)
        answers = [asked(engine, *order)]
        for entry in order:
            read(engine, entry)
            answers.append(sub_chains(engine, NETIV, TODAY))
        assert answers == [{12: 9, 40: 2}] * 4


def read(engine: sa.Engine, listed: ListedFile) -> None:
    ledger = Ledger(engine)
    [file_id] = [known.id for known in ledger.of_days(NETIV.key, [TODAY]) if known.name == listed.name]
    ledger.mark_downloaded(file_id, sha256="ab", size=1, now=NOON)
    entry = parsed(file_id, store=listed.store_id, chain_id=NETIV.chain_id, sub_chain_id=listed.sub_chain_id)
    ledger.mark_parsed([entry], now=NOON)
