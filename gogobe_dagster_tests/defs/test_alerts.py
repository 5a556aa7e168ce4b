"""The alert monitor on a real instance: one alert when a check fails, one when it recovers."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.defs.alerts import evaluate, failure_alert, failure_reason, recovery_alert
from gogobe_dagster.defs.checks import DATA_QUALITY, FEED_HEALTH, data_quality_result
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.monitoring.data_quality import Finding, Verdict
from gogobe_dagster.monitoring.watches import add_watch
from gogobe_dagster.resources import Resources
from gogobe_dagster_tests.alert_receiver import alert_receiver
from gogobe_dagster_tests.import_env import ImportEnv
from gogobe_dagster_tests.warehouse.warehouse_harness import MILK, Market, PriceFile

pytestmark = pytest.mark.slow

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ISRAEL)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_a_preview_sends_no_watched_price_and_forgets_none(
    import_env: ImportEnv, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    market = Market.at(import_env.resources.engine, tmp_path)
    market.open(PriceFile(6, {MILK: "7"}, is_full=True))
    add_watch(market.engine, MILK, None, now=NOON)
    market.open(PriceFile(8, {MILK: "9"}))
    with alert_receiver() as inbox:
        settings = import_env.settings.model_copy(update={"alert_url": inbox.url})
        with closing(Resources(settings)) as resources:
            preview = dg.build_sensor_context(
                instance, repository_name="repository", sensor_name="alert_monitor"
            )
            evaluate(preview, resources)
            assert inbox.titles == []
            evaluate(dg.build_sensor_context(instance=instance), resources)
        assert inbox.titles == ["gogobe: 1 watched price changed"]


def test_a_portal_that_fails_three_times_turns_red_and_is_told_once(
    import_env: ImportEnv, instance: dg.DagsterInstance
) -> None:
    cursor: str | None = None
    seen: list[list[bool]] = []
    with alert_receiver() as inbox:
        settings = import_env.settings.model_copy(update={"alert_url": inbox.url})
        with closing(Resources(settings)) as resources:

            def check_alerts() -> None:
                nonlocal cursor
                context = dg.build_sensor_context(instance=instance, cursor=cursor)
                with as_failure("alert_monitor"):
                    result = evaluate(context, resources)
                cursor = result.cursor
                seen.append([event.passed for event in result.asset_events])  # type: ignore[union-attr]

            for minutes in (0, 5, 10, 15):
                error = PortalError(Code.AUTH_FAILED, "wrong password")
                resources.ledger.record_failure("keshet", error, now=NOON + timedelta(minutes=minutes))
                check_alerts()
                check_alerts()
            resources.ledger.record("keshet", [], now=NOON + timedelta(hours=1))
            check_alerts()
            check_alerts()

        red, green = [False], [True]
        assert seen == [[], [], [], [], red, [], [], [], green, []]
        assert inbox.titles == ["gogobe: 1 new problem", "gogobe: 1 problem solved"]
        assert inbox.alerts[0]["message"] == "Keshet Teamim: auth_failed: wrong password"


def test_an_alert_that_nobody_takes_is_sent_again_by_the_next_look(
    import_env: ImportEnv, instance: dg.DagsterInstance
) -> None:
    import_env.resources.ledger.record_failure("keshet", PortalError(Code.DNS_DEAD, "gone"), now=NOON)
    with alert_receiver() as inbox:
        inbox.refuses = True
        changes = {"alert_url": inbox.url, "alert_after_failures": 1}
        with closing(Resources(import_env.settings.model_copy(update=changes))) as resources:
            context = dg.build_sensor_context(instance=instance)
            with pytest.raises(dg.Failure, match="could not be delivered"), as_failure("alert_monitor"):
                evaluate(context, resources)
            inbox.refuses = False

            evaluate(context, resources)

        assert inbox.titles == ["gogobe: 1 new problem"]


def report(instance: dg.DagsterInstance, *late: str) -> None:
    """Report a freshness check that finds these feeds late."""
    (spec,) = (spec for spec in DATA_QUALITY if spec.name == "all_feeds_fresh")
    findings = [
        Finding(subject=feed.title(), observed="old", expected="within 36 hours", feed=feed) for feed in late
    ]
    result = data_quality_result(spec, Verdict(summary="late", findings=findings))
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=FEED_HEALTH.key,
            check_name=spec.name,
            passed=result.passed,
            metadata=result.metadata,
            description=result.description,
        )
    )


def test_each_feed_that_a_check_finds_late_is_told_once_also_the_second_one(
    import_env: ImportEnv, instance: dg.DagsterInstance
) -> None:
    cursor: str | None = None
    with alert_receiver() as inbox:
        settings = import_env.settings.model_copy(update={"alert_url": inbox.url})
        with closing(Resources(settings)) as resources:
            for late in ((), ("keshet",), ("keshet",), ("keshet", "wolt"), ("wolt",), ()):
                report(instance, *late)
                context = dg.build_sensor_context(instance=instance, cursor=cursor)
                cursor = evaluate(context, resources).cursor

    keshet, wolt = (f"all_feeds_fresh: {name}: old, within 36 hours" for name in ("Keshet", "Wolt"))
    assert [(alert["title"], alert["message"]) for alert in inbox.alerts] == [
        ("gogobe: 1 new problem", keshet),
        ("gogobe: 1 new problem", wolt),
        ("gogobe: 1 problem solved", keshet),
        ("gogobe: 1 problem solved", wolt),
    ]


def test_the_reason_of_a_failed_run_is_what_its_first_failed_step_says(instance: dg.DagsterInstance) -> None:
    @dg.op
    def lose_files() -> None:
        raise dg.Failure("keshet 2026-11-29: 2 of 7 files were not downloaded (not_found 2)")

    @dg.job
    def import_feed() -> None:
        lose_files()

    result = import_feed.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
    ).for_run_failure()

    assert failure_reason(context) == "keshet 2026-11-29: 2 of 7 files were not downloaded (not_found 2)"


def test_runs_that_fail_one_after_another_are_told_once_and_so_is_the_recovery(
    instance: dg.DagsterInstance,
) -> None:
    @dg.job
    def import_feed() -> None:
        """Nothing to do."""

    def ended(status: dg.DagsterRunStatus, feed: str = "keshet") -> dg.DagsterRun:
        tags = {"dagster/partition/feed": feed, "dagster/partition": f"{feed}|2026-11-23"}
        return instance.create_run_for_job(import_feed, status=status, tags=tags)

    bad, good = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS
    first, other, second = ended(bad), ended(good, "rami_levy"), ended(bad)
    well, still = ended(good), ended(good)

    alert = failure_alert(instance, first, "a step failed")
    assert alert is not None
    assert alert.title == "gogobe: keshet|2026-11-23 failed"
    assert alert.body == f"run {first.run_id}: a step failed"
    linked = failure_alert(instance, first, "a step failed", ui_url="https://prices.example/")
    assert linked is not None
    assert linked.body == f"https://prices.example/runs/{first.run_id}: a step failed"
    assert failure_alert(instance, second, "again") is None
    recovered = recovery_alert(instance, well)
    assert recovered is not None
    assert recovered.title == "gogobe: keshet|2026-11-23 works again"
    assert recovery_alert(instance, still) is None
    assert recovery_alert(instance, other) is None
