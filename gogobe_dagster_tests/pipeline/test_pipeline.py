"""The import without Dagster: from the replica's listings to the tables."""

import gzip
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from upath import UPath

from gogobe_dagster import pipeline
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds.registry import Feed, find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.names import FileName
from gogobe_dagster.replica.corruption import unpacked
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.portal_pause import end_pauses
from gogobe_dagster_tests.families import FEED_OF_EACH_FAMILY
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import import_all

pytestmark = pytest.mark.slow


def restamped(name: str, later: timedelta) -> str:
    """The same name, published later."""
    published_at = FileName.parse(name).published_at
    for form in ("%Y%m%d%H%M", "%Y%m%d-%H%M"):
        name = name.replace(f"{published_at:{form}}", f"{published_at + later:{form}}")
    return name


@pytest.mark.parametrize("feed_key", FEED_OF_EACH_FAMILY)
def test_the_tables_say_what_the_stores_say(import_env: ImportEnv, feed_key: str) -> None:
    market = import_env.publish(feed_key)

    import_all(import_env, feed_key)

    truth = published_prices(market, find_feed(feed_key), now=midnight(), first_day=yesterday())
    assert import_env.prices(feed_key) == {tuple(key): priced.price for key, priced in truth.items()}
    listed = {file.name for file in import_env.replica.publications(feed_key).all()}
    assert set(import_env.states(feed_key)) == listed


def test_an_import_does_not_import_pandas(import_env: ImportEnv) -> None:
    """A small run would pay more for pandas than for its files; pyarrow imports it in many functions."""
    import_env.publish("keshet")

    module = "gogobe_dagster_tests.pipeline.import_process"
    imported = import_env.run("python", "-X", "importtime", "-m", module, "keshet", f"{yesterday()}").stderr

    assert set(import_env.states("keshet").values()) == {"loaded"}
    assert "polars" in imported
    assert "pandas" not in imported


def test_stores_that_list_only_themselves_are_all_loaded(import_env: ImportEnv) -> None:
    market = import_env.publish("city_market_shops", stores=4)

    import_all(import_env, "city_market_shops")

    listed = import_env.query("select store_id, name, is_listed from store order by store_id")
    assert listed == [
        (store.store_id, store.name, True) for store in market.stores(find_feed("city_market_shops"))
    ]
    lists = import_env.query("select count(*) from file where kind = 'stores' and store_id is not null")
    assert lists == [(4,)]


def test_a_price_file_without_sub_chain_belongs_to_the_store_of_its_number(
    import_env: ImportEnv,
) -> None:
    """Netiv HaHesed's promotions always do so; here a price file does."""
    import_env.publish("netiv_hahesed")
    publications = import_env.replica.publications("netiv_hahesed")
    full = next(file for file in publications.all() if file.name.startswith("PriceFull"))
    named = FileName.parse(full.name)
    unsaid = gzip.compress(unpacked(full.read()).replace(b"<SubChainId>2<", b"<SubChainId>0<"))
    name = restamped(full.name, timedelta(minutes=20)).replace("-002-", "-000-")
    publications.put(replace(full, name=name, content=unsaid))

    import_all(import_env, "netiv_hahesed")

    placed = import_env.query("select state, sub_chain_id, store_id from file where name = %s", [name])
    assert (named.sub_chain_id, placed) == (2, [("loaded", 2, named.store_id)])
    assert import_env.query("select count(*) from store where sub_chain_id = 0") == [(0,)]


def test_a_repeated_import_has_nothing_to_do(import_env: ImportEnv) -> None:
    import_env.publish("keshet")
    import_all(import_env, "keshet")
    before = import_env.query("select * from price_history order by 1, 2, 3")
    feed, days, resources = find_feed("keshet"), [yesterday()], import_env.resources

    again = pipeline.discover(feed, days, resources)

    assert (again.new, again.republished) == (0, 0)
    assert pipeline.download(feed, days, resources).fetched == 0
    assert pipeline.plan(feed, days, resources) == []
    assert pipeline.load(Document.PRICES, feed, days, resources).files == 0
    assert import_env.query("select * from price_history order by 1, 2, 3") == before


def test_every_offer_of_the_promotion_files_is_in_the_lake_and_in_the_tables(import_env: ImportEnv) -> None:
    import_env.publish("keshet")

    import_all(import_env, "keshet")

    files = import_env.resources.ledger.of_days("keshet", [yesterday()])
    assert {file.state.value for file in files} == {"loaded"}
    promotions = [file for file in files if file.kind and file.kind.document is Document.PROMOTIONS]
    lake_paths = {file.id: file.lake_path for file in promotions if file.lake_path}
    offers = import_env.resources.lake.read(Document.PROMOTIONS, lake_paths)
    assert len(offers) == sum(file.rows or 0 for file in promotions)
    assert offers["items"].list.len().gt(0).all()
    stored = import_env.query("select promotion_id, replace(content_hash::text, '-', '') from promotion")
    assert sorted(stored) == sorted(offers.select("promotion_id", "content_hash").unique().iter_rows())
    assert stored


@pytest.mark.parametrize(
    ("fault", "names", "expected"),
    [
        ("zero_byte", "Price*", "discovered zero_byte"),
        ("html_instead_of_file", "Price*", "discovered html_instead_of_file"),
        ("truncated_download", "Price*", "discovered truncated_download"),
        ("wrong_crc", "PriceFull*", "loaded"),
        ("truncated_gzip", "PriceFull*", "loaded"),
        ("zip_in_gz", "PriceFull*", "loaded"),
    ],
)
def test_a_bad_file_has_a_code_and_the_others_go_on(
    import_env: ImportEnv, fault: str, names: str, expected: str
) -> None:
    import_env.publish("keshet")
    bad = next(
        f.name for f in import_env.replica.publications("keshet").all() if f.name.startswith(names[:-1])
    )
    import_env.replica.faults.switch_on(fault, feed="keshet", names=bad)

    import_all(import_env, "keshet")

    states = import_env.states("keshet")
    assert states.pop(bad) == expected
    assert set(states.values()) == {"loaded"}


def test_a_damaged_full_file_ends_nothing(import_env: ImportEnv) -> None:
    """Rows that could not be read are not treated as removed."""
    import_env.publish("keshet")
    import_all(import_env, "keshet")
    sold = import_env.query("select count(*) from price_current")
    full = next(f for f in import_env.replica.publications("keshet").all() if f.name.startswith("PriceFull"))
    name = restamped(full.name, timedelta(minutes=1))
    import_env.replica.publications("keshet").put(replace(full, name=name))
    import_env.replica.faults.switch_on("truncated_gzip", feed="keshet", names=name)

    import_all(import_env, "keshet")

    damaged = import_env.query("select is_damaged from file where name = %s", [name])
    assert (name, damaged) == (name, [(True,)])
    assert import_env.query("select count(*) from price_current") == sold


def test_a_portal_that_is_down_is_recorded_and_loses_nothing(import_env: ImportEnv) -> None:
    import_env.publish("keshet", "king_store")
    import_all(import_env, "keshet")
    before = import_env.states("keshet")
    import_env.replica.faults.switch_on("portal_down", feed="keshet")

    with pytest.raises(PortalError) as down:
        pipeline.discover(find_feed("keshet"), [yesterday()], import_env.resources)
    import_all(import_env, "king_store")

    codes = {row.feed: row.listing_code for row in import_env.resources.ledger.feed_health()}
    assert codes == {"keshet": down.value.code, "king_store": None}
    assert import_env.states("keshet") == before


@pytest.mark.parametrize("feed_key", FEED_OF_EACH_FAMILY)
def test_a_portal_that_refuses_downloads_costs_no_file_an_attempt(
    import_env: ImportEnv, feed_key: str
) -> None:
    import_env.publish(feed_key)
    feed, days, resources = find_feed(feed_key), [yesterday()], import_env.resources
    pipeline.discover(feed, days, resources)
    import_env.replica.faults.switch_on("bot_challenge", feed=feed_key)

    refused = pipeline.download(feed, days, resources)

    assert refused.pause
    assert refused.pause.code == "bot_challenge"
    (row,) = resources.ledger.feed_health()
    assert (row.listing_code, row.quarantined) == ("bot_challenge", 0)
    import_env.replica.faults.switch_off("bot_challenge")
    end_pauses(resources.engine, resources.portal_account(feed))
    import_all(import_env, feed_key)
    assert set(import_env.states(feed_key).values()) == {"loaded"}


def test_a_file_of_a_future_day_waits_for_that_day(import_env: ImportEnv) -> None:
    import_env.publish("keshet")
    name = f"Price7290785400000-001-{midnight() + timedelta(days=3):%Y%m%d%H%M}.gz"
    import_env.replica.publications("keshet").put(
        replace(next(iter(import_env.replica.publications("keshet").all())), name=name)
    )

    import_all(import_env, "keshet")

    assert import_env.query("select state, code from file where name = %s", [name]) == [
        ("quarantined", "future_timestamp")
    ]


def test_a_portal_that_lists_nothing_has_failed(import_env: ImportEnv) -> None:
    import_env.publish("keshet")
    import_all(import_env, "keshet")
    before = import_env.states("keshet")
    import_env.replica.publications("keshet").clear()

    with pytest.raises(PortalError) as empty:
        pipeline.discover(find_feed("keshet"), [yesterday()], import_env.resources)

    assert empty.value.code == "listing_empty_unexpected"
    assert import_env.resources.ledger.feed_health()[0].listing_code == "listing_empty_unexpected"
    assert import_env.states("keshet") == before


def test_foreign_files_are_quarantined_with_a_code(import_env: ImportEnv) -> None:
    from gogobe_dagster.replica.generator.stray_files import stray_files

    market = import_env.publish("yohananof")
    odd = stray_files(market, find_feed("yohananof"), day=yesterday(), now=midnight())
    import_env.replica.publications("yohananof").put(*odd)

    import_all(import_env, "yohananof")

    set_aside = import_env.query(
        "select code, count(*) from file where state = 'quarantined' group by code order by code"
    )
    codes = {code for code, _ in set_aside}
    assert {"foreign_chain_in_listing", "name_unparsed", "stale_file"} <= codes


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.unlink(), id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(bytes(path.stat().st_size)), id="zeros"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-100]), id="cut off"),
    ],
)
def test_lost_bytes_are_downloaded_again(import_env: ImportEnv, spoil: Callable[[UPath], object]) -> None:
    import_env.publish("keshet")
    feed, days, resources = find_feed("keshet"), [yesterday()], import_env.resources
    pipeline.discover(feed, days, resources)
    pipeline.download(feed, days, resources)
    lost = resources.ledger.to_parse("keshet", days)[0]
    assert lost.sha256
    spoil(resources.raw_store.root / lost.sha256[:2] / lost.sha256)

    parse_all(feed, days, resources)
    assert import_env.states("keshet")[lost.name] == "discovered raw_file_missing"

    pipeline.download(feed, days, resources)
    parse_all(feed, days, resources)
    assert set(import_env.states("keshet").values()) == {"parsed"}


def test_bytes_that_are_lost_each_time_are_quarantined_in_the_end(import_env: ImportEnv) -> None:
    import_env.publish("keshet")
    feed, days, resources = find_feed("keshet"), [yesterday()], import_env.resources
    pipeline.discover(feed, days, resources)
    for _ in range(resources.settings.max_attempts):
        pipeline.download(feed, days, resources)
        shutil.rmtree(str(resources.raw_store.root))
        parse_all(feed, days, resources)

    assert set(import_env.states("keshet").values()) == {"quarantined raw_file_missing"}


def parse_all(feed: Feed, days: list[date], resources: Resources) -> None:
    for batch in pipeline.plan(feed, days, resources):
        pipeline.parse(batch, feed, resources)
