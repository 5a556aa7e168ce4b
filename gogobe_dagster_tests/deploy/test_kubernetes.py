"""Runs in pods: what the launcher makes of the values for Dagster's chart, without a cluster."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._serdes import ConfigurableClassData
from dagster_k8s import K8sRunLauncher, construct_dagster_k8s_job
from dagster_k8s.container_context import K8sContainerContext

from gogobe_dagster.dagster_runtime.compute_logs import ChosenComputeLogs, DatabaseComputeLogs
from gogobe_dagster.dagster_runtime.launchers import ChosenLauncher
from gogobe_dagster.errors import SettingsError
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.commands.run import run_gogobe

CLONE = Path(__file__).parents[2]
VALUES = yaml.safe_load((CLONE / "deploy" / "kubernetes" / "values.yaml").read_text())
SETTINGS = yaml.safe_load((CLONE / "deploy" / "kubernetes" / "settings.yaml").read_text())
CHART_WRITES = {"instance_class", "storage", "compute_logs", "run_launcher", "telemetry"}
"""Parts of dagster.yaml that the chart always writes itself."""
CHOSEN = ConfigurableClassData("gogobe_dagster.dagster_runtime.launchers", "ChosenLauncher", "{}")
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "none",
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "users": [{"name": "none", "user": {}}],
}
REQUIRED = {
    "service_account_name": "dagster",
    "instance_config_map": "dagster-instance",
    "dagster_home": "/opt",
}


def in_snake_case(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write names as the chart's template does; below them are Kubernetes' own, which stay."""
    return {re.sub("([A-Z0-9]+)", r"_\1", name).lower(): value for name, value in values.items()}


def config(folder: Path) -> dict[str, Any]:
    """What the chart makes of the values for the launcher, for a cluster that is reached from outside."""
    given = in_snake_case(VALUES["runLauncher"]["config"]["k8sRunLauncher"])
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(KUBECONFIG))
    names = {part: [entry["name"] for entry in given[part]] for part in ("env_config_maps", "env_secrets")}
    run_config = in_snake_case(given.pop("run_k8s_config"))
    return given | {
        **names,
        "run_k8s_config": {
            part: {re.sub("([A-Z])", r"_\1", name).lower(): value for name, value in fields.items()}
            for part, fields in run_config.items()
        },
        "load_incluster_config": False,
        "kubeconfig_file": str(kubeconfig),
        "job_image": "gogobe:0.1.0",
        "dagster_home": "/opt/dagster/dagster_home",
        "instance_config_map": "dagster-instance",
        "service_account_name": "dagster",
        "postgres_password_secret": "dagster-postgresql-secret",
    }


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[K8sRunLauncher]:
    file = tmp_path / "launcher.yaml"
    file.write_text(yaml.safe_dump(config(tmp_path)))
    monkeypatch.setenv("GOGOBE_LAUNCHER", "k8s")
    monkeypatch.setenv("GOGOBE_K8S_CONFIG", str(file))
    launcher = ChosenLauncher.from_config_value(CHOSEN, {})
    assert isinstance(launcher, K8sRunLauncher)
    yield launcher
    launcher.dispose()


def job_of(launcher: K8sRunLauncher) -> dict[str, Any]:
    """The job that Kubernetes would be asked for."""
    run = dg.DagsterRun(job_name="import_feeds", run_id="a-run")
    context = K8sContainerContext.create_for_run(run, launcher, include_run_tags=True)
    job = construct_dagster_k8s_job(
        context.get_k8s_job_config("gogobe:0.1.0", launcher),
        args=["dagster", "api", "execute_run"],
        job_name="dagster-run-a-run",
        user_defined_k8s_config=context.run_k8s_config,
    )
    made: dict[str, Any] = job.to_dict()
    return made


def test_a_run_is_a_pod_that_may_next_to_nothing(launcher: K8sRunLauncher) -> None:
    job = job_of(launcher)
    pod = job["spec"]["template"]["spec"]
    [container] = pod["containers"]

    assert (container["image"], container["args"][0], container["command"]) == (
        "gogobe:0.1.0",
        "dagster",
        None,
    )
    security = container["security_context"]
    assert security["read_only_root_filesystem"] is True
    assert security["run_as_non_root"] is True
    assert security["allow_privilege_escalation"] is False
    assert security["capabilities"]["drop"] == ["ALL"]
    assert {"name": "work", "mount_path": "/tmp"}.items() <= container["volume_mounts"][-1].items()  # noqa: S108
    assert container["resources"]["limits"] == {"memory": "2Gi"}
    assert (pod["restart_policy"], pod["termination_grace_period_seconds"]) == ("Never", 60)
    assert (job["spec"]["ttl_seconds_after_finished"], job["spec"]["backoff_limit"]) == (3600, 0)


def test_a_run_has_the_settings_and_secrets_of_all_pods(launcher: K8sRunLauncher) -> None:
    [container] = job_of(launcher)["spec"]["template"]["spec"]["containers"]
    sources = container["env_from"]

    assert [source["config_map_ref"]["name"] for source in sources if source["config_map_ref"]] == [
        SETTINGS["metadata"]["name"]
    ]
    assert [source["secret_ref"]["name"] for source in sources if source["secret_ref"]] == ["gogobe-secrets"]


def test_the_chart_gets_every_part_of_our_configuration_unchanged() -> None:
    ours = yaml.safe_load((CLONE / "dagster.yaml").read_text())

    assert VALUES["additionalInstanceConfig"] == {
        name: part for name, part in ours.items() if name not in CHART_WRITES
    }
    logs = VALUES["computeLogManager"]["config"]["customComputeLogManager"]
    assert logs == ours["compute_logs"]
    assert VALUES["telemetry"] == ours["telemetry"]


def test_settings_of_pods_exist_and_name_every_variable_of_the_configuration() -> None:
    data = SETTINGS["data"]
    fields = {f"GOGOBE_{name.upper()}" for name in Settings.model_fields}
    used = set(re.findall(r"'env': '(\w+)'", str(VALUES)))

    assert data.keys() - {"GOGOBE_DAGSTER_FOLDER"} <= fields
    assert used == {"GOGOBE_DAGSTER_FOLDER", "GOGOBE_MAX_CONCURRENT_RUNS"}
    assert used <= data.keys()


def test_all_pods_have_the_same_image_settings_and_rights() -> None:
    [deployment] = VALUES["dagster-user-deployments"]["deployments"]
    pods = [deployment, VALUES["dagsterWebserver"], VALUES["dagsterDaemon"]]

    for part in ("image", "envConfigMaps", "envSecrets", "securityContext", "volumes", "volumeMounts"):
        assert [pod[part] for pod in pods] == [pods[0][part]] * 3, part


def test_step_logs_of_pods_are_saved_in_the_database(launcher: K8sRunLauncher, tmp_path: Path) -> None:
    assert launcher.supports_check_run_worker_health
    logs = ChosenComputeLogs.from_config_value(None, {"base_dir": str(tmp_path)})
    assert isinstance(logs, DatabaseComputeLogs)
    logs.dispose()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "GOGOBE_K8S_CONFIG names no file"),
        ("no_such_option: 1", "no_such_option"),
        (yaml.safe_dump(REQUIRED), "Service host"),
        (": : :", "launcher.yaml"),
    ],
)
def test_a_wrong_configuration_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, sentence: str
) -> None:
    monkeypatch.setenv("GOGOBE_LAUNCHER", "k8s")
    if text:
        (tmp_path / "launcher.yaml").write_text(text)
        monkeypatch.setenv("GOGOBE_K8S_CONFIG", str(tmp_path / "launcher.yaml"))

    with pytest.raises(SettingsError, match=sentence):
        ChosenLauncher.from_config_value(CHOSEN, {})


def test_up_without_a_configuration_of_pods_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GOGOBE_LAUNCHER", "k8s")

    code, text = run_gogobe("up")

    assert code == 1
    assert "GOGOBE_K8S_CONFIG names no file" in text
    assert not (tmp_path / "home").exists()


def test_pods_need_an_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "launcher.yaml"
    file.write_text(yaml.safe_dump(config(tmp_path) | {"job_image": None}))
    monkeypatch.setenv("GOGOBE_LAUNCHER", "k8s")
    monkeypatch.setenv("GOGOBE_K8S_CONFIG", str(file))
    monkeypatch.delenv("DAGSTER_CURRENT_IMAGE", raising=False)

    with pytest.raises(SettingsError, match="names no job_image") as error:
        ChosenLauncher.from_config_value(CHOSEN, {})
    assert "\n" not in str(error.value)

    monkeypatch.setenv("DAGSTER_CURRENT_IMAGE", "gogobe:0.1.0")
    ChosenLauncher.from_config_value(CHOSEN, {}).dispose()
