"""What a run shows when files did not come through: a red partition, and how to get from it to the reason."""

import logging
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from gogobe_dagster.definitions import build_definitions
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

pytestmark = pytest.mark.slow

IMPORTED = ("discovered", "downloaded", "parsed", "stores", "prices", "promotions")


def partition() -> str:
    return f"keshet|{yesterday()}"


def colors(instance: dg.DagsterInstance) -> Mapping[str, str]:
    """How the web UI shows the partition of each asset: failed before materialized, as its query does."""
    graph = build_definitions().resolve_asset_graph()
    shown = dict[str, str]()
    for asset in IMPORTED:
        key = dg.AssetKey(asset)
        partitions = graph.get(key).partitions_def
        assert partitions
        status = get_and_update_asset_status_cache_value(instance, key, partitions)
        assert status
        failed = partition() in status.deserialize_failed_partition_subsets(partitions)
        made = partition() in status.deserialize_materialized_partition_subsets(partitions)
        shown[asset] = "red" if failed else "green" if made else "missing"
    return shown


def file_rows(instance: dg.DagsterInstance, asset: str) -> list[Mapping[str, Any]]:
    """The table of files in the metadata of the partition."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition()])
    (record,) = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization
    table = record.asset_materialization.metadata["all files"]
    assert isinstance(table, dg.TableMetadataValue)
    return [row.data for row in table.records]


def warnings(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    entries = instance.all_logs(run.run_id)
    return [entry.user_message for entry in entries if entry.level == logging.WARNING and entry.step_key]


def failures(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, str]:
    """What each failed step says, by its name."""
    events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    failed = [event.get_dagster_event() for event in events]
    return {
        str(event.step_key): str(event.step_failure_data.user_failure_data.description)
        for event in failed
        if event.step_failure_data.user_failure_data
    }


def evaluations(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, tuple[str | None, str | None]]:
    """Partition and description of each check of the run."""
    events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [event.get_dagster_event().asset_check_evaluation_data for event in events]
    return {
        f"{check.asset_key.to_user_string()} {check.check_name}": (check.partition, check.description)
        for check in found
    }


def test_a_partition_that_lost_files_is_red_and_the_rest_of_it_is_in_the_tables(
    import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in import_env.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GOGOBE_MIN_FILES_PERCENT", "100")
    import_env.publish("keshet", stores=2)
    import_env.replica.faults.switch_on("missing_file", feed="keshet", names="PriceFull*")

    import_env.run("python", "-m", "gogobe_dagster_tests.defs.small_run", partition())

    states = import_env.states("keshet")
    lost = sorted(name for name in states if name.startswith("PriceFull"))
    kept = states.keys() - set(lost)
    files = f"{len(lost)} of {len(states)} files"
    assert {states[name] for name in kept} == {"loaded"}, "what came through is loaded"
    assert len(lost) == 2, "of two stores; how many deltas they have is another number every day"
    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.FAILURE
        assert run.tags["gogobe/quarantined"] == "2"
        assert run.tags["gogobe/codes"] == "not_found 2"
        assert colors(instance) == {
            "discovered": "green",
            "downloaded": "red",
            "parsed": "red",
            "stores": "green",
            "prices": "red",
            "promotions": "green",
        }
        said = failures(instance, run)
        assert said.keys() == {"downloaded", "parsed.collect_batches", "prices"}
        assert f"keshet {yesterday()}: {files} were not downloaded (not_found 2)" in said["downloaded"]
        assert f"`gogobe retry --feed keshet --day {yesterday()}`" in said["downloaded"]
        assert [line.split(": ")[0] for line in sorted(warnings(instance, run))] == lost, "each file once"
        reasons = {row["file"]: row["reason"] for row in file_rows(instance, "downloaded") if row["code"]}
        assert sorted(reasons) == lost
        assert all("404" in reason for reason in reasons.values())
        checks = evaluations(instance, run)
        assert checks["downloaded all_files_downloaded"] == (
            partition(),
            f"keshet {yesterday()}: {files} failed (not_found 2)",
        )
        assert checks["stores all_files_loaded"] == (partition(), f"keshet {yesterday()}: all 1 files")
