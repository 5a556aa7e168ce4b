"""What is printed of others: no control characters and no secrets, whatever form they have."""

import io
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo
from rich.console import Console

from gogobe_dagster.commands.tables import add_row, failure, plain_table
from gogobe_dagster.errors import Code, PortalError, SettingsError
from gogobe_dagster.printable import printable, without_secrets
from gogobe_dagster_tests.commands.run import run_gogobe

RED, BELL, TURN = "\x1b[31m", "\x07", "\u202e"
HOSTILE = f"PriceFull[/bold]{RED}{BELL}{TURN}gz.exe\x9b2J\u2066\r\\"

# The marker is recognized wherever a part of the secret is printed.
secrets = st.text(string.ascii_letters + string.digits + "/#?:@=%+&;!.,*()[]{}~^|'\"<>\\-_", max_size=8).map(
    lambda text: f"Xq{text}Zj"
)
names = st.text(string.ascii_lowercase, min_size=1, max_size=8)


def shown(*cells: str) -> str:
    table, output = plain_table(""), io.StringIO()
    for _ in cells:
        table.add_column("")
    add_row(table, *cells)
    Console(file=output, width=400, force_terminal=True).print(table)
    return output.getvalue()


def test_a_hostile_name_is_shown_and_not_obeyed() -> None:
    output = shown(HOSTILE)

    assert r"PriceFull[/bold]\x1b[31m\x07\u202egz.exe\x9b2J\u2066\r" in output
    assert not set(output) & {"\x07", "\x9b", TURN, "\u2066", "\r"}


@given(st.text(max_size=40))
def test_whatever_a_text_is_it_is_shown_without_control_characters(text: str) -> None:
    output = printable(text)

    assert all(character.isprintable() or character in "\n\xa0\u3000\u2000" or character.isspace()
               or ord(character) > 0x9F for character in output)  # fmt: skip
    assert not any(ord(character) < 0x20 and character != "\n" for character in output)
    output.encode()  # no half of a surrogate pair, which a terminal in UTF-8 could not print
    assert printable(output) == output


def test_a_code_is_red_and_its_reason_is_text() -> None:
    assert str(failure("dns_dead", f"[red]{BELL}")) == r"dns_dead: [red]\x07"


def test_a_reason_is_fit_to_print_before_it_is_kept() -> None:
    error = PortalError(Code.HTTP_ERROR, f"https://user:geheim@portal.example/x{RED}")

    assert error.reason == str(error) == r"https://user:***@portal.example/x\x1b[31m"


@given(names, secrets)
def test_a_password_in_a_url_is_hidden_also_where_the_url_is_not_well_formed(user: str, secret: str) -> None:
    host = "db.example"
    for scheme in ("postgresql", "http", "ftp", "postgresql+psycopg2", "mailtos"):
        for password in (secret, quote(secret, safe="")):
            text = without_secrets(f"no answer at {scheme}://{user}:{password}@{host}:80/path, says {host}")
            assert "Xq" not in text
            assert "Zj" not in text
            assert f"{scheme}://{user}:***@{host}:80/path" in text


@given(names, secrets)
def test_a_password_in_libpqs_keywords_is_hidden(user: str, secret: str) -> None:
    conninfo = make_conninfo(host="db", user=user, password=secret, dbname="gogobe")

    for text in (conninfo, f"cannot read {conninfo!r}", f"postgresql://db/gogobe?user={user}&password=Xq1Zj"):
        assert "Xq" not in without_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://prices.example/file/d/x.gz: status 404",
        "postgresql://gogobe_owner@/gogobe?host=/tmp/x",
        "write to people@example.org",
        "the page says: user@example.org at https://prices.example",
        "a token that its own page had issued",
        "password authentication failed for user",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GOGOBE_FEED__KESHET__PASWORD", "XqZj"),
        ("GOGOBE_FEED__KESHET__PROXY", "socks5://user:XqZj@proxy:80"),
        ("GOGOBE_FEED__KESHET__PROXY", "http://user:Xq/Zj@proxy:80"),
        ("GOGOBE_FEED__KESHET__BASE_URL", "ftp://user:XqZj@portal"),
        ("GOGOBE_FEED__KESHET__BASE_URL", "http://portal:XqZj"),
        ("GOGOBE_FEED__KESHET__FTP_URL", "ftp://user:Xq#Zj@portal"),
        ("GOGOBE_FEED", '{"shufersal": {"password": "XqZj", "transport": "ftp"}}'),
        ("GOGOBE_FEED", '{"keshet": {"password": "XqZj", "nonsense": "XqZj"}}'),
        ("GOGOBE_FEED", '{"keshet": "password XqZj"}'),
        ("GOGOBE_FEED", '{"keshet": {"password": "XqZj"'),
        ("GOGOBE_REPLICA_URL", "gopher://user:XqZj@host"),
        ("GOGOBE_REPLICA_URL", "http://host:XqZj"),
        ("GOGOBE_DATABASE_URL", "host=db password=XqZj dbname=gogobe"),
        ("GOGOBE_DATABASE_URL", "mysql://user:XqZj@db/gogobe"),
        ("GOGOBE_DATABASE_URL", "postgresql://user:pw@127.0.0.1:XqZj/gogobe"),
        ("GOGOBE_DATABASE_URL", "postgresql://user:Xq/Zj@127.0.0.1:1/gogobe"),
        ("GOGOBE_DATABASE_URL", "postgresql://user:Xq%Zj@127.0.0.1:1/gogobe"),
        ("GOGOBE_DAGSTER_DATABASE_URL", "host=db password=XqZj"),
    ],
)
def test_a_wrong_setting_is_a_sentence_without_its_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, variable: str, value: str
) -> None:
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path))
    monkeypatch.setenv("GOGOBE_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    monkeypatch.setenv("GOGOBE_DAGSTER_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    monkeypatch.setenv(variable, value)

    for command in (("env",), ("status",)):
        code, output = run_gogobe(*command)
        if command == ("status",) or code:
            assert code == 1, output
            assert output.startswith("gogobe: ")
            assert "Traceback" not in output
            assert "XqZj" not in output.replace("\n", "")
            assert "Zj" not in output


def test_a_setting_that_holds_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_FEED__KESHET__TRANSPORT", "pigeon")
    with pytest.raises(SettingsError, match="TRANSPORT='pigeon'"):
        raise SettingsError(run_gogobe("status")[1])
