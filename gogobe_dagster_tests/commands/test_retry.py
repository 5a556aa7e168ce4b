"""`gogobe retry`, and the job that does the same in the web UI."""

import json

import dagster as dg
import pytest

from gogobe_dagster import pipeline
from gogobe_dagster.defs.retry import retry_failed_files
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.warehouse.ledger.portal_pause import active_pause, record_refusal
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

pytestmark = pytest.mark.slow

KESHET = find_feed("keshet")


def fail_two_files(env: ImportEnv) -> None:
    """Let two of a day's files be missing on the portal, and the portal refuse afterwards."""
    env.publish("keshet", stores=2, items=5)
    names = sorted(file.name for file in env.replica.publications("keshet").all())
    for name in names[:2]:
        env.replica.faults.switch_on("missing_file", feed="keshet", names=name)
    pipeline.discover(KESHET, [yesterday()], env.resources)
    pipeline.download(KESHET, [yesterday()], env.resources)
    env.replica.faults.switch_off()
    refusal = PortalError(Code.PORTAL_UNAVAILABLE, "503")
    at = env.resources.portal_account(KESHET)
    record_refusal(env.resources.engine, at, refusal, now=env.resources.clock())


def is_paused(env: ImportEnv) -> bool:
    at = env.resources.portal_account(KESHET)
    return active_pause(env.resources.engine, at, now=env.resources.clock()) is not None


def test_files_are_put_back_and_the_next_run_gets_them(import_env: ImportEnv) -> None:
    fail_two_files(import_env)

    dry = import_env.run("gogobe", "retry", "--dry-run")
    assert dry.stdout.startswith("2 files would be put back, to be downloaded again: 2 not_found\n")
    assert is_paused(import_env)
    named = import_env.run("gogobe", "retry", "--feed", "keshet", "--code", "not_found", "--json")
    nothing = import_env.run("gogobe", "retry")

    assert json.loads(named.stdout) == {
        "files": 2,
        "to_download": {"not_found": 2},
        "to_parse": {},
        "unavailable": {},
        "pauses_ended": 1,
    }
    assert "No failed file matches" in nothing.stdout
    assert not is_paused(import_env)
    assert pipeline.download(KESHET, [yesterday()], import_env.resources).fetched == 2


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("--code", "notfound", "there is no code 'notfound'; did you mean 'not_found'?"),
        ("--feed", "kesht", "there is no feed 'kesht': did you mean 'keshet'?"),
    ],
)
def test_an_unknown_name_is_explained(import_env: ImportEnv, option: str, value: str, hint: str) -> None:
    ended = import_env.run("gogobe", "retry", option, value, check=False)

    assert ended.returncode == 2
    assert hint in " ".join(ended.stderr.split())


def run_job(env: ImportEnv, **config: object) -> dg.ExecuteInProcessResult:
    ops = {"put_back_failed_files": {"config": config}}
    return retry_failed_files.execute_in_process(
        run_config={"ops": ops}, resources={"resources": env.resources}, raise_on_error=False
    )


def test_the_job_does_the_same(import_env: ImportEnv) -> None:
    fail_two_files(import_env)

    refused = run_job(import_env, codes=["notfound"])
    done = run_job(import_env, codes=["not_found"], feeds=["keshet"], days=[yesterday().isoformat()])

    failure = refused.failure_data_for_node("put_back_failed_files")
    assert failure
    assert "did you mean 'not_found'?" in str(failure.user_failure_data)
    assert done.success
    assert not is_paused(import_env)
    assert pipeline.download(KESHET, [yesterday()], import_env.resources).fetched == 2
