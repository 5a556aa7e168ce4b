"""Steps are forked from the process of their run, with everything that it has imported."""

import multiprocessing
import os
import subprocess
import sys
from multiprocessing.connection import Connection

import pytest

from gogobe_dagster.dagster_runtime.step_server import AUTHENTICATES, fork_step_server

imported: list[str] = []
"""In a process that imports this module anew it is empty."""


def step(answer: Connection) -> None:
    answer.send(imported)


def execute_a_step() -> None:
    """What the process of a run does."""
    imported.append("by the run")
    fork_step_server()
    context = multiprocessing.get_context("forkserver")
    mine, theirs = multiprocessing.Pipe()
    process = context.Process(target=step, args=(theirs,))
    process.start()
    print(mine.recv(), os.getpgid(process.pid or 0) == os.getpgrp())  # noqa: T201 - for the test
    process.join()


@pytest.mark.skipif(AUTHENTICATES, reason="from Python 3.14 on, the fork server of steps is started as usual")
def test_steps_have_what_their_run_has_imported_and_end_with_it() -> None:
    module = execute_a_step.__module__
    ended = subprocess.run(
        [sys.executable, "-c", f"from {module} import execute_a_step; execute_a_step()"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.stdout.strip() == "['by the run'] True", ended.stderr
    assert ended.returncode == 0
