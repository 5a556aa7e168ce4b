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

from gogobe_dagster.commands.process_logs import LOG_BYTES, LOGS_KEPT
from gogobe_dagster.commands.processes import ManagedProcesses, ProcessEnded, end_leftovers
from gogobe_dagster.errors import GogobeError
from gogobe_dagster_tests.waiting import wait_for_progress

PATIENT = (
    "import signal, time\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell may have it ignored
    "try: print('ready', flush=True); time.sleep(300)\n"
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
# As a command that is killed after it has started something.
KILLED_COMMAND = (
    "import os, signal, sys\n"
    "from pathlib import Path\n"
    "from gogobe_dagster.commands.processes import ManagedProcesses\n"
    "home = Path(sys.argv[1])\n"
    "processes = ManagedProcesses(logs=home, environment={'GOGOBE_HOME': str(home)}, folder=home)\n"
    "processes.start('other', ['sleep', '300'])\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)
HASTY = ((signal.SIGINT, 0.5), (signal.SIGTERM, 0.5), (signal.SIGKILL, 5.0))


@pytest.fixture
def processes(tmp_path: Path) -> ManagedProcesses:
    return ManagedProcesses(logs=tmp_path / "logs", environment={"SHOP": "מכולת"}, folder=tmp_path)


def test_processes_are_asked_politely_first(processes: ManagedProcesses) -> None:
    with processes:
        _start(processes, "till", PATIENT)

    assert processes.log("till").read_text() == "ready\nclosing the till\n"
    assert processes.running() == set()


def test_a_child_that_does_not_listen_is_killed(processes: ManagedProcesses) -> None:
    processes.stop_signals = HASTY
    with processes:
        _start(processes, "till", STUBBORN)
        (till,) = processes.running()

    assert not till.is_running()


def test_a_step_whose_parent_died_is_found_and_ended(processes: ManagedProcesses) -> None:
    with processes:
        _start(processes, "worker", ORPHANING)
        (step,) = [process for process in processes.running() if process.name() == "sleep"]
        (worker,) = processes.running() - {step}
        assert step not in worker.children(recursive=True)

    assert not _is_running(step)


def test_programs_started_while_the_end_is_under_way_are_ended_as_well(processes: ManagedProcesses) -> None:
    with processes:
        _start(processes, "daemon", SPAWNING)

    assert processes.running() == set()


def test_a_program_with_an_empty_environment_is_ended_as_well(processes: ManagedProcesses) -> None:
    processes.stop_signals = HASTY
    with processes:
        processes.start("shell", ["sh", "-c", "env -i sleep 300 & echo ready; wait"])
        _wait_for_ready(processes, "shell")
        sleep = _wait_for_program(processes, "sleep")

    assert not _is_running(sleep)


def _wait_for_program(processes: ManagedProcesses, name: str) -> psutil.Process:
    """Find a descendant by its program; between fork and exec it still has its parent's."""
    found: list[psutil.Process] = []

    def is_found() -> bool:
        for process in processes.running():
            with suppress(psutil.NoSuchProcess):
                if process.name() == name:
                    found.append(process)
        return bool(found)

    wait_for_progress(is_found, what=f"the start of {name}", poll_seconds=0.05)
    return found[0]


def test_neighbours_are_left_alone(processes: ManagedProcesses) -> None:
    with subprocess.Popen(["sleep", "300"]) as neighbour:
        with processes:
            _start(processes, "till", PATIENT)

        assert neighbour.poll() is None
        neighbour.kill()


def test_a_dead_child_is_named_with_its_last_words_and_the_others_are_ended(
    processes: ManagedProcesses,
) -> None:
    with processes:
        _start(processes, "web", PATIENT)
        processes.start("daemon", [sys.executable, "-c", "print('no milk today'); raise SystemExit(3)"])

        with pytest.raises(ProcessEnded, match=r"(?s)daemon ended \(exit code 3\).*no milk today"):
            processes.wait_until(lambda: False, what="milk", seconds=30, stop=threading.Event())

    assert processes.running() == set()


def test_a_killed_child_is_named_with_the_signal(processes: ManagedProcesses) -> None:
    with processes:
        _start(processes, "web", PATIENT)
        (web,) = processes.running()
        web.kill()

        with pytest.raises(ProcessEnded, match=r"web ended \(signal SIGKILL\)"):
            processes.wait_until(lambda: False, what="web", seconds=30, stop=threading.Event())


def test_waiting_ends_with_an_error_when_it_takes_too_long(processes: ManagedProcesses) -> None:
    with processes, pytest.raises(GogobeError, match="the shop was not ready within 0 s"):
        processes.wait_until(lambda: False, what="the shop", seconds=0.3, stop=threading.Event())


def test_waiting_ends_at_once_when_told_to_stop(processes: ManagedProcesses) -> None:
    stop = threading.Event()
    stop.set()

    assert not processes.wait_until(lambda: False, what="the shop", seconds=30, stop=stop)


def test_children_see_the_environment_given_and_the_log_before_is_kept(processes: ManagedProcesses) -> None:
    for store in ("מכולת", "סופר"):
        processes.environment = {"SHOP": store}
        with processes:
            _start(processes, "sign", f"import os; print(os.environ['SHOP'])\n{PATIENT}")

    assert processes.log("sign").read_text().splitlines()[0] == "סופר"
    assert (processes.logs / "sign.log.1").read_text().splitlines()[0] == "מכולת"


def test_verbose_shows_what_children_print_and_keeps_it(
    processes: ManagedProcesses, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    processes.verbose = True
    with processes:
        _start(processes, "till", PATIENT)

    assert b"till: ready" in capfdbinary.readouterr().err
    assert "ready" in processes.log("till").read_text()


def test_a_log_has_a_limited_size_and_so_have_the_older_ones(processes: ManagedProcesses) -> None:
    lines = 5 * LOG_BYTES // 50_000
    with processes:
        _start(processes, "till", f"for _ in range({lines}): print('x' * 49_999)\n{PATIENT}")

    sizes = {path.name: path.stat().st_size for path in processes.logs.iterdir()}
    assert sizes.keys() == {"till.log", *(f"till.log.{number}" for number in range(1, LOGS_KEPT + 1))}
    assert max(sizes.values()) <= LOG_BYTES


def test_what_a_killed_command_left_is_ended_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    mine = ManagedProcesses(logs=tmp_path, environment={"GOGOBE_HOME": str(tmp_path)}, folder=tmp_path)
    with mine:
        mine.start("sleeper", ["sleep", "300"])
        subprocess.run([sys.executable, "-c", KILLED_COMMAND, str(tmp_path)], check=False)

        left = end_leftovers(tmp_path)

        assert len(left) == 1
        assert not psutil.pid_exists(left[0]) or not _is_running(psutil.Process(left[0]))
        assert len(mine.running()) == 1


def _start(processes: ManagedProcesses, name: str, program: str) -> None:
    processes.start(name, [sys.executable, "-c", program])
    _wait_for_ready(processes, name)


def _wait_for_ready(processes: ManagedProcesses, name: str) -> None:
    wait_for_progress(lambda: "ready" in processes.log(name).read_text(), what=name, poll_seconds=0.05)


def _is_running(process: psutil.Process) -> bool:
    time.sleep(0.05)
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
