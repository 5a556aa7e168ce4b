"""What became of a file stays when its details go, and nothing that needs them is misled."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster.warehouse.maintenance.rebuild import Scope, rebuild_prices, rebuild_stores
from gogobe_dagster.warehouse.maintenance.retention import Removed
from gogobe_dagster_tests.warehouse.making import FEED, NOON
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.retention_setup import LATER, RetentionSetup, open_setup
from gogobe_dagster_tests.warehouse.warehouse_harness import EGGS, MILK, PriceFile, StoreList

pytestmark = pytest.mark.slow

PRICES = "select * from price_periods order by 1, 2, 3, 4, 5, 6"
STORES = "select * from store order by store_key"
HEALTH = """
select publication_day, loaded, rows, newest_full_at, last_loaded_at, bytes from feed_health order by 1
"""
BECAME = """
select file_id, feed, name, revision, sha256, size, rows, published_at, loaded_at from file
where name = any(:names) order by 1
"""
ARCHIVED = BECAME.replace("sha256", "encode(sha256, 'hex')").replace("from file", "from archived_file")


@pytest.fixture
def it(engine: sa.Engine, tmp_path: Path) -> RetentionSetup:
    """A store with files of four days, whose lake files are gone; the list of stores stays."""
    it = open_setup(engine, tmp_path)
    it.market.load_lists(it.market.publish(StoreList(1, {(1, 1): "תלפיות"})))
    for hour, price in ((6, "5"), (30, "6"), (54, "7"), (78, "8")):
        it.market.open(PriceFile(hour, {MILK: price, EGGS: "9"}))
    it.retain(lake=1)
    return it


def ask(it: RetentionSetup, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with it.market.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query), values)]


def archived_names(it: RetentionSetup) -> list[str]:
    return [name for (name,) in ask(it, "select name from archived_file order by published_at")]


def test_what_became_of_a_file_stays_and_so_does_what_is_derived(it: RetentionSetup) -> None:
    query = "select name from file where kind <> 'stores' order by published_at"
    middle = [name for (name,) in ask(it, query)][1:3]
    became = ask(it, BECAME, names=middle)
    derived = [ask(it, query) for query in (PRICES, STORES, HEALTH)]

    shown = it.retain(file_details=30, dry_run=True)
    assert archived_names(it) == []
    assert it.retain(file_details=30) == shown == {"file_details": Removed(count=2)}

    assert archived_names(it) == middle
    days = [day for (day,) in ask(it, "select publication_day from archived_file order by published_at")]
    archived = Ledger(it.market.engine).archived_of_days(FEED, days)
    assert [
        (file.id, file.feed, file.name, file.revision, file.sha256, file.size, file.rows, file.published_at)
        for file in archived
    ] == [row[:-1] for row in became]
    assert {str(file.state) for file in archived} == {"loaded"}
    assert ask(it, ARCHIVED, names=middle) == became
    assert ask(it, "select count(*) from file_event join archived_file using (file_id)") == [(0,)]
    assert [ask(it, query) for query in (PRICES, STORES, HEALTH)] == derived
    rebuild_stores(it.market.engine, it.market.lake, Scope(), now=LATER, tell=print)
    assert ask(it, STORES) == derived[1]
    assert it.retain(file_details=30) == {"file_details": Removed(count=0)}


def test_a_file_stays_while_it_is_listed_or_its_bytes_or_rows_are_there(
    engine: sa.Engine, tmp_path: Path
) -> None:
    it = open_setup(engine, tmp_path)
    for hour in (6, 30, 54, 78):
        it.market.open(PriceFile(hour, {MILK: str(hour)}))
    assert it.retain(file_details=30)["file_details"].count == 0, "the lake has all rows"
    it.retain(lake=1)
    (second, third) = [row[0] for row in ask(it, "select file_id from file order by published_at")][1:3]
    it.give_bytes(second, it.save(b"kept"))
    with it.market.engine.begin() as connection:
        seen = sa.text("update file set last_seen_at = :now where file_id = :third")
        connection.execute(seen, {"now": LATER - timedelta(days=5), "third": third})

    assert it.retain(file_details=30)["file_details"].count == 0
    assert it.retain(file_details=4)["file_details"].count == 1
    assert it.retain(raw=3, file_details=4)["file_details"].count == 1
    assert len(archived_names(it)) == 2


def test_the_first_file_of_a_promotion_that_is_on_stays(it: RetentionSetup) -> None:
    for hour in (6, 30, 54):
        it.market.offer(PromotionFile(hour, [Offer("11", [MILK])] if hour > 6 else [], is_full=True))
    it.retain(lake=1)

    it.retain(file_details=30)

    assert len(archived_names(it)) == 2
    assert all(name.startswith("Price") for name in archived_names(it))


def test_an_archived_file_that_is_listed_again_is_known(it: RetentionSetup) -> None:
    it.retain(file_details=30)
    second = PriceFile(30, {MILK: "6"})
    assert second.name in archived_names(it)

    result = it.market.ledger.record(FEED, [second.sighting], now=LATER)

    assert (result.listed, result.known, result.new) == (1, 1, 0)
    assert it.market.ledger.pending(FEED) == []


def test_a_rebuild_knows_that_files_are_missing(it: RetentionSetup) -> None:
    before = ask(it, PRICES)
    it.retain(file_details=30)

    rebuilt = rebuild_prices(it.market.engine, it.market.lake, Scope(), now=LATER, tell=print)
    assert (rebuilt.stores, len(rebuilt.missing)) == (0, 1)
    partly = Scope(since=NOON.replace(hour=0) + timedelta(hours=54))
    with pytest.raises(ContentError, match="history or files until") as refused:
        rebuild_prices(it.market.engine, it.market.lake, partly, now=LATER, tell=print)

    assert refused.value.code is Code.LATE_BEYOND_RETENTION
    assert ask(it, PRICES) == before


def test_an_archived_file_has_less_than_300_bytes_with_its_indexes(engine: sa.Engine) -> None:
    """Names as chains publish them; 200 feeds and days of 100 files."""
    with engine.begin() as connection:
        connection.execute(
            sa.text("""
            insert into archived_file
            select number, now(), now(), 1234567, current_date - number / 1000, 1, 5000, 1, 1, number % 400,
                sha256(number::text::bytea), 'rami_levy', format('PriceFull7290058140886-%s-%s.gz',
                to_char(number % 400, 'FM000'), 202611230000 + number), 'full_prices', '7290058140886'
            from generate_series(1, 20000) as number
            """)
        )
        size = connection.scalar(sa.text("select pg_total_relation_size('archived_file') / 20000"))

    assert 150 < size < 300
