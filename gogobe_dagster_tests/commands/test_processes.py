"""Real programs, started and ended; what they leave behind is looked for from outside."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from gogobe_dagster.commands.processes import ChildDied, Children
from gogobe_dagster.errors import GogobeError

PATIENT = (
    "import time\n"
    "print('ready', flush=True)\n"
    "try: time.sleep(300)\n"
    "except KeyboardInterrupt: print('closing the till', flush=True)\n"
)
STUBBORN = (
    "import signal, time\n"
    "for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)\n"
    "print('ready', flush=True)\n"
    "time.sleep(300)\n"
)
# As a run worker that was killed: its step goes on in a session of its own, adopted by nobody we know.
ORPHANING = (
    "import subprocess, sys, time\n"
    'middle = \'import subprocess; subprocess.Popen(["sleep", "300"], start_new_session=True)\'\n'
    "subprocess.run([sys.executable, '-c', middle])\n"
    "print('ready', flush=True)\n"
    "time.sleep(300)\n"
)
SPAWNING = (
    "import signal, subprocess, time\n"
    "def spawn(*_):\n"
    "    for _ in range(5): subprocess.Popen(['sleep', '300'], start_new_session=True); time.sleep(0.1)\n"
    "    raise SystemExit\n"
    "signal.signal(signal.SIGINT, spawn)\n"
    "print('ready', flush=True)\n"
    "time.sleep(300)\n"
)
HASTY = ((signal.SIGINT, 0.5), (signal.SIGTERM, 0.5), (signal.SIGKILL, 5.0))


@pytest.fixture
def children(tmp_path: Path) -> Children:
    return Children(logs=tmp_path / "logs", environment={"SHOP": "מכולת"}, folder=tmp_path)


def test_children_are_asked_politely_first(children: Children) -> None:
    with children:
        _start(children, "till", PATIENT)

    assert children.log("till").read_text() == "ready\nclosing the till\n"
    assert children.living() == set()


def test_a_child_that_does_not_listen_is_killed(children: Children) -> None:
    children.ending = HASTY
    with children:
        _start(children, "till", STUBBORN)
        (till,) = children.living()

    assert not till.is_running()


def test_a_step_whose_parent_died_is_found_and_ended(children: Children) -> None:
    with children:
        _start(children, "worker", ORPHANING)
        (step,) = [process for process in children.living() if process.name() == "sleep"]
        (worker,) = children.living() - {step}
        assert step not in worker.children(recursive=True)

    assert not _lives(step)


def test_programs_started_while_the_end_is_under_way_are_ended_as_well(children: Children) -> None:
    with children:
        _start(children, "daemon", SPAWNING)

    assert children.living() == set()


def test_a_program_with_an_empty_environment_is_ended_as_well(children: Children) -> None:
    children.ending = HASTY
    with children:
        children.start("shell", ["sh", "-c", "env -i sleep 300 & echo ready; wait"])
        _wait_for_ready(children, "shell")
        sleep = _wait_for_program(children, "sleep")

    assert not _lives(sleep)


def _wait_for_program(children: Children, name: str) -> psutil.Process:
    """Find a descendant by its program; between fork and exec it still has its parent's."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for process in children.living():
            with suppress(psutil.NoSuchProcess):
                if process.name() == name:
                    return process
        time.sleep(0.05)
    raise AssertionError(f"{name} was not started")


def test_neighbours_are_left_alone(children: Children) -> None:
    with subprocess.Popen(["sleep", "300"]) as neighbour:
        with children:
            _start(children, "till", PATIENT)

        assert neighbour.poll() is None
        neighbour.kill()


def test_a_dead_child_is_named_with_its_last_words_and_the_others_are_ended(children: Children) -> None:
    with children:
        _start(children, "web", PATIENT)
        children.start("daemon", [sys.executable, "-c", "print('no milk today'); raise SystemExit(3)"])

        with pytest.raises(ChildDied, match=r"(?s)daemon ended \(exit code 3\).*no milk today"):
            children.wait_until(lambda: False, what="milk", seconds=30, stop=threading.Event())

    assert children.living() == set()


def test_a_killed_child_is_named_with_the_signal(children: Children) -> None:
    with children:
        _start(children, "web", PATIENT)
        (web,) = children.living()
        web.kill()

        with pytest.raises(ChildDied, match=r"web ended \(signal SIGKILL\)"):
            children.wait_until(lambda: False, what="web", seconds=30, stop=threading.Event())


def test_waiting_ends_with_an_error_when_it_takes_too_long(children: Children) -> None:
    with children, pytest.raises(GogobeError, match="the shop opens: not within 0 s"):
        children.wait_until(lambda: False, what="the shop opens", seconds=0.3, stop=threading.Event())


def test_waiting_ends_at_once_when_told_to_stop(children: Children) -> None:
    stop = threading.Event()
    stop.set()

    assert not children.wait_until(lambda: False, what="the shop opens", seconds=30, stop=stop)


def test_children_see_the_environment_given_and_the_log_before_is_kept(children: Children) -> None:
    for shop in ("מכולת", "סופר"):
        children.environment = {"SHOP": shop}
        with children:
            _start(children, "sign", f"import os; print(os.environ['SHOP'])\n{PATIENT}")

    assert children.log("sign").read_text().splitlines()[0] == "סופר"
    assert (children.logs / "sign.previous.log").read_text().splitlines()[0] == "מכולת"


def test_verbose_shows_what_children_print_and_keeps_it(
    children: Children, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    children.verbose = True
    with children:
        _start(children, "till", PATIENT)

    assert b"till: ready" in capfdbinary.readouterr().err
    assert "ready" in children.log("till").read_text()


def _start(children: Children, name: str, program: str) -> None:
    children.start(name, [sys.executable, "-c", program])
    _wait_for_ready(children, name)


def _wait_for_ready(children: Children, name: str) -> None:
    children.wait_until(
        lambda: "ready" in children.log(name).read_text(), what=name, seconds=30, stop=threading.Event()
    )


def _lives(process: psutil.Process) -> bool:
    time.sleep(0.05)
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
