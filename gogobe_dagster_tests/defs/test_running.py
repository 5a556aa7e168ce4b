"""The real daemon and web server, started by `dagster dev`: what sensors bring about."""

from dataclasses import replace
from functools import partial

import pytest

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster_tests.alert_receiver import alert_receiver
from gogobe_dagster_tests.dagster_services import (
    launch,
    served_as_documented,
    statuses,
    switch_on,
)
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow


def number_of_prices(env: ImportEnv) -> int:
    (row,) = env.query("select count(*) from price_current")
    return int(row[0])


def with_alerts(env: ImportEnv, alert_url: str) -> ImportEnv:
    changes = {"alert_url": alert_url, "alert_after_failures": 1}
    return replace(env, settings=env.settings.model_copy(update=changes))


def red_checks(env: ImportEnv) -> list[str]:
    """The portal checks whose last evaluation failed."""
    query = """select check_name from asset_check_executions
        where check_name like '%_portal_responds' and execution_status = 'FAILED'"""
    return [str(name) for (name,) in env.query_dagster(query)]


def steps_shared_a_process(env: ImportEnv) -> bool:
    """Whether every run's log has it; the other executor's log mentions a parent process."""
    query = """select bool_and(text like '%Executing steps in process%') from
        (select string_agg(event, ' ') as text
        from event_logs join runs using (run_id) group by run_id) as of_a_run"""
    ((shared,),) = env.query_dagster(query)
    return bool(shared)


@pytest.mark.timeout(1800)
def test_a_new_file_on_the_portal_reaches_the_tables_without_a_hand(import_env: ImportEnv) -> None:
    """Sensor, daemon, run queue, run worker, steps: all real. A failing portal leaves the other alone."""
    import_env.replica.faults.switch_on("portal_down", feed="king_store")
    titles = "gogobe: 1 new problem", f"gogobe: king_store|{yesterday()} failed"
    wait = partial(wait_for_progress, progress=import_env.progress)
    with (
        alert_receiver() as inbox,
        served_as_documented(with_alerts(import_env, inbox.url), "dagster dev") as url,
    ):
        switch_on(url, "king_store_files")
        switch_on(url, "keshet_files")
        market = import_env.publish("keshet")
        truth = published_prices(market, find_feed("keshet"), now=midnight(), first_day=yesterday())
        wait(lambda: number_of_prices(import_env) == len(truth), what="prices in the tables")
        wait(lambda: "SUCCESS" in statuses(url).values(), what="a successful run")
        assert list(statuses(url).values()) == ["SUCCESS"], "many ticks, one run"
        assert steps_shared_a_process(import_env), "a run of few files has no processes for its steps"
        launch(url, f"king_store|{yesterday()}", run_config=IN_PROCESS)
        wait(lambda: set(inbox.titles) >= set(titles), what="both alerts")
        assert sorted(inbox.titles) == sorted(titles), "each once"
        assert red_checks(import_env) == ["king_store_portal_responds"]
    codes = {row.feed: row.listing_code for row in import_env.resources.ledger.feed_health()}
    assert codes["king_store"] == "portal_unavailable"
