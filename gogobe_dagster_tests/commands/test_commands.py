"""The `gogobe` command as people type it: help, wrong input, scan and status in a real environment."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import click
import pytest

from gogobe_dagster.commands.main import COMMANDS, gogobe
from gogobe_dagster.feeds.registry import DISABLED, FEEDS
from gogobe_dagster_tests.commands.run import run_gogobe
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.ports import free_port

pytestmark = pytest.mark.slow


def test_help_lists_every_command_with_a_sentence() -> None:
    code, text = run_gogobe("--help")

    assert code == 0
    for name in COMMANDS:
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{name} "))
        assert len(line.split()) > 3


def test_the_list_says_of_a_command_what_its_own_help_says() -> None:
    context = click.Context(gogobe)
    helps = {name: gogobe.get_command(context, name) for name in COMMANDS}

    assert {name: entry.summary for name, entry in COMMANDS.items()} == {
        name: command.get_short_help_str(limit=200) for name, command in helps.items() if command
    }


SHOW_HELP = """
import sys
from gogobe_dagster.commands.main import gogobe
gogobe(["--help"], standalone_mode=False)
heavy = {"dagster", "sqlalchemy", "pydantic", "rich", "polars", "requests"}
sys.stderr.write(" ".join(heavy & set(sys.modules)))
"""


def test_the_list_of_commands_imports_no_library_but_click() -> None:
    """It costs 0.06 s; with every command imported it cost 2."""
    done = subprocess.run([sys.executable, "-c", SHOW_HELP], capture_output=True, text=True, check=False)

    assert "Commands:" in done.stdout
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(
    "name", ["doctor", "env", "places", "read", "register", "retry", "roles", "scan", "status"]
)
def test_a_command_that_only_asks_imports_no_heavy_library_before_it_talks_to_anything(name: str) -> None:
    """Polars and Arrow cost half a second, SQLAlchemy a quarter; `doctor` asks the database first of all."""
    module = f"gogobe_dagster.commands.{COMMANDS[name].module}"
    heavy = {"dagster", "polars", "pyarrow", "numpy", "pandas"} | (
        set() if name == "doctor" else {"sqlalchemy"}
    )
    code = f"import sys, {module}; print(*{heavy} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "\n"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_and_its_options(name: str) -> None:
    code, text = run_gogobe(name, "--help")

    assert code == 0
    assert f"gogobe {name}" in text or "Usage:" in text
    assert len(text) > 200


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["status", "--feed", "rami_lewy"], "rami_levy"),
        (["import", "--feed", "quik"], "'quik' is disabled: its host has had no address"),
        (["import", "--day", "soon"], "YYYY-MM-DD, today or yesterday"),
        (["backfill", "--from", "2026-11-02", "--to", "2026-11-01"], "--to 2026-11-01 is before"),
        (["status", "--files"], "--feed rami_levy --day today"),
        (["stauts"], "No such command 'stauts'. Did you mean 'status'?"),
        (["import", "rami_levy"], "unexpected extra argument (rami_levy); use --feed rami_levy"),
        (["backfill", "--url", "localhost:3000"], "must begin with http://, such as http://127.0.0.1:3000"),
        (["read", "--rows", "0", "README.md"], "0 is not in the range x>=1"),
        (
            ["import", "--kind", "price-full"],
            "'price-full' is not a kind of file. Did you mean 'prices-full'?",
        ),
        (["import", "--store", "a"], "'a' is not a valid number"),
        (["import", "--limit", "0"], "0 is not in the range x>=1"),
        (["backfill", "--name", " "], "the pattern is empty; an example: 'PriceFull*-039-*'"),
        (["up", "--port", "http"], "'http' is not a valid number"),
        (["replica", "--scale", "nan"], "'nan' is not a finite number"),
        (["replica", "--keep-publishing", "inf"], "'inf' is not a finite number"),
    ],
)
def test_wrong_input_is_answered_with_what_is_right(arguments: list[str], expected: str) -> None:
    code, text = run_gogobe(*arguments)

    assert code == 2
    assert expected in text


def test_a_database_that_is_not_there_is_named(
    import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOGOBE_DATABASE_URL", "GOGOBE_DAGSTER_DATABASE_URL"):
        monkeypatch.setenv(name, "postgresql://nobody@127.0.0.1:1/nowhere")
    monkeypatch.setenv("GOGOBE_HOME", str(import_env.settings.folder))

    code, text = run_gogobe("status")

    assert code == 1
    assert "127.0.0.1" in text
    assert "Traceback" not in text


def test_a_wrong_setting_is_named_with_what_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_MAX_ATTEMPTS", "often")

    code, text = run_gogobe("status")

    assert code == 1
    assert "GOGOBE_MAX_ATTEMPTS='often'" in text
    assert "valid integer" in text


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GOGOBE_QUIET_HOURS", "1-2", "do not poll (HH:MM-HH:MM); empty = none."),
        ("GOGOBE_FINAL_POLL_CRON", "at night", "polled for the last time (cron, Israel)."),
        ("GOGOBE_REPLICA_URL", "ftp://x", "http://… of a replica"),
    ],
)
def test_a_setting_of_another_form_is_told_which_form_it_has(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)

    code, text = run_gogobe("status")

    assert code == 1
    assert f"{name}={value!r}: expected: " in text
    assert expected in text


def test_a_variable_that_is_no_setting_is_told_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "GOGOBE_PARSE_WORKER",
        "GOGOBE_WHATEVER",
        "GOGOBE_FEED__KESHET__TRANSPORT",
        "GOGOBE_STARTED_BY",
    ):
        monkeypatch.setenv(name, "ftp")

    _, text = run_gogobe("env", "--no-start")

    assert [line for line in text.splitlines() if "is not a setting" in line] == [
        "GOGOBE_PARSE_WORKER is not a setting; did you mean GOGOBE_PARSE_WORKERS?",
        "GOGOBE_WHATEVER is not a setting; docs/settings.md lists them",
    ]


def test_a_url_for_alerts_that_means_nothing_is_told_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOGOBE_ALERT_URL", "nonsense")
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path))

    code, text = run_gogobe("up", "--port", str(free_port()))

    assert code == 1
    assert "GOGOBE_ALERT_URL is not a URL that Apprise knows, such as mailto://" in text
    assert list(tmp_path.iterdir()) == []


def test_an_import_that_fails_says_why(import_env: ImportEnv) -> None:
    import_env.replica.faults.switch_on("bot_challenge", feed="king_store")

    ended = import_env.run("gogobe", "import", "--feed", "king_store", check=False)

    assert ended.returncode == 1
    assert " failed: king_store: bot_challenge: " in ended.stderr


def test_an_import_says_which_files_wait_for_a_portal_that_refuses(import_env: ImportEnv) -> None:
    import_env.publish("keshet")
    import_env.replica.faults.switch_on("rate_limited", feed="keshet", names="?*", seconds=1800)

    ended = import_env.run("gogobe", "import", "--feed", "keshet", "--day", str(yesterday()), check=False)

    waiting = len(import_env.states("keshet"))
    assert ended.returncode == 1
    printed = " ".join(ended.stderr.split())
    assert f"keshet: {waiting} files wait; the portal is left alone until" in printed
    assert "Import again then." in printed


def test_an_import_whose_process_dies_says_its_last_words(
    import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOBE_FINAL_POLL_CRON", "99 99 * * *")

    ended = import_env.run("gogobe", "import", "--feed", "king_store", check=False)

    assert ended.returncode == 1
    assert "the import stopped when 0 of 1 runs had ended" in ended.stderr
    assert "'99 99 * * *'" in ended.stderr
    assert "Traceback" not in ended.stderr.splitlines()[0]


def test_scan_shows_what_is_new_and_names_a_portal_that_is_down(
    import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_env.publish("keshet")
    import_env.replica.faults.switch_on("bot_challenge", feed="osher_ad")
    monkeypatch.setenv("COLUMNS", "80")
    feeds = ["--feed", "keshet", "--feed", "osher_ad"]

    ended = import_env.run("gogobe", "scan", *feeds, "--json", check=False)
    table = import_env.run("gogobe", "scan", *feeds, check=False).stdout

    keshet, osher_ad = [json.loads(line) for line in ended.stdout.splitlines()]
    keys = ["feed", "family", "state", "listed", "new", "by_kind", "newest_full_at", "code"]
    assert [list(keshet), list(osher_ad)] == [keys, keys]
    assert ended.returncode == 1
    assert keshet["state"] == "ok"
    assert keshet["listed"] == keshet["new"] == sum(keshet["by_kind"].values()) > 0
    assert datetime.fromisoformat(keshet["newest_full_at"]).date() == yesterday()
    assert (osher_ad["state"], osher_ad["code"], osher_ad["listed"]) == ("failed", "bot_challenge", 0)
    assert "bot_challenge: " in table
    assert max(map(len, table.splitlines())) <= 80
    assert len(table.splitlines()) < 10, "the reason has room"


def test_a_probe_shows_and_keeps_who_answers(import_env: ImportEnv) -> None:
    import_env.replica.faults.switch_on("bot_challenge", feed="hazi_hinam")
    feeds = ["--feed", "keshet", "--feed", "hazi_hinam"]

    as_json = import_env.run("gogobe", "scan", "--probe", "--json", *feeds, check=False)
    as_table = import_env.run("gogobe", "scan", "--probe", *feeds, check=False)

    assert (as_json.returncode, as_table.returncode) == (1, 1)
    keshet, hazi_hinam = [json.loads(line) for line in as_json.stdout.splitlines()]
    keys = ["feed", "probed_at", "reach", "code", "reason", "seconds", "israel_only"]
    assert [list(keshet), list(hazi_hinam)] == [keys, keys]
    assert (keshet["reach"], keshet["israel_only"]) == ("answers", False)
    assert (hazi_hinam["reach"], hazi_hinam["code"]) == ("refused", "bot_challenge")
    assert "1 answer, 1 refuse this machine, 0 do not answer" in as_table.stdout
    assert import_env.query("select feed, count(*) from portal_probe group by 1 order by 1") == [
        ("hazi_hinam", 2),
        ("keshet", 2),
    ]


def test_scan_and_status_of_all_feeds_say_that_some_are_disabled(
    import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_env.publish(*[feed.key for feed in FEEDS], stores=1, items=30)
    import_env.replica.faults.switch_on("bot_challenge", feed="king_store")
    monkeypatch.setenv("COLUMNS", "200")

    scan = import_env.run("gogobe", "scan", check=False)
    status = import_env.run("gogobe", "status", "--disabled")

    lines = {line.split()[0]: line for line in scan.stdout.splitlines() if line.strip()}
    assert scan.returncode == 1
    assert f"{len(DISABLED)} more feeds are disabled: `gogobe status --disabled` shows why." in scan.stdout
    assert {key for key, line in lines.items() if "bot_challenge" in line} == {"king_store"}
    assert {feed.key for feed in FEEDS} < set(lines)
    assert "There are no files in the ledger" in status.stdout  # a scan records nothing
    assert all(feed.key in status.stdout for feed in DISABLED)


def test_import_and_status_tell_the_same_story(import_env: ImportEnv) -> None:
    import_env.publish("keshet")

    ended = import_env.run("gogobe", "import", "--feed", "keshet", "--day", "yesterday")
    status = import_env.run("gogobe", "status", "--json")
    files = import_env.run("gogobe", "status", "--files", "--feed", "keshet", "--day", str(yesterday()))
    scan = import_env.run("gogobe", "scan", "--feed", "keshet", "--json")

    assert "1 run succeeded" in ended.stdout
    row = json.loads(status.stdout)
    assert row["loaded"] > 0
    assert row["discovered"] == row["downloaded"] == row["parsed"] == row["quarantined"] == 0
    assert files.stdout.count("loaded") >= row["loaded"]
    assert json.loads(scan.stdout)["new"] == 0
