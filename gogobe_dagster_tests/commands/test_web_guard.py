"""Forged requests to the web server that `gogobe up` starts, as a hostile web page would send them."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import requests

from gogobe_dagster.commands.up import WEB_SERVER
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.waiting import cpu_seconds, wait_for_progress

pytestmark = pytest.mark.slow

EVIL = "http://evil.example"
PASSWORD = "סוד: with a colon"
QUESTION = {"query": "{ __typename }"}
ANSWER = {"data": {"__typename": "Query"}}
SHUT_DOWN = 'mutation { shutdownRepositoryLocation(repositoryLocationName: "gogobe_dagster") { __typename } }'
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "graphql-ws",
}
MALFORMED = ({"Authorization": "Basic"}, {"Authorization": "Basic !"}, {"Authorization": "Bearer c2VjcmV0"})
FOLLOWED_LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server without code locations that asks for a password."""
    home = tmp_path_factory.mktemp("home")
    settings = {
        "GOGOBE_WEB_HOSTS": "prices.example",
        "GOGOBE_WEB_PASSWORD": PASSWORD,
        "GOGOBE_HOME": str(home),
    }
    (home / "reports").mkdir()
    (home / "reports" / "2026-11-29.html").write_text("<p>מחירים</p>", encoding="utf-8")
    with web_server(tmp_path_factory.mktemp("web"), **settings) as port:
        yield port


@contextmanager
def web_server(folder: Path, **settings: str) -> Iterator[int]:
    Path(folder, "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    Path(folder, "workspace.yaml").write_text("load_from: []\n")
    port = free_port()
    command = [sys.executable, "-m", WEB_SERVER, "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml"]
    environment = os.environ | {"DAGSTER_HOME": str(folder)} | settings
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        try:
            what = psutil.Process(process.pid)
            wait_for_progress(
                lambda: answers(port), what="the web server", progress=lambda: cpu_seconds([what])
            )
            assert PASSWORD not in " ".join(what.cmdline())
            yield port
        finally:
            process.terminate()


def answers(port: int) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(f"http://127.0.0.1:{port}/server_info", timeout=60).ok
    return False


def basic(password: str) -> dict[str, str]:
    return {"Authorization": requests.auth._basic_auth_str(b"anybody", password.encode())}  # noqa: SLF001


KNOWN = basic(PASSWORD)
"""Browsers send a password that they know along with the requests of any page."""


def ask(port: int, headers: Mapping[str, str], known: Mapping[str, str] = KNOWN) -> requests.Response:
    url = f"http://127.0.0.1:{port}/graphql"
    return requests.post(url, json=QUESTION, headers={**known, **headers}, timeout=60)


def load(
    port: int, headers: Mapping[str, str], path: str = "/runs", known: Mapping[str, str] = KNOWN
) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{port}{path}", headers={**known, **headers}, timeout=60)


def connect(port: int, headers: Mapping[str, str], known: Mapping[str, str] = KNOWN) -> int:
    """Return the status of a websocket's handshake: 101 opens it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/graphql", headers={**HANDSHAKE, **known, **headers})
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_web_ui_and_programs_on_this_machine_are_answered(port: int) -> None:
    own = f"http://127.0.0.1:{port}"

    assert ask(port, {}).json() == ANSWER
    assert ask(port, {"Origin": own, "Sec-Fetch-Site": "same-origin"}).json() == ANSWER
    assert load(port, {}).status_code == 200
    assert load(port, {"Host": f"[::1]:{port}"}).status_code == 200
    assert connect(port, {"Origin": own, "Sec-Fetch-Site": "same-origin"}) == 101
    assert connect(port, {}) == 101


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1@evil", "["]
)
def test_a_foreign_host_name_is_refused(port: int, host: str) -> None:
    """A page whose own name now points at this machine: to the browser it is the same origin."""
    rebound = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}

    assert load(port, {"Host": host}).status_code == 403
    assert ask(port, rebound).status_code == 403
    assert connect(port, rebound) == 403


def test_two_host_names_are_refused(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("GET", "/runs")
    connection.putheader("Host", "evil.example")
    connection.endheaders()

    assert connection.getresponse().status in {400, 403}
    connection.close()


@pytest.mark.parametrize(
    "origin",
    [EVIL, "null", "http://localhost:8080", "https://127.0.0.1", "http://127.0.0.1.evil", ""],
)
def test_a_page_of_another_site_or_port_is_refused(port: int, origin: str) -> None:
    assert ask(port, {"Origin": origin}).status_code == 403
    assert load(port, {"Origin": origin}).status_code == 403
    assert connect(port, {"Origin": origin}) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_may_only_link_to_the_web_ui(port: int, site: str) -> None:
    link = {**FOLLOWED_LINK, "Sec-Fetch-Site": site}

    assert load(port, link).status_code == 200
    assert load(port, {**link, "Sec-Fetch-Dest": "iframe"}).status_code == 403
    assert load(port, {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}).status_code == 403
    assert ask(port, link).status_code == 403
    assert load(port, {}).headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/%67raphql"])
def test_graphql_is_not_answered_to_get(port: int, path: str) -> None:
    path = f"{path}?query={quote(SHUT_DOWN)}"

    assert load(port, {}, path).status_code == 405
    assert load(port, FOLLOWED_LINK, path).status_code == 405


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/plain; application/json",
        "application/graphql",
        "",
    ],
)
def test_graphql_is_read_as_json_only(port: int, content_type: str) -> None:
    """The types that a form of another site can have are sent without asking the server first."""
    url, text = f"http://127.0.0.1:{port}/graphql", '{"query": "{ __typename }"}'
    headers = {**KNOWN, "Content-Type": content_type}

    assert requests.post(url, params=QUESTION, data=text, headers=headers, timeout=60).status_code == 415


def test_the_name_of_a_reverse_proxy_is_allowed_by_a_setting(port: int) -> None:
    proxied = {"Host": "prices.example", "Origin": "https://prices.example"}

    assert ask(port, proxied).json() == ANSWER
    assert ask(port, {"Origin": "https://prices.example"}).json() == ANSWER
    assert connect(port, proxied) == 101
    assert ask(port, {**proxied, "Origin": EVIL}).status_code == 403


def test_without_the_password_nothing_but_the_versions_is_answered(port: int) -> None:
    for path in ("/", "/runs", "/server_info/", "/logs/x.out"):
        assert load(port, {}, path, known={}).status_code == 401
    assert connect(port, {}, known={}) == 403
    for wrong in ({}, basic("wrong"), basic(""), *MALFORMED):
        assert ask(port, {}, known=wrong).status_code == 401
    assert "Basic" in load(port, {}, known={}).headers["WWW-Authenticate"]
    assert load(port, {}, "/server_info", known={}).status_code == 200


def test_a_daily_report_is_served_beside_the_web_ui_and_can_run_nothing(port: int) -> None:
    there, missing = (load(port, {}, f"/reports/{day}.html") for day in ("2026-11-29", "2026-11-28"))
    stranger = load(port, {}, "/reports/2026-11-29.html", known={})

    assert (there.text, there.headers["content-type"]) == ("<p>מחירים</p>", "text/html; charset=utf-8")
    assert there.headers["content-security-policy"].startswith("default-src 'none';")
    assert (missing.status_code, stranger.status_code) == (404, 401)
    assert "materialize the asset daily_report" in missing.text
