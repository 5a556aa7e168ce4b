"""Partial runs take what was asked, leave the rest pending, and say so; a full run takes the rest."""

import json
from typing import Any

import dagster as dg
import pytest

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.files.names import FileName
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import import_all

pytestmark = pytest.mark.slow


def partition() -> str:
    return f"keshet|{yesterday()}"


def launch_command() -> tuple[str, ...]:
    return "dg", "launch", "--job", "import_feed", "--partition", partition()


def import_command() -> tuple[str, ...]:
    return "gogobe", "import", "--feed", "keshet", "--day", str(yesterday())


def names_in_state(env: ImportEnv, state: str) -> set[str]:
    return {name for name, found in env.states("keshet").items() if found == state}


def names_of(env: ImportEnv, kind: FileKind, store_id: int) -> set[str]:
    names = {file.name: FileName.parse(file.name) for file in env.replica.publications("keshet").all()}
    return {name for name, parsed in names.items() if (parsed.kind, parsed.store_id) == (kind, store_id)}


def materialized(instance: dg.DagsterInstance, asset: str) -> dict[str, Any]:
    """The metadata of the partition's newest materialization."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition()])
    (record,) = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def checks_of_last_run(instance: dg.DagsterInstance) -> dict[str, tuple[bool, str]]:
    """Outcome and description of each check, by asset and name."""
    (run,) = instance.get_runs(limit=1)
    assert run.status is dg.DagsterRunStatus.SUCCESS
    events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    results = [event.get_dagster_event().asset_check_evaluation_data for event in events]
    return {
        f"{result.asset_key.to_user_string()} {result.check_name}": (result.passed, result.description or "")
        for result in results
    }


def assert_complete(env: ImportEnv, market: SyntheticMarket) -> None:
    """The tables are as if there had been one run."""
    truth = published_prices(market, find_feed("keshet"), now=midnight(), first_day=yesterday())
    assert env.prices("keshet") == {tuple(key): priced.price for key, priced in truth.items()}
    assert set(env.states("keshet").values()) == {"loaded"}


@pytest.fixture
def market(import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch) -> SyntheticMarket:
    """What Keshet's stores sell, published; this process talks to the environment's Dagster."""
    for name, value in import_env.environment.items():
        monkeypatch.setenv(name, value)
    return import_env.publish("keshet", stores=2)


def test_the_command_takes_the_newest_prices_of_one_store(
    import_env: ImportEnv, market: SyntheticMarket
) -> None:
    store_id = market.stores(find_feed("keshet"))[0].store_id
    deltas = names_of(import_env, FileKind.PRICES, store_id)
    fulls = names_of(import_env, FileKind.FULL_PRICES, store_id)
    assert len(deltas) > 1

    options = ["--kind", "prices", "--kind", "prices-full", "--store", str(store_id), "--newest"]
    ended = import_env.run(*import_command(), *options)

    assert names_in_state(import_env, "loaded") == {max(deltas), max(fulls)}
    pending = names_in_state(import_env, "discovered")
    published = {file.name for file in import_env.replica.publications("keshet").all()}
    assert pending == published - {max(deltas), max(fulls)}
    assert f"2 files selected, {len(pending)} others stay pending" in ended.stdout
    with dg.DagsterInstance.get() as instance:
        for asset in ("discovered", "downloaded", "parsed", "prices"):
            metadata = materialized(instance, asset)
            assert metadata["partial run"] == f"only kinds prices-full, prices; stores {store_id}; newest"
        assert materialized(instance, "downloaded")["files left out"] == len(pending)
        checks = checks_of_last_run(instance)
        for check in ("downloaded all_files_downloaded", "prices all_files_loaded"):
            passed, description = checks[check]
            assert not passed
            assert f"keshet {yesterday()}: the run was partial and left out" in description
            assert "failed" not in description

    import_env.run(*import_command())

    assert_complete(import_env, market)
    with dg.DagsterInstance.get() as instance:
        assert all(passed for passed, _ in checks_of_last_run(instance).values())
        assert "partial run" not in materialized(instance, "prices")


def test_the_configuration_of_the_job_limits_a_run(import_env: ImportEnv, market: SyntheticMarket) -> None:
    config = {"resources": {"selection": {"config": {"limit": 3, "kinds": ["stores", "prices-full"]}}}}

    import_env.run(*launch_command(), "--config-json", json.dumps(IN_PROCESS | config))

    states = import_env.states("keshet")
    kinds = [FileName.parse(name).kind for name, state in states.items() if state == "loaded"]
    assert sorted(filter(None, kinds)) == [FileKind.FULL_PRICES, FileKind.FULL_PRICES, FileKind.STORES]
    assert set(states.values()) == {"loaded", "discovered"}
    with dg.DagsterInstance.get() as instance:
        passed, description = checks_of_last_run(instance)["prices all_files_loaded"]
        assert not passed
        assert f"keshet {yesterday()}: the run was partial and left out" in description
    import_all(import_env, "keshet")
    assert_complete(import_env, market)


def test_a_kind_that_does_not_exist_is_refused_before_the_run(import_env: ImportEnv) -> None:
    config = {"resources": {"selection": {"config": {"kinds": ["price"]}}}}

    ended = import_env.run(*launch_command(), "--config-json", json.dumps(config), check=False)

    assert ended.returncode != 0
    assert "selection:config:kinds[0] not in enum type FileKind got price" in ended.stdout + ended.stderr
    assert import_env.query("select count(*) from file") == [(0,)]
