"""What Dagster loads: every asset is described, and showing it stays cheap."""

import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import dagster as dg
import pytest
from lxml import etree

from gogobe_dagster.definitions import build_definitions
from gogobe_dagster.defs.jobs import IMPORT_JOB
from gogobe_dagster.defs.partitions import DAY, FEED, days_by_feed, partition_key
from gogobe_dagster.defs.plots import bar_chart
from gogobe_dagster.feeds.registry import DISABLED, FEEDS, find_feed
from gogobe_dagster.monitoring.data_quality import CHECKS

CLONE = Path(__file__).parents[2]
REGISTERS = {"official_register", "official_localities"}
ASSETS = {"discovered", "downloaded", "parsed", "stores", "prices", "promotions"} | REGISTERS


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions()


def test_the_graph_goes_from_the_portal_to_the_tables(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    parents = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }

    assert parents == {
        "feed_register": set(),
        "discovered": {"feed_register"},
        "downloaded": {"discovered"},
        "parsed": {"downloaded"},
        "stores": {"parsed"},
        "prices": {"parsed"},
        "official_register": set(),
        "official_localities": set(),
        "promotions": {"parsed"},
        "feed_health": {"stores", "prices", "promotions"},
        "fleet": {"stores", "prices", "promotions"},
        "daily_report": {"stores", "prices", "promotions"},
    }


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_every_asset_says_what_it_is(definitions: dg.Definitions, name: str) -> None:
    node = definitions.resolve_asset_graph().get(dg.AssetKey(name))

    assert node.description
    assert node.description.endswith(".")
    assert node.owners == ["team:gogobe"]
    assert node.kinds
    assert node.group_name in {"files", "warehouse", "register"}


@pytest.mark.parametrize("name", sorted(ASSETS - REGISTERS))
def test_every_asset_says_where_it_is_kept_and_where_its_code_is(
    definitions: dg.Definitions, name: str
) -> None:
    metadata = definitions.resolve_asset_graph().get(dg.AssetKey(name)).metadata

    assert {"dagster/uri", "dagster/table_name"} & metadata.keys()
    (reference,) = metadata["dagster/code_references"].code_references
    assert reference.file_path.startswith(str(CLONE / "gogobe_dagster" / "defs"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://gogobe:secret@db.example.org:6432/gogobe", "postgresql://db.example.org:6432/gogobe"),
        (
            "postgresql:///gogobe?host=/run/pg&user=gogobe&password=secret",
            "postgresql:///gogobe?host=/run/pg",
        ),
    ],
)
def test_where_a_table_is_kept_never_says_who_logs_in(
    monkeypatch: pytest.MonkeyPatch, url: str, shown: str
) -> None:
    monkeypatch.setenv("GOGOBE_DATABASE_URL", url)

    node = build_definitions().resolve_asset_graph().get(dg.AssetKey("prices"))

    assert node.metadata["dagster/uri"] == shown


def test_a_picture_is_small_enough_to_be_shown_in_the_page() -> None:
    """Dagster hides Markdown of a thousand characters behind a link."""
    numbers = {f"{hour:02}:00": 123_456 * hour for hour in range(24)}

    picture = bar_chart(numbers, "files per hour").value or ""

    assert len(picture) < 1000
    svg = etree.fromstring(b64decode(picture.split("base64,")[1].rstrip(")")))
    (path,) = svg.findall("{http://www.w3.org/2000/svg}path")
    assert str(path.attrib["d"]).count("M") == 23, "a bar for every hour but the empty one"


def test_a_table_asset_grows_old_as_a_whole(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    policies = {name: graph.get(dg.AssetKey(name)).freshness_policy for name in ASSETS}

    assert {name for name, policy in policies.items() if policy} == {"stores", "prices", "promotions"}


@pytest.mark.parametrize(
    ("asset", "column"), [("prices", "price"), ("stores", "city"), ("promotions", "promotion_id")]
)
def test_a_table_asset_describes_every_column(definitions: dg.Definitions, asset: str, column: str) -> None:
    schema = definitions.resolve_asset_graph().get(dg.AssetKey(asset)).metadata["dagster/column_schema"]

    columns = {column.name: column for column in schema.columns}

    assert column in columns
    assert all(column.description for column in columns.values())


def test_columns_have_the_types_that_postgresql_prints(definitions: dg.Definitions) -> None:
    """As `\\d price_current` prints them."""
    graph = definitions.resolve_asset_graph()
    schema = graph.get(dg.AssetKey("prices")).metadata["dagster/column_schema"]

    types = {column.name: column.type for column in schema.columns}

    assert types["store_key"] == "integer"
    assert types["price"].startswith("numeric(")
    assert types["valid_from"] == "timestamp with time zone"


def test_sensors_are_tagged_by_feed_family_and_portal(definitions: dg.Definitions) -> None:
    tags = {sensor.name: sensor.tags for sensor in definitions.sensors or []}

    assert (
        tags["rami_levy_files"].items()
        >= {
            "feed": "rami_levy",
            "family": "cerberus",
            "portal": "url.publishedprices.co.il",
        }.items()
    )


def test_every_feed_has_a_sensor_of_its_own_that_starts_switched_off(definitions: dg.Definitions) -> None:
    sensors = {sensor.name: sensor for sensor in definitions.sensors or []}

    assert set(sensors) == {f"{feed.key}_files" for feed in FEEDS} | {
        "alert_monitor",
        "failed_runs",
        "recovered_runs",
    }
    running = [
        name for name, sensor in sensors.items() if sensor.default_status is dg.DefaultSensorStatus.RUNNING
    ]
    assert running == ["alert_monitor"]


def test_a_sensor_says_of_whom_it_is_and_what_to_expect(definitions: dg.Definitions) -> None:
    described = {sensor.name: sensor.description for sensor in definitions.sensors or []}

    assert described["stop_market_files"] == (
        "Polls the portal of Stop Market (סטופ מרקט) and requests runs for new files. "
        "Portal: url.publishedprices.co.il, family cerberus. "
        "About 11 stores; full files by 05:30."
    )
    assert " No new files on Shabbat and holidays." in (described["netiv_hahesed_files"] or "")


def test_checks_of_all_feeds_hang_on_what_no_import_materializes(definitions: dg.Definitions) -> None:
    """On the tables, every run of the web UI and of a backfill would run them."""
    graph = definitions.resolve_asset_graph()
    of_all_feeds = {key.name for key in graph.asset_check_keys if key.asset_key == dg.AssetKey("feed_health")}

    assert of_all_feeds == {f"{feed.key}_portal_responds" for feed in FEEDS} | set(CHECKS)
    assert not graph.get(dg.AssetKey("feed_health")).is_materializable


def test_steps_that_visit_portals_or_load_tables_stand_in_line(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    pools = {name: graph.get(dg.AssetKey(name)).pools for name in ASSETS}

    assert pools == {
        "discovered": {"portals"},
        "downloaded": {"portals"},
        "parsed": set(),
        "stores": {"warehouse"},
        "prices": {"warehouse"},
        "promotions": {"warehouse"},
        "official_register": set(),
        "official_localities": set(),
    }


def test_a_disabled_feed_is_no_partition_and_is_shown_with_the_reason(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    shown = graph.get(dg.AssetKey("feed_register")).metadata["disabled feeds"].records
    partitions = graph.get(dg.AssetKey("discovered")).partitions_def
    assert isinstance(partitions, dg.MultiPartitionsDefinition)

    grid = set(partitions.get_partitions_def_for_dimension(FEED).get_partition_keys())

    assert {row.data["feed"]: row.data["reason"] for row in shown} == {
        feed.key: feed.reason for feed in DISABLED
    }
    assert grid.isdisjoint(feed.key for feed in DISABLED)


def test_a_retry_of_the_job_runs_all_steps(definitions: dg.Definitions) -> None:
    """Retry from failure silently drops batches that had not started (dagster #20925)."""
    assert definitions.resolve_job_def(IMPORT_JOB).tags["dagster/retry_strategy"] == "ALL_STEPS"


def test_a_cell_of_the_grid_is_named_feed_first() -> None:
    from datetime import date

    key = partition_key(find_feed("rami_levy"), date(2026, 11, 23))

    assert str(key) == "rami_levy|2026-11-23"
    assert key.keys_by_dimension == {FEED: "rami_levy", DAY: "2026-11-23"}
    assert days_by_feed([key]) == {find_feed("rami_levy"): [date(2026, 11, 23)]}


def test_today_in_israel_is_a_partition(definitions: dg.Definitions) -> None:
    from gogobe_dagster import clock

    partitions = definitions.resolve_job_def(IMPORT_JOB).partitions_def
    assert partitions is not None

    today = clock.day_of(clock.now())

    assert partition_key(find_feed("keshet"), today) in partitions.get_partition_keys()


def test_looking_at_the_definitions_imports_no_heavy_library() -> None:
    """Every process of Dagster imports the definitions; 236 MB with pandas, 140 MB without."""
    heavy = "[m for m in ('pandas', 'polars', 'pyarrow', 'numpy') if m in sys.modules]"
    code = f"import sys, gogobe_dagster.definitions; print({heavy})"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from gogobe_dagster.errors import SettingsError

    monkeypatch.setenv("GOGOBE_PARSE_WORKERS", "many")

    with pytest.raises(SettingsError, match="GOGOBE_PARSE_WORKERS='many'"):
        build_definitions()


def test_a_process_of_an_import_works_with_one_thread_of_polars() -> None:
    """Its processes are what works side by side; two threads in each cost a tenth more CPU for nothing."""
    code = "import gogobe_dagster.pipeline, polars; print(polars.thread_pool_size())"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "1"
