"""`gogobe doctor` finds what was broken, and says what to do about it."""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from gogobe_dagster import clock
from gogobe_dagster.backup.folder import BackupFolder
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.monitoring.doctor import Finding, Level, examine
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.locks import AdvisoryLock
from gogobe_dagster.warehouse.schema.migrate import connect, migrate
from gogobe_dagster_tests.commands.run import run_gogobe
from gogobe_dagster_tests.import_env import ImportEnv
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.warehouse.warehouse_harness import MILK, Market, PriceFile

pytestmark = pytest.mark.slow


@pytest.fixture
def market(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """A loaded store, and the variables of its home; a complete backup of now."""
    for name in ("GOGOBE_DATABASE_URL", "GOGOBE_DAGSTER_DATABASE_URL"):
        monkeypatch.setenv(name, database_url)
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path))
    monkeypatch.setenv("GOGOBE_BACKUP_FOLDER", str(tmp_path / "saved"))
    back_up(tmp_path / "saved", clock.now())
    migrate(database_url)
    engine = connect(database_url)
    market = Market.at(engine, tmp_path / "lake")
    market.open(PriceFile(6, {MILK: "7"}, store=1))
    yield market
    engine.dispose()


def back_up(folder: Path, at: datetime) -> None:
    made = folder / f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    made.mkdir(parents=True)
    (made / "manifest.json").write_text("{}")


def found(check: str) -> Finding:
    """The worst finding of a check."""
    findings = [finding for finding in examine(Settings.read(), ask_portals=False) if finding.check == check]
    return max(findings, key=lambda finding: list(Level).index(finding.level))


@pytest.mark.usefixtures("market")
def test_a_sound_installation_has_no_problem() -> None:
    code, text = run_gogobe("doctor", "--json")

    rows = [json.loads(line) for line in text.splitlines()]
    names = "settings disk backups server clock schema locks stores quarantined places portals"
    assert [row["check"] for row in rows] == names.split()
    assert (code, {row["level"] for row in rows}) == (0, {"ok"})


def test_a_server_that_does_not_answer_is_a_problem(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_DATABASE_URL", f"postgresql://user:secret@127.0.0.1:{free_port()}/gogobe")

    code, text = run_gogobe("doctor")

    assert (code, market.ledger.pending("rami_levy")) == (1, [])
    assert "problem server      PostgreSQL does not answer at postgresql://user:***@127.0.0.1" in text
    assert "secret" not in text


@pytest.mark.slow
def test_portals_are_asked_where_that_is_wished(import_env: ImportEnv) -> None:
    import_env.replica.faults.switch_on("bot_challenge", feed="hazi_hinam")

    asked = {finding.check: finding for finding in examine(import_env.settings, ask_portals=True)}

    assert asked["portals"].level is Level.WARNING
    assert f" of {len(FEEDS)} answered at " in asked["portals"].text
    assert "hazi_hinam (bot_challenge)" in asked["portals"].text


def test_wrong_settings_are_problems_and_unknown_ones_warnings(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOBE_LAKES", "here")
    assert found("settings").text == "GOGOBE_LAKES is not a setting"
    monkeypatch.setenv("GOGOBE_MAX_ATTEMPTS", "many")

    code, text = run_gogobe("doctor")

    assert (code, market.ledger.pending("rami_levy")) == (1, [])
    assert "problem settings    GOGOBE_MAX_ATTEMPTS='many'" in text


@pytest.mark.parametrize(("revision", "level"), [("9999", Level.PROBLEM), (None, Level.WARNING)])
def test_the_schema_is_compared_with_the_program(market: Market, revision: str | None, level: Level) -> None:
    with psycopg.connect(Settings.read().database_url) as connection:
        connection.execute("update alembic_version set version_num = %s", [revision or ""])
        if revision is None:
            connection.execute("delete from alembic_version")

    assert (found("schema").level, market.ledger.pending("rami_levy")) == (level, [])


def test_the_holder_of_a_lock_and_those_who_wait_are_named(market: Market) -> None:
    with psycopg.connect(Settings.read().database_url) as holder:
        holder.execute("select pg_advisory_xact_lock(%s)", [int(AdvisoryLock.SCHEMA)])
        holder.execute("select pg_advisory_xact_lock(%s, 1)", [int(AdvisoryLock.LISTING)])

        pid, finding = holder.info.backend_pid, found("locks")

    assert market.ledger.pending("rami_levy") == []
    assert finding.level is Level.OK
    for name in ("SCHEMA", "LISTING"):
        assert f"process {pid} has {name}, for 0 s" in finding.text
    assert found("locks").text == "none is held"


def test_files_that_only_one_side_knows_are_found(market: Market, tmp_path: Path) -> None:
    orphan = tmp_path / "lake" / "prices" / "feed=rami_levy" / "day=2026-11-23" / "orphan.parquet"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"PAR1PAR1")
    assert found("stores").level is Level.OK, "a batch may be writing it"
    long_ago = time.time() - 3 * 24 * 3600
    os.utime(orphan, (long_ago, long_ago))

    finding = found("stores")
    assert (finding.level, "does not know 1, such as prices/feed=rami" in finding.text) == (
        Level.WARNING,
        True,
    )

    with psycopg.connect(Settings.read().database_url) as connection:
        connection.execute("update file set state = 'downloaded', sha256 = %s", ["a" * 64])
    assert found("stores").text.startswith(
        "1 files that are to be parsed or loaded are missing, such as aaaa"
    )
    assert market.ledger.pending("rami_levy")


def test_quarantined_files_that_nobody_tries_again_are_a_warning(market: Market) -> None:
    change = "update file set state = 'quarantined', code = %s, retry_at = %s"
    with psycopg.connect(Settings.read().database_url) as connection:
        connection.execute(change, ["corrupt_archive", clock.now()])
    assert found("quarantined").text == "1 files are tried again by themselves, 0 are not"
    with psycopg.connect(Settings.read().database_url) as connection:
        connection.execute(change, ["code_of_another_version", None])

    finding = found("quarantined")

    assert finding.level is Level.WARNING
    assert finding.text.endswith("1 are not: code_of_another_version (1)")
    assert market.ledger.pending("rami_levy") == []


def test_backups_that_are_missing_or_old_are_problems(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOBE_BACKUP_FOLDER", str(tmp_path / "old"))
    assert found("backups").level is Level.PROBLEM
    back_up(tmp_path / "old", clock.now() - timedelta(hours=60))
    assert (found("backups").level, "is 60 hours old" in found("backups").text) == (Level.PROBLEM, True)
    assert BackupFolder(str(tmp_path / "old")).complete()
    monkeypatch.setenv("GOGOBE_BACKUP_FOLDER", "")
    assert (found("backups").level, market.ledger.pending("rami_levy")) == (Level.WARNING, [])
