"""A past day that a portal no longer shows ends with a reason, never as an empty success."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest

from gogobe_dagster.errors import Code
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.pipeline import not_offered
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

pytestmark = pytest.mark.slow

ASSETS = ("discovered", "downloaded", "parsed", "stores", "prices")


def long_ago() -> date:
    return yesterday() - timedelta(days=9)


def metadata_of(instance: dg.DagsterInstance, asset: str, partition: str) -> dict[str, Any]:
    """The metadata of the newest materialization of a partition."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition])
    (record,) = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def check_passed(instance: dg.DagsterInstance, run_id: str) -> bool:
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    results = [event.get_dagster_event().asset_check_evaluation_data for event in events]
    (passed,) = [result.passed for result in results if result.check_name == "all_days_available"]
    return passed


def test_a_day_that_is_not_offered_and_a_day_without_files_do_not_look_the_same(
    import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cerberus shows only what it has now; Bina can be asked for any day."""
    import_env.publish("keshet", "king_store", stores=1, items=30)
    lost, empty, offered = f"keshet|{long_ago()}", f"king_store|{long_ago()}", f"keshet|{yesterday()}"
    feeds = ["--feed", "keshet", "--feed", "king_store"]
    days = ["--day", str(long_ago()), "--day", str(yesterday())]

    ended = import_env.run("gogobe", "import", *feeds, *days, check=False)

    assert ended.returncode == 1
    assert ended.stderr == f"keshet {long_ago()}: past_day_not_offered: the portal lists only today's files\n"
    assert "4 runs succeeded" in ended.stdout

    for name, value in import_env.environment.items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.get() as instance:
        runs = {run.tags["dagster/partition"]: run for run in instance.get_runs()}
        assert {run.status for run in runs.values()} == {dg.DagsterRunStatus.SUCCESS}
        for asset in ASSETS:
            metadata = {
                partition: metadata_of(instance, asset, partition) for partition in (lost, empty, offered)
            }
            assert metadata[lost]["code"] == Code.PAST_DAY_NOT_OFFERED
            assert "lists only today's files" in metadata[lost]["note"]
            assert "lists no files" in metadata[empty]["note"]
            assert "code" not in metadata[empty] | metadata[offered]
        assert [check_passed(instance, runs[partition].run_id) for partition in (lost, empty, offered)] == [
            False,
            True,
            True,
        ]


def test_a_past_day_of_which_the_ledger_has_files_is_known(import_env: ImportEnv) -> None:
    from gogobe_dagster.pipeline import discover

    import_env.publish("keshet", stores=1, items=30)
    keshet, days = find_feed("keshet"), [long_ago(), yesterday()]
    assert not_offered(keshet, days, import_env.resources) == days

    discover(keshet, days, import_env.resources)

    assert not_offered(keshet, days, import_env.resources) == [long_ago()]
    assert not_offered(find_feed("king_store"), days, import_env.resources) == []
