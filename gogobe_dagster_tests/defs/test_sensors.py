"""What a tick of a feed's sensor does, against real portals and databases; the daemon is in test_running."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import dagster as dg
import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.defs.assets import LISTED_BY_SENSOR
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.sensors import evaluate_sensor
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.listing_status import last_listings
from gogobe_dagster.warehouse.ledger.portal_pause import end_pauses, record_refusal
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.portals.servers import Script, drip, says_raw, scripted, stay_silent

pytestmark = pytest.mark.slow
TICK_SECONDS = 60
"""After so long Dagster gives up on a tick."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def tick(
    feed: str, resources: Resources, instance: dg.DagsterInstance, cursor: str | None = None
) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    with as_failure(feed):
        return evaluate_sensor(find_feed(feed), context, resources)


def test_a_double_tick_asks_for_the_same_run_which_says_why(
    import_env: ImportEnv, instance: dg.DagsterInstance
) -> None:
    import_env.publish("keshet")

    first, second = (tick("keshet", import_env.resources, instance) for _ in range(2))

    (run,), (again,) = first.run_requests or [], second.run_requests or []
    assert run.run_key == again.run_key
    assert run.partition_key == f"keshet|{yesterday()}"
    assert run.tags["gogobe/reason"].endswith("full files wait")
    assert int(run.tags["gogobe/files"]) > 4
    assert run.run_config["ops"] == LISTED_BY_SENSOR["ops"]


def test_a_preview_lists_the_portal_and_records_nothing(
    import_env: ImportEnv, instance: dg.DagsterInstance
) -> None:
    """Names without a tick: as Dagster builds the context when the web UI tests a sensor."""
    import_env.publish("keshet")
    preview = dg.build_sensor_context(instance, repository_name="repository", sensor_name="keshet_files")

    result = evaluate_sensor(find_feed("keshet"), preview, import_env.resources)

    assert "files listed; a preview records none of them" in str(result.skip_reason)
    assert last_listings(import_env.resources.engine) == {}
    assert import_env.query("select count(*) from file") == [(0,)]
    import_env.replica.faults.switch_on("portal_down", feed="keshet")
    with pytest.raises(PortalError):
        evaluate_sensor(find_feed("keshet"), preview, import_env.resources)
    assert last_listings(import_env.resources.engine) == {}


def test_a_run_of_few_files_does_without_processes_for_its_steps(
    import_env: ImportEnv, instance: dg.DagsterInstance
) -> None:
    import_env.publish("keshet")
    (run,) = tick("keshet", import_env.resources, instance).run_requests or []
    files = int(run.tags["gogobe/files"])

    def config(in_process_max_files: int) -> Mapping[str, Any]:
        settings = import_env.settings.model_copy(update={"in_process_max_files": in_process_max_files})
        with closing(Resources(settings)) as resources:
            (asked,) = tick("keshet", resources, instance).run_requests or []
            return asked.run_config

    assert config(files) == {"execution": {"config": {"in_process": {}}}, **LISTED_BY_SENSOR}
    assert config(files - 1) == LISTED_BY_SENSOR


def test_a_run_that_ends_during_a_tick_is_not_followed_by_another(
    import_env: ImportEnv, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_env.publish("keshet")
    get_runs = instance.get_runs

    def get_runs_after_the_end(*arguments: Any, **options: Any) -> Any:
        import_env.import_partitions(f"keshet|{yesterday()}")
        return get_runs(*arguments, **options)

    monkeypatch.setattr(instance, "get_runs", get_runs_after_the_end)

    assert not tick("keshet", import_env.resources, instance).run_requests


def test_a_tick_with_nothing_to_do_says_why(import_env: ImportEnv, instance: dg.DagsterInstance) -> None:
    import_env.publish("keshet")
    import_env.import_partitions(f"keshet|{yesterday()}")

    result = tick("keshet", import_env.resources, instance)

    assert not result.run_requests
    assert result.skip_reason is not None
    assert "files listed, 0 new; nothing is pending" in str(result.skip_reason.skip_message)


def test_quiet_hours_leave_the_portal_alone(import_env: ImportEnv, instance: dg.DagsterInstance) -> None:
    night = datetime(2026, 11, 23, 3, 0, tzinfo=ISRAEL)
    settings = import_env.settings.model_copy(update={"quiet_hours": "00:30-05:30"})
    with closing(Resources(settings, clock=lambda: night)) as resources:
        result = tick("keshet", resources, instance)

        assert "quiet hours until 05:30" in str(result.skip_reason)
        assert last_listings(resources.engine) == {}


def test_an_empty_list_is_a_failure_by_day_and_as_usual_after_midnight(
    import_env: ImportEnv, instance: dg.DagsterInstance
) -> None:
    def tick_at(hour: int) -> dg.SensorResult:
        now = datetime(2026, 11, 25, hour, 5, tzinfo=ISRAEL)
        with closing(Resources(import_env.settings, clock=lambda: now)) as resources:
            return tick("keshet", resources, instance)

    assert "the listing is empty, as usual when the new day has no files yet" in str(tick_at(0).skip_reason)
    with pytest.raises(dg.Failure, match="keshet: listing_empty_unexpected"):
        tick_at(12)


@pytest.mark.parametrize(
    "script", [stay_silent, says_raw(b"HTTP/1.1 200 ", then=drip)], ids=["silent", "drips"]
)
def test_a_portal_that_never_answers_is_a_coded_failure_in_time(
    import_env: ImportEnv, instance: dg.DagsterInstance, script: Script
) -> None:
    with scripted(script) as server:
        settings = import_env.settings.model_copy(
            update={"replica_url": server.url, "poll_timeout_seconds": 1}
        )
        started = monotonic()
        with closing(Resources(settings)) as resources:
            with pytest.raises(dg.Failure, match="keshet: connection_lost: "):
                tick("keshet", resources, instance)

            assert monotonic() - started < TICK_SECONDS
            assert last_listings(resources.engine)["keshet"].code == "connection_lost"


def test_a_list_that_takes_too_long_is_left_to_a_run(
    import_env: ImportEnv, instance: dg.DagsterInstance
) -> None:
    """Shufersal lists 20 rows per page, and a page takes 8 to 30 seconds (docs/portals.md, Shufersal)."""
    import_env.publish("shufersal", stores=30)
    import_env.replica.faults.switch_on("slow_page", feed="shufersal", seconds=4)
    # enough for the first page on a busy machine, and never for two
    settings = import_env.settings.model_copy(update={"poll_timeout_seconds": 7})
    times = [datetime(2026, 11, 23, 12, tzinfo=ISRAEL)]
    with closing(Resources(settings, clock=lambda: times[-1])) as resources:
        first = tick("shufersal", resources, instance)
        import_env.replica.faults.switch_off("slow_page", feed="shufersal")
        import_env.replica.faults.switch_on("portal_down", feed="shufersal")
        second = tick("shufersal", resources, instance, first.cursor)

        (run,), (again,) = first.run_requests or [], second.run_requests or []
        assert "pages in 7 seconds, and there are more" in run.tags["gogobe/reason"]
        assert "ops" not in run.run_config, "the run lists the portal itself"
        assert again.run_key == run.run_key
        times.append(times[-1] + timedelta(hours=7))
        with pytest.raises(dg.Failure, match="portal_unavailable"):
            tick("shufersal", resources, instance, first.cursor)


def test_no_run_is_requested_for_a_portal_that_is_left_alone(
    import_env: ImportEnv, instance: dg.DagsterInstance
) -> None:
    import_env.publish("keshet")
    resources = import_env.resources
    refusal = PortalError(Code.RATE_LIMITED, "status 429", retry_after=timedelta(minutes=30))
    at = resources.portal_account(find_feed("keshet"))
    tick("keshet", resources, instance)
    record_refusal(resources.engine, at, refusal, now=resources.clock())

    result = tick("keshet", resources, instance)

    assert not result.run_requests
    assert "rate_limited: left alone until" in str(result.skip_reason)
    end_pauses(resources.engine, at)
    assert tick("keshet", resources, instance).run_requests
