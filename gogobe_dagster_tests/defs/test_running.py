"""The real daemon and web server, started by `dagster dev`: what sensors bring about."""

from dataclasses import replace

import psycopg
import pytest

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster_tests.dagster_services import (
    launch,
    served_as_documented,
    statuses,
    switch_on,
    wait_until,
)
from gogobe_dagster_tests.import_env import MIDNIGHT, YESTERDAY, ImportEnv
from gogobe_dagster_tests.receiver import receiver

pytestmark = pytest.mark.slow


def number_of_prices(env: ImportEnv) -> int:
    (row,) = env.query("select count(*) from price_current")
    return int(row[0])


def telling(env: ImportEnv, alert_url: str) -> ImportEnv:
    changes = {"alert_url": alert_url, "alert_after_failures": 1}
    return replace(env, settings=env.settings.model_copy(update=changes))


def red_checks(env: ImportEnv) -> list[str]:
    """The portal checks whose last evaluation failed."""
    query = """select check_name from asset_check_executions
        where check_name like '%_portal_responds' and execution_status = 'FAILED'"""
    with psycopg.connect(env.settings.dagster_database_url) as connection:
        return [str(name) for (name,) in connection.execute(query).fetchall()]


def steps_shared_a_process(env: ImportEnv) -> bool:
    """Whether every run's log says so; the other executor's log speaks of a parent process."""
    query = """select bool_and(text like '%Executing steps in process%') from
        (select string_agg(event, ' ') as text
        from event_logs join runs using (run_id) group by run_id) as of_a_run"""
    with psycopg.connect(env.settings.dagster_database_url.replace("+psycopg2", "")) as connection:
        row = connection.execute(query).fetchone()
    return bool(row and row[0])


@pytest.mark.timeout(500)
def test_a_new_file_on_the_portal_reaches_the_tables_without_a_hand(import_env: ImportEnv) -> None:
    """Sensor, daemon, run queue, run worker, steps: all real. A failing portal leaves the other alone."""
    import_env.replica.faults.switch_on("portal_down", feed="osher_ad")
    told = "gogobe: 1 new problem", f"gogobe: osher_ad|{YESTERDAY} failed"
    with receiver() as inbox, served_as_documented(telling(import_env, inbox.url), "dagster dev") as url:
        switch_on(url, "osher_ad_files")
        switch_on(url, "keshet_files")
        market = import_env.publish("keshet")
        truth = published_prices(market, find_feed("keshet"), now=MIDNIGHT, first_day=YESTERDAY)
        wait_until(
            lambda: number_of_prices(import_env) == len(truth), seconds=180, what="prices in the tables"
        )
        wait_until(lambda: "SUCCESS" in statuses(url).values(), seconds=60, what="a successful run")
        assert list(statuses(url).values()) == ["SUCCESS"], "many ticks, one run"
        assert steps_shared_a_process(import_env), "a run of few files has no processes for its steps"
        launch(url, f"osher_ad|{YESTERDAY}", run_config=IN_PROCESS)
        wait_until(lambda: set(inbox.titles) >= set(told), seconds=120, what="both alerts")
        assert sorted(inbox.titles) == sorted(told), "each once"
        assert red_checks(import_env) == ["osher_ad_portal_responds"]
    codes = {row.feed: row.listing_code for row in import_env.resources.ledger.feed_health()}
    assert codes["osher_ad"] == "http_error"
