"""The files of deploy/, checked by the programs that read them, as far as that works offline."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gogobe_dagster.commands.main import COMMANDS
from gogobe_dagster.settings import Settings

CLONE = Path(__file__).parents[2]
DEPLOY = CLONE / "deploy"
COMPOSE = DEPLOY / "compose"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MOST_EXPOSED = 20
"""In tenths, as `systemd-analyze security` counts: 10.0 is a service that may do everything."""
OUR_IMAGE = "gogobe:"


def run(*command: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | variables, cwd=CLONE
    )


def program(name: str) -> Path:
    return Path(sys.executable).with_name(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of deploy/compose after its first step."""
    copy = tmp_path_factory.mktemp("deploy") / "compose"
    shutil.copytree(COMPOSE, copy, ignore=shutil.ignore_patterns("secrets"))
    made = run(copy / "make-secrets")
    assert (made.returncode, made.stderr) == (0, "")
    return copy


@pytest.fixture(scope="module")
def services(folder: Path) -> Mapping[str, Any]:
    """All services as Docker Compose understands them; what it warns of fails."""
    command = (program("docker-compose"), "-f", folder / "compose.yaml", "--profile", "*")
    understood = run(*command, "config", "--format", "json")
    assert (understood.returncode, understood.stderr) == (0, "")
    services: Mapping[str, Any] = json.loads(understood.stdout)["services"]
    return services


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    checked = run(program("hadolint"), "--no-color", DEPLOY / "Dockerfile")

    assert (checked.returncode, checked.stdout) == (0, "")


def test_the_image_does_not_run_as_root_and_copies_what_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    files = {name for line in copied for name in line.split()}
    sent = set(re.findall(r"^!(.*)$", (CLONE / ".dockerignore").read_text(), re.MULTILINE))

    assert "USER 10001:10001" in text.split("FROM")[-1]
    assert files == sent
    assert [name for name in files if not (CLONE / name).exists()] == []


def test_every_service_has_a_read_only_root_and_next_to_no_rights(services: Mapping[str, Any]) -> None:
    ours = {name for name, service in services.items() if service["image"].startswith(OUR_IMAGE)}

    assert ours == {"head", "loopback", "service", "worker"}
    for name in services.keys() - {"objects"}:
        service = services[name]
        assert (name, service["read_only"], service["cap_drop"]) == (name, True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_nothing_but_tls_is_reached_from_other_machines(services: Mapping[str, Any]) -> None:
    open_ports = {
        (name, port["target"])
        for name, service in services.items()
        for port in service.get("ports", [])
        if port.get("host_ip") != "127.0.0.1"
    }

    assert open_ports == {("loopback", 443)}


def test_services_are_started_with_commands_and_settings_that_exist(services: Mapping[str, Any]) -> None:
    known = {f"GOGOBE_{name.upper()}" for name in Settings.model_fields}
    for name in ("head", "worker", "service"):
        variables = {key for key in services[name]["environment"] if key.startswith("GOGOBE_")}
        command = services[name]["command"]
        assert (command[0], command[1] in COMMANDS) == ("gogobe", True)
        assert variables <= known, name


def test_secrets_are_files_and_only_there(services: Mapping[str, Any], folder: Path) -> None:
    secret = [path.read_text() for path in (folder / "secrets").iterdir() if "password" in path.name]
    shown = json.dumps(services)

    assert len(set(secret)) == 4
    assert [text for text in secret if text in shown] == []
    mounted = {mount["source"] for mount in services["head"]["secrets"]}
    fields = {name.removeprefix("gogobe_") for name in mounted if name.startswith("gogobe_")}
    assert fields == {"database_url", "dagster_database_url", "reader_database_url", "web_password"}
    assert fields <= Settings.model_fields.keys()
    assert [mount["source"] for mount in services["service"]["secrets"]] == [
        "gogobe_reader_database_url",
        "gogobe_api_keys",
    ]


def test_what_variables_name_below_the_secrets_is_mounted(services: Mapping[str, Any]) -> None:
    named = {
        (name, value.rpartition("/")[2])
        for name, service in services.items()
        for value in service.get("environment", {}).values()
        if str(value).startswith("/run/secrets/")
    }
    mounted = {
        (name, mount["source"]) for name, service in services.items() for mount in service.get("secrets", [])
    }

    assert ("worker", "aws_credentials") in named
    assert named <= mounted


def test_settings_are_read_from_the_files_that_are_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOBE_SECRETS_FOLDER", str(folder / "secrets"))

    settings = Settings.read()

    owner = (folder / "secrets" / "owner_password").read_text()
    assert settings.database_url == f"postgresql://gogobe_owner:{owner}@database/gogobe"
    assert settings.keys
    assert oct((folder / "secrets").stat().st_mode)[-3:] == "700"


def test_secrets_that_are_there_stay(folder: Path) -> None:
    before = {path.name: path.read_text() for path in (folder / "secrets").iterdir()}

    assert run(folder / "make-secrets").returncode == 0
    assert {path.name: path.read_text() for path in (folder / "secrets").iterdir()} == before


def installed(unit: Path, folder: Path) -> Path:
    """The unit with a program that is there."""
    copy = folder / unit.name
    copy.write_text(unit.read_text().replace("/opt/gogobe/bin/gogobe", str(program("gogobe"))))
    return copy


def analyze(*arguments: str | Path) -> Sequence[str]:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian: apt-get install systemd)")
    done = run("systemd-analyze", *arguments)
    return [] if done.returncode == 0 and not done.stderr else [done.stdout + done.stderr]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_unit_and_finds_it_hardened(unit: Path, tmp_path: Path) -> None:
    copy = installed(unit, tmp_path)

    assert analyze("verify", copy) == []
    assert analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", copy) == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_start_commands_and_settings_that_exist(unit: Path) -> None:
    text = unit.read_text()
    [command] = re.findall(r"^ExecStart=\S+ (\S+)", text, re.MULTILINE)
    variables = {name.lower() for name in re.findall(r"\bGOGOBE_(\w+)=", text)}

    assert command in COMMANDS
    assert variables <= Settings.model_fields.keys()
