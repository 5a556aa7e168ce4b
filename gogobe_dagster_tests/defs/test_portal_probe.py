"""The weekly job asks every portal once and keeps the answers."""

import pytest

from gogobe_dagster.definitions import build_definitions
from gogobe_dagster.defs.portal_probe import JOB
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster_tests.import_env import ImportEnv

pytestmark = pytest.mark.slow


def test_the_weekly_job_keeps_an_answer_of_every_portal(
    import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_env.publish("super_pharm", stores=1, items=30)  # its wall answers with an empty list
    import_env.replica.faults.switch_on("bot_challenge", feed="hazi_hinam")
    for name, value in import_env.environment.items():
        monkeypatch.setenv(name, value)

    result = build_definitions().resolve_job_def(JOB).execute_in_process()

    assert result.success
    kept = {
        feed: (reach, code)
        for feed, reach, code in import_env.query("select feed, reach, code from portal_probe")
    }
    assert set(kept) == {feed.key for feed in FEEDS}
    assert {key for key, (reach, _) in kept.items() if reach != "answers"} == {"hazi_hinam"}
    assert kept["hazi_hinam"] == ("refused", "bot_challenge")


def test_the_weekly_schedule_is_off_until_schedules_are_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = {}
    for value in ("0", "1"):
        monkeypatch.setenv("GOGOBE_SENSORS_ON", value)
        schedules = {schedule.name: schedule for schedule in build_definitions().schedules or []}
        statuses[value] = schedules[f"{JOB}_weekly"].default_status.value

    assert statuses == {"0": "STOPPED", "1": "RUNNING"}
