"""Metrics: values as the ledger has them, names by Prometheus' conventions, rules and dashboard that fit."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import requests
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gogobe_dagster.backup.manifest import NAME
from gogobe_dagster.errors import EXPECTED_CODES, Code
from gogobe_dagster.monitoring.exporter import check_metrics_port, metrics_served
from gogobe_dagster.monitoring.metrics import DAYS, DEFINITIONS, Exporter
from gogobe_dagster.postgres import run_queue
from gogobe_dagster.postgres.roles import READER
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.consumers.conftest import as_role
from gogobe_dagster_tests.monitoring.test_data_quality import NOON, TODAY, load, quarantine
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.waiting import wait_for_progress

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "gogobe.json"
NAMES = re.compile(r"\bgogobe_\w+")
RUNS = """
create table runs (status text);
insert into runs values ('STARTED'), ('STARTED'), ('QUEUED'), ('SUCCESS');
create table daemon_heartbeats ("timestamp" timestamp);
insert into daemon_heartbeats values ('2026-11-25 10:00');
"""
WORKERS = """
insert into procrastinate_workers (id) overriding system value values (1), (2), (3);
update procrastinate_workers set last_heartbeat = now() - interval '1 hour' where id = 3;
insert into worker (id, host, pid, runs, version) values
    (1, 'head', 10, 2, 'v'), (2, 'head', 11, 3, 'v'), (3, 'lost', 12, 9, 'v');
insert into procrastinate_jobs (queue_name, task_name, status, worker_id) values
    ('q', 'execute_run', 'doing', 1), ('q', 'execute_run', 'todo', null), ('q', 'execute_run', 'todo', null);
"""
Labels = tuple[tuple[str, str], ...]


@pytest.fixture
def settings(engine: sa.Engine, warehouse_url: str, database_url: str, tmp_path: Path) -> Settings:
    """A warehouse with a feed that is well and one that is not, workers that are busy, and a backup."""
    load(engine, TODAY, stores=3, rows=900)
    load(engine, TODAY - timedelta(days=DAYS), stores=9, feed="osher_ad")
    quarantine(engine, "rami_levy", Code.ZERO_BYTE, files=4, name="empty")
    quarantine(engine, "dabbah", next(iter(EXPECTED_CODES)), files=2, name="left out")
    with engine.begin() as connection:
        late = (
            "update file set loaded_at = published_at + store_id * interval '1 minute' where feed = 'keshet'"
        )
        connection.execute(sa.text(late))
    settings = Settings(
        home=tmp_path,
        database_url=warehouse_url,
        reader_database_url=as_role(warehouse_url, READER),
        dagster_database_url=database_url,
        backup_folder=str(tmp_path / "backups"),
    )
    run_queue.prepare(settings)
    with run_queue.connect(settings) as queue:
        queue.execute(WORKERS)
    with psycopg.connect(database_url) as dagster:
        dagster.execute(RUNS)
    for backup in ("20261124T010000Z", "20261125T010000Z"):
        (tmp_path / "backups" / backup).mkdir(parents=True)
    (tmp_path / "backups" / "20261124T010000Z" / NAME).touch()
    return settings


@pytest.fixture
def exporter(settings: Settings) -> Iterator[Exporter]:
    exporter = Exporter(settings, at_half_past_six)
    yield exporter
    exporter.close()


def at_half_past_six() -> datetime:
    return NOON.replace(hour=6, minute=30)


def text_of(exporter: Exporter) -> str:
    registry = CollectorRegistry()
    registry.register(exporter)
    return generate_latest(registry).decode()


def values(text: str) -> Mapping[tuple[str, Labels], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_values_are_those_of_the_ledger_the_queue_and_the_backups(exporter: Exporter) -> None:
    found = values(text_of(exporter))

    def value(name: str, **labels: str) -> float | None:
        return found.get((f"gogobe_{name}", tuple(sorted(labels.items()))))

    assert value("files", feed="keshet", state="loaded") == 3
    assert value("files", feed="rami_levy", state="quarantined") == 4
    assert value("files", feed="osher_ad", state="loaded") is None, "older than what is counted"
    assert value("failed_files", feed="rami_levy", code="zero_byte") == 4
    assert [key for key in found if key[0] == "gogobe_failed_files"] == [
        ("gogobe_failed_files", (("code", "zero_byte"), ("feed", "rami_levy")))
    ]
    assert value("feed_late", feed="keshet") == 0
    assert value("feed_late", feed="rami_levy") == 1
    assert value("newest_full_prices_timestamp_seconds", feed="keshet") == NOON.replace(hour=6).timestamp()
    assert value("load_lag_seconds", feed="keshet", percentile="50") == 120
    assert value("load_lag_seconds", feed="keshet", percentile="95") == pytest.approx(174)
    assert value("runs", status="started") == 2
    assert value("runs", status="queued") == 1
    assert (
        value("daemon_heartbeat_timestamp_seconds") == datetime.fromisoformat("2026-11-25T10:00Z").timestamp()
    )
    assert (value("workers", host="head"), value("workers", host="lost")) == (2, None)
    assert (value("worker_slots", host="head"), value("worker_busy_slots", host="head")) == (5, 1)
    assert value("queue_waiting_runs") == 2
    assert value("backup_timestamp_seconds") == datetime.fromisoformat("2026-11-24T01:00Z").timestamp()
    assert {value("source_up", source=name) for name in ("warehouse", "dagster", "backups")} == {1}


def test_counters_count_what_is_loaded_between_two_scrapes(engine: sa.Engine, exporter: Exporter) -> None:
    loaded = ("gogobe_loaded_rows_total", (("feed", "keshet"),))
    [warehouse] = [source for source in exporter.sources if source.name == "warehouse"]
    warehouse.seconds = 0

    before = values(text_of(exporter))[loaded]
    load(engine, TODAY - timedelta(days=1), stores=2, rows=10)
    after = values(text_of(exporter))[loaded]
    with engine.begin() as connection:
        connection.execute(sa.text("delete from file where publication_day < :today"), {"today": TODAY})
    at_last = values(text_of(exporter))[loaded]

    assert (before, after, at_last) == (0, 20, 20)


def test_a_scrape_within_seconds_asks_nothing_again(engine: sa.Engine, exporter: Exporter) -> None:
    first = text_of(exporter)
    load(engine, TODAY - timedelta(days=1), stores=2)

    assert text_of(exporter) == first


def test_a_database_that_is_away_takes_only_its_own_metrics_along(settings: Settings) -> None:
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/gogobe"
    exporter = Exporter(settings.model_copy(update={"reader_database_url": away}), at_half_past_six)

    found = values(text_of(exporter))
    exporter.close()

    assert found["gogobe_source_up", (("source", "warehouse"),)] == 0
    assert found["gogobe_queue_waiting_runs", ()] == 2
    assert not [name for name, _ in found if name == "gogobe_files"]


def test_every_defined_metric_has_a_value_and_every_value_a_definition(exporter: Exporter) -> None:
    text_names = {name for name, _ in values(text_of(exporter))}

    # a counter is followed by when it began
    assert {name for name in text_names if not name.endswith("_created")} == DEFINITIONS.keys()


@pytest.mark.parametrize("path", [RULES, DASHBOARD], ids=lambda path: path.name)
def test_rules_and_dashboard_use_metrics_that_exist(path: Path) -> None:
    used = set(NAMES.findall("\n".join(expressions(path))))

    assert len(used) > 5
    assert used <= DEFINITIONS.keys()


def expressions(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    return [line for line in text.splitlines() if "expr:" in line]


def test_every_metric_is_in_a_rule_or_on_the_dashboard() -> None:
    used = {name for path in (RULES, DASHBOARD) for name in NAMES.findall("\n".join(expressions(path)))}

    assert DEFINITIONS.keys() - used == {"gogobe_build_info"}


def test_nothing_is_served_without_a_port_and_a_taken_port_is_said(settings: Settings) -> None:
    with metrics_served(settings):
        pass
    port = free_port()
    used = settings.model_copy(update={"metrics_port": port})
    with metrics_served(used):
        assert "gogobe_files" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
        with pytest.raises(Exception, match=f"GOGOBE_METRICS_PORT={port}"):
            check_metrics_port(used)
    check_metrics_port(used)


def need(program: str) -> str:
    found = shutil.which(program)
    if not found:
        pytest.skip(f"{program} is not installed (Debian: apt-get install prometheus)")
    return found


@pytest.mark.slow
def test_promtool_finds_nothing_wrong(exporter: Exporter) -> None:
    promtool, folder = need("promtool"), RULES.parent

    for command in (("check", "config", "prometheus.yml"), ("test", "rules", "rules_test.yml")):
        checked = subprocess.run(
            [promtool, *command], cwd=folder, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
    linted = subprocess.run(
        [promtool, "check", "metrics"], input=text_of(exporter), capture_output=True, text=True, check=False
    )
    assert (linted.returncode, linted.stderr) == (0, "")


@pytest.mark.slow
def test_a_real_prometheus_scrapes_and_evaluates(settings: Settings, tmp_path: Path) -> None:
    program, port, own = need("prometheus"), free_port(), free_port()
    text = (RULES.parent / "prometheus.yml").read_text().replace("9464", str(port)).replace("60s", "1s")
    (tmp_path / "prometheus.yml").write_text(text)
    shutil.copy(RULES, tmp_path)
    command = [
        program,
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{own}",
    ]
    with (
        metrics_served(settings.model_copy(update={"metrics_port": port})),
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            wait_for_progress(
                lambda: ask(own, 'gogobe_files{feed="keshet",state="loaded"}') == ["3"],
                what="a scrape",
                progress=lambda: (tmp_path / "log").stat().st_size,
            )
            assert ask(own, 'up{job="gogobe"}') == ["1"]
            wait_for_progress(
                lambda: ask(own, 'ALERTS{alertname="GogobeBackupOld"}'),
                what="the alert of the old backup",
                progress=lambda: ask(own, "count_over_time(up[10m])"),
            )
        finally:
            process.terminate()


def ask(port: int, query: str) -> list[str]:
    try:
        answer = requests.get(
            f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}, timeout=10
        ).json()
    except requests.RequestException:
        return []
    return [result["value"][1] for result in answer.get("data", {}).get("result", [])]
