"""The official register compared with ours: the real page, every kind of difference, every failure."""

import json
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from gogobe_dagster.commands.main import gogobe
from gogobe_dagster.defs.register_drift import ASSET, CHECK, JOB
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.official_register import official_account_of
from gogobe_dagster.feeds.register_drift import DriftKind, drift
from gogobe_dagster.feeds.registry import DISABLED, FEEDS, find_feed
from gogobe_dagster.portals.gov_register import parse_table, read_official_register
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.families import RECORDED_FEEDS
from gogobe_dagster_tests.portals.conftest import QUICK
from gogobe_dagster_tests.portals.servers import says, scripted

WITHOUT_CONNECTOR_AT_FIRST = {"shop.hazi-hinam.co.il", "app.netiv-hesed.com", "citymarket-shops.co.il"}
TABLE = '<table><tr><th>שם</th><th>קישור</th><th>מידע</th></tr><tr><td>{}</td><td><a href="{}">לצפייה</a></td><td>{}</td></tr></table>'  # noqa: E501
CLOUDFLARE = b"<html><title>Just a moment...</title></html>"
F5 = b'<html><head><script src="/TSPD/0812?type=9"></script></head><body>JavaScript, please</body></html>'
REJECTED = b"<html><body>The requested URL was rejected. Your support ID is: 123</body></html>"


def settings(url: str, client_id: str = "any") -> Settings:
    return Settings(replica_url=url, gov_il_client_id=client_id)


def one_row(name: str, link: str, remarks: str = "") -> list[tuple[str, str]]:
    (row,) = parse_table(TABLE.format(name, link, remarks), "here")
    return [(account.label, account.password) for account in row.accounts]


@pytest.mark.corpus
def test_the_recorded_page_of_june_lists_our_feeds_and_no_other(corpus: Path) -> None:
    """Its row of Quik is not a difference, because that feed is disabled."""
    page = (corpus / "portals" / "govil_cpfta_prices_regulations.html").read_text(encoding="utf-8")

    found = drift(parse_table(page, "gov.il"), RECORDED_FEEDS, DISABLED)

    unknown = WITHOUT_CONNECTOR_AT_FIRST - {official_account_of(feed).label for feed in RECORDED_FEEDS}
    assert {(row.change, row.official) for row in found} == {(DriftKind.NEW, label) for label in unknown}


def test_the_replica_serves_the_register_that_we_have() -> None:
    with Replica() as replica:
        page = read_official_register(settings(replica.url), policy=QUICK)

    assert drift(page.rows, FEEDS, DISABLED) == []
    assert sum(len(row.accounts) for row in page.rows) == len(FEEDS)


def test_a_company_that_is_no_longer_listed_is_gone() -> None:
    left = {feed.key: Publications() for feed in FEEDS if feed.key != "wolt_market"}
    with Replica(left) as replica:
        page = read_official_register(settings(replica.url), policy=QUICK)

    (gone,) = drift(page.rows, FEEDS, DISABLED)

    assert (gone.change, gone.feed, gone.ours, gone.official) == (
        DriftKind.GONE,
        "wolt_market",
        "wm-gateway.wolt.com",
        "",
    )


def test_a_company_that_we_do_not_have_is_new() -> None:
    ours = [feed for feed in FEEDS if feed.key != "keshet"]
    with Replica() as replica:
        page = read_official_register(settings(replica.url), policy=QUICK)

    (new,) = drift(page.rows, ours, DISABLED)

    assert (new.change, new.official) == (DriftKind.NEW, "publishedprices.co.il, user Keshet")
    assert new.legal_name == find_feed("keshet").legal_name


@pytest.mark.parametrize(
    ("key", "ours", "expected"),
    [
        (
            "king_store",
            {"base_url": "https://www.kingstore.co.il"},
            ("kingstore.co.il", "kingstore.binaprojects.com"),
        ),
        (
            "keshet",
            {"account": "keshet"},
            ("publishedprices.co.il, user keshet", "publishedprices.co.il, user Keshet"),
        ),
        ("dabbah", {"password": "54321"}, ("password 54321", "password 12345")),
        ("dabbah", {"password": ""}, ("password (none)", "password 12345")),
    ],
)
def test_a_portal_that_moved_and_a_login_that_changed_are_one_changed_row(
    key: str, ours: dict[str, str], expected: tuple[str, str]
) -> None:
    feeds = [replace(feed, **ours) if feed.key == key else feed for feed in FEEDS]  # type: ignore[arg-type]
    with Replica() as replica:
        page = read_official_register(settings(replica.url), policy=QUICK)

    (changed,) = drift(page.rows, feeds, DISABLED)

    assert (changed.change, changed.feed) == (DriftKind.CHANGED, key)
    assert (changed.ours, changed.official) == expected


@pytest.mark.parametrize(
    ("remarks", "expected"),
    [
        ("שם משתמש:doralon סיסמא (אין צורך)", [("doralon", "")]),
        ("שם משתמש - SalachD סיסמא: 12345", [("SalachD", "12345")]),
        ("שם משתמש- politzer סיסמא- אין צורך", [("politzer", "")]),
        (
            "יילו -  שם משתמש : Paz_bo סיסמא: paz468 User- yuda_ho Password- Yud@147",
            [("Paz_bo", "paz468"), ("yuda_ho", "Yud@147")],
        ),
    ],
)
def test_logins_are_parsed_from_the_remarks(remarks: str, expected: list[tuple[str, str]]) -> None:
    accounts = one_row("פז", "https://url.retail.publishedprices.co.il/login", remarks)

    assert accounts == [(f"publishedprices.co.il, user {user}", password) for user, password in expected]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (says(CLOUDFLARE, "Content-Type: text/html", status="403 Forbidden"), Code.BOT_CHALLENGE),
        (says(F5), Code.BOT_CHALLENGE),
        (says(REJECTED), Code.BOT_CHALLENGE),
        (says(b"<html><body>the shell of the site</body></html>"), Code.LISTING_SCHEMA_CHANGED),
        (says(b'{"contentMain": {}}'), Code.LISTING_SCHEMA_CHANGED),
        (says(b'{"message": "Unauthorized"}', status="401 Unauthorized"), Code.AUTH_FAILED),
        (says(b"", status="500 Internal Server Error"), Code.HTTP_ERROR),
    ],
)
def test_a_page_that_is_not_the_register_has_a_code(answer: object, code: Code) -> None:
    with scripted(answer) as server, pytest.raises(PortalError) as refused:  # type: ignore[arg-type]
        read_official_register(settings(server.url), policy=QUICK)

    assert refused.value.code is code


@pytest.mark.parametrize("rows", ["", "<table><tr><td>חברה</td><td>בלי קישור</td><td></td></tr></table>"])
def test_a_page_without_companies_or_a_row_without_account_is_an_error(rows: str) -> None:
    content = {
        "contentHead": {"metaData": {"תאריך עדכון": [{"title": "01.01.2027"}]}},
        "contentMain": {"htmlContents": [{"sectionData": f"<p>{rows}</p>"}]},
    }
    with scripted(says(json.dumps(content).encode())) as server, pytest.raises(PortalError) as refused:
        read_official_register(settings(server.url), policy=QUICK)

    assert refused.value.code is Code.LISTING_SCHEMA_CHANGED


def test_without_the_client_id_no_request_is_sent() -> None:
    with pytest.raises(PortalError, match="GOGOBE_GOV_IL_CLIENT_ID is empty") as refused:
        read_official_register(settings("http://127.0.0.1:1", client_id=""))

    assert refused.value.code is Code.AUTH_FAILED


def test_dagster_and_the_command_line_report_the_same_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    from gogobe_dagster.definitions import build_definitions

    left = {feed.key: Publications() for feed in FEEDS if feed.key not in {"wolt_market", "keshet"}}
    monkeypatch.setenv("GOGOBE_GOV_IL_CLIENT_ID", "any")
    monkeypatch.setenv("COLUMNS", "200")
    with Replica(left) as replica:
        monkeypatch.setenv("GOGOBE_REPLICA_URL", replica.url)
        definitions = build_definitions()
        run = dg.materialize([definitions.resolve_assets_def(ASSET)])
        ended = CliRunner().invoke(gogobe, ["register"])

    (check,) = run.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == (CHECK, False)
    table = check.metadata["differences"]
    assert isinstance(table, dg.TableMetadataValue)
    assert {(row.data["change"], row.data["feed"]) for row in table.records} == {
        ("gone", "wolt_market"),
        ("gone", "keshet"),
    }
    assert ended.exit_code == 1
    for row in table.records:
        assert str(row.data["ours"]) in ended.output
    (schedule,) = [schedule for schedule in definitions.schedules or [] if schedule.name == f"{JOB}_weekly"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.cron_schedule == "0 8 * * 1"
    assert schedule.execution_timezone == "Asia/Jerusalem"


def test_a_bot_challenge_of_gov_il_fails_the_step_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    from gogobe_dagster.definitions import build_definitions

    monkeypatch.setenv("GOGOBE_GOV_IL_CLIENT_ID", "any")
    with Replica() as replica:
        monkeypatch.setenv("GOGOBE_REPLICA_URL", replica.url)
        replica.faults.switch_on("bot_challenge")
        run = dg.materialize([build_definitions().resolve_assets_def(ASSET)], raise_on_error=False)
        ended = CliRunner().invoke(gogobe, ["register"])

    (failed,) = run.filter_events(lambda event: event.is_step_failure)
    assert "bot_challenge" in str(failed.step_failure_data.user_failure_data)
    assert ended.exit_code == 1
    assert "bot_challenge" in ended.output
