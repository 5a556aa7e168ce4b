"""`gogobe replica`, as a person runs it."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ftplib import FTP

import pytest
import requests

pytestmark = pytest.mark.slow

GOGOBE = (sys.executable, "-c", "from gogobe_dagster.commands.replica import replica; replica()")


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and the URL that it prints."""
    process = subprocess.Popen((*GOGOBE, "--port", "0", *options), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        output = process.stdout.readline() + process.stdout.readline()
        found = re.search(r"^export GOGOBE_REPLICA_URL=(http://127\.0\.0\.1:\d+)$", output, re.MULTILINE)
        assert found, output
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*GOGOBE, *options), capture_output=True, text=True, timeout=60, check=False)


def listed(url: str) -> int:
    return len(requests.get(f"{url}/bina/kingstore/MainIO_Hok.aspx", timeout=10).json())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_answers_and_stops_cleanly(number: signal.Signals) -> None:
    with running("--feed", "king_store") as (process, url):
        assert listed(url) > 5
        assert requests.get(f"{url}/cerberus/login", timeout=10).ok

        process.send_signal(number)

        assert process.wait(10) == 0


def test_it_prints_where_the_accounts_of_cerberus_are_over_ftp() -> None:
    with running("--feed", "keshet") as (process, _):
        assert process.stdout is not None
        host, port = re.findall(r"ftp://([\d.]+):(\d+)", process.stdout.readline())[0]
        with FTP() as line:  # noqa: S321 - that is the door
            line.connect(host, int(port), timeout=10)
            line.login("Keshet")
            assert any(name.startswith("PriceFull") for name in line.nlst())


def test_with_keep_publishing_new_files_appear_while_it_runs() -> None:
    with running("--feed", "king_store", "--keep-publishing", "0.1") as (process, url):
        at_first = listed(url)
        assert process.stdout is not None
        while not re.search(r"  [1-9]\d* new files", process.stdout.readline()):
            pass

        assert listed(url) > at_first


def test_a_fault_is_on_from_the_start() -> None:
    with running("--family", "bina", "--fault", "portal_down:king_store") as (_, url):
        assert requests.get(f"{url}/bina/kingstore/MainIO_Hok.aspx", timeout=10).status_code == 503
        assert requests.get(f"{url}/bina/goodpharm/MainIO_Hok.aspx", timeout=10).ok
        assert requests.get(f"{url}/shufersal/", timeout=10).status_code == 404


def test_a_taken_port_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("--feed", "king_store", "--port", str(taken.getsockname()[1]))

    assert ended.returncode == 1
    assert "Address already in use" in ended.stderr
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--fault", "zero_bytes"), "zero_byte"),
        (("--feed", "ramilevi"), "rami_levy"),
        (("--scale", "0"), "range"),
    ],
)
def test_wrong_options_say_what_would_be_right(options: tuple[str, ...], hint: str) -> None:
    ended = run(*options)

    assert ended.returncode == 2
    assert hint in ended.stderr


def test_fault_help_lists_every_fault_with_its_meaning() -> None:
    assert "truncated_gzip" in run("--fault", "help").stdout
