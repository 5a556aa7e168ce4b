"""The database interrupts a load: nothing is half written, and the error shows whether to retry."""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import Code, LoadInterrupted
from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster.warehouse.schema.migrate import connect, migrate
from gogobe_dagster_tests.postgres.servers import FAST, answer, execute, kill_everything, processes_of
from gogobe_dagster_tests.warehouse.making import FEED
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.test_loading_properties import a_day
from gogobe_dagster_tests.warehouse.warehouse_harness import EGGS, MILK, Market, PriceFile

pytestmark = pytest.mark.slow

SIZE = "1m"
WEIGHTY = 20_000
"""Products whose prices do not fit into SIZE."""


@pytest.fixture
def server(short_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, to be killed."""
    server = EmbeddedPostgres(short_folder / "postgres", options=FAST)
    server.start()
    migrate(server.admin_url("postgres"))
    yield server
    server.stop()


@pytest.fixture
def own_market(server: EmbeddedPostgres, tmp_path: Path) -> Iterator[Market]:
    """A market on that server."""
    engine = connect(server.admin_url("postgres"))
    yield Market.at(engine, tmp_path)
    engine.dispose()


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


@contextmanager
def trigger(market: Market, table: str, body: str) -> Iterator[None]:
    """Let something happen whenever a row comes into a table."""
    function = f"create function happens() returns trigger language plpgsql as $$ begin {body} end $$"
    with market.engine.begin() as connection:
        connection.execute(sa.text(function))
        connection.execute(
            sa.text(f"create trigger happens before insert on {table} execute function happens()")
        )
    try:
        yield
    finally:
        market.engine.dispose()
        with market.engine.begin() as connection:
            connection.execute(sa.text("drop function happens cascade"))


def test_rule_02_a_server_that_dies_and_restarts_under_load_ends_in_the_same_tables(
    server: EmbeddedPostgres, own_market: Market, pytestconfig: pytest.Config
) -> None:
    market = own_market
    files = a_day(6)
    market.load_all(market.publish(*files))
    expected = market.everything()
    market.forget()
    market.publish(*files)
    draw, interrupted = random.Random(6), 0

    for turn in range(20 if pytestconfig.getoption("--long") else 2):
        left = len(market.ledger.pending(FEED))
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(market.load_all, market.ledger.pending(FEED), rows_at_once=300)
            while left and len(market.ledger.pending(FEED)) == left and not load.done():
                time.sleep(0.01)
            time.sleep(draw.random() * 0.03)
            kill_everything(server) if turn % 2 else server.stop()
            error = load.exception()
        if error is not None:
            assert isinstance(error, LoadInterrupted)
            assert (error.code, error.retry) == (Code.DATABASE_UNAVAILABLE, True)
            interrupted += 1
        market.engine.dispose()
        server.start()
    assert interrupted

    market.load_all(market.ledger.pending(FEED))
    assert market.everything() == expected


def test_a_load_that_is_disconnected_says_that_trying_again_helps(market: Market) -> None:
    files = market.publish(PriceFile(5, {MILK: "7"}, is_full=True), PromotionFile(5, [Offer("11", [MILK])]))
    before = market.all_but_products()
    cut = "perform pg_terminate_backend(pg_backend_pid()); return new;"
    with trigger(market, "file_event", cut), pytest.raises(LoadInterrupted) as raised:
        market.load_all(files)
    assert (raised.value.code, raised.value.retry) == (Code.DATABASE_UNAVAILABLE, True)
    assert market.all_but_products() == before
    assert market.load_all(files) == len(files)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_a_serialization_failure_or_deadlock_says_that_trying_again_helps(
    market: Market, sqlstate: str
) -> None:
    files = market.publish(PromotionFile(5, [Offer("11", [MILK])]))
    before = market.all_but_products()
    fail = f"raise sqlstate '{sqlstate}';"
    with trigger(market, "promotion_store", fail), pytest.raises(LoadInterrupted) as raised:
        market.load_all(files)
    assert (raised.value.code, raised.value.retry) == (Code.DATABASE_BUSY, True)
    assert market.all_but_products() == before


@pytest.fixture
def small_disk(server: EmbeddedPostgres, short_folder: Path) -> Iterator[Path]:
    """A disk of a few megabytes that the server may write to; mounting one needs root."""
    folder = short_folder / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    mounted = subprocess.run(mounting, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small disk to fill: {mounted.stderr.strip()}")
    owner = (server.folder / "data").stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    try:
        yield folder
    finally:
        server.stop()  # or the disk is busy
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_nothing_half_done_and_says_that_trying_again_does_not_help(
    own_market: Market, small_disk: Path
) -> None:
    market = own_market
    (fits,) = market.publish(PriceFile(5, {MILK: "7"}))
    market.load_all([fits])
    heavy = PriceFile(6, {f"{1000 + number}": "7" for number in range(WEIGHTY)}, is_full=True)
    (too_much,) = market.publish(heavy)
    before = market.all_but_products()
    move(
        market,
        f"create tablespace small location '{small_disk}'",
        "alter table price_current set tablespace small",
    )

    with pytest.raises(LoadInterrupted, match="No space left on device") as raised:
        market.load_all([too_much])

    assert (raised.value.code, raised.value.retry) == (Code.DATABASE_FULL, False)
    assert market.all_but_products() == before
    move(market, "alter table price_current set tablespace pg_default", "drop tablespace small")
    assert market.load_all([too_much]) == 1
    assert market.ask("select count(*) from price_current") == [(WEIGHTY,)]


def move(market: Market, *statements: str) -> None:
    """Run what no transaction may hold."""
    with market.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def test_keys_met_before_a_crash_are_not_used_after_it(server: EmbeddedPostgres, own_market: Market) -> None:
    """A crash after an asynchronous commit takes products with it, and new ones get their keys."""
    market, crashes = own_market, 0
    first = PriceFile(5, {MILK: "7.10"}, is_full=True, store=1)
    second = PriceFile(5, {EGGS: "12.90", MILK: "6.90"}, is_full=True, store=2)
    files = market.publish(first, second)
    execute(server, "checkpoint", "postgres")
    freeze_wal_writer(server)

    def crash_after_the_first_file(_connection: object, _record: object) -> None:
        nonlocal crashes
        if not crashes and answer(server, "select count(*) from file where state = 'loaded'", "postgres"):
            crashes += 1
            kill_everything(server)
            server.start()

    sa.event.listen(market.engine, "checkin", crash_after_the_first_file)
    market.load(files, rows_at_once=1)

    assert crashes == 1
    assert [file.state for file in market.ledger.files([file.id for file in files])] == ["parsed", "loaded"]
    assert market.prices(2) == {EGGS: Decimal("12.9"), MILK: Decimal("6.9")}
    market.load(files)
    assert market.prices(1) == {MILK: Decimal("7.1")}


def freeze_wal_writer(server: EmbeddedPostgres) -> None:
    """Keep asynchronous commits from reaching the disk."""
    (writer,) = (process for process in processes_of(server) if "walwriter" in title_of(process))
    writer.suspend()


def title_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a worker that came and went
        return ""
