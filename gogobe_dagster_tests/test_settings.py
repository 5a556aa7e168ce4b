"""Settings are read in one module."""

import re
from datetime import date
from pathlib import Path

import pytest

import gogobe_dagster
from gogobe_dagster.errors import SettingsError
from gogobe_dagster.settings import Settings

PACKAGE = Path(gogobe_dagster.__file__).parent
READS = re.compile(r"os\.environ(?!\.setdefault\(\"POLARS)|os\.getenv")
PASS_IT_ON = {
    "postgres/binaries.py",
    "postgres/dump.py",
    "commands/processes.py",
    "commands/up.py",
    "commands/backfill.py",
    "dagster_runtime/environment.py",
    "dagster_runtime/instance.py",
    "dagster_runtime/worker.py",
}
"""These pass variables to the processes that they start, or share them with Dagster; they read no setting."""


def test_no_other_module_reads_environment_variables() -> None:
    sources = {file: file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")}

    reading = {file.relative_to(PACKAGE).as_posix() for file, text in sources.items() if READS.search(text)}

    assert reading - PASS_IT_ON == {"settings.py"}


def test_partitions_begin_with_what_a_first_listing_would_import_unless_a_file_is_older(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings, today = Settings(stale_after_days=3), date(2026, 11, 30)

    assert settings.first_day_on(today) == date(2026, 11, 27)
    monkeypatch.setenv("GOGOBE_OLDEST_DAY", "2026-11-29")
    assert settings.first_day_on(today) == date(2026, 11, 27)
    monkeypatch.setenv("GOGOBE_OLDEST_DAY", "2026-05-04")
    assert settings.first_day_on(today) == date(2026, 5, 4)
    assert Settings(first_day=date(2026, 10, 1)).first_day_on(today) == date(2026, 10, 1)


def test_empty_variables_are_settings_that_are_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_DAY", "PG_BIN", "WORKER_RUNS"):
        monkeypatch.setenv(f"GOGOBE_{name}", "")

    settings = Settings.read()

    assert (settings.first_day, settings.pg_bin, settings.worker_runs) == (None, None, None)


def test_settings_may_be_files_of_a_folder_and_variables_come_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gogobe_web_password").write_text("from a file\n")
    (tmp_path / "gogobe_alert_url").write_text("json://file.example")
    (tmp_path / "another_program").write_text("?")
    monkeypatch.setenv("GOGOBE_SECRETS_FOLDER", str(tmp_path))
    monkeypatch.setenv("GOGOBE_ALERT_URL", "json://variable.example")

    settings = Settings.read()

    assert (settings.web_password, settings.alert_url) == ("from a file", "json://variable.example")


def test_a_folder_of_secrets_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_SECRETS_FOLDER", "/no/such")

    with pytest.raises(SettingsError, match="GOGOBE_SECRETS_FOLDER=/no/such"):
        Settings.read()
