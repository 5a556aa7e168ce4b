"""The Cerberus portal behaves as described in docs/portals.md, "Cerberus"."""

from datetime import timedelta

import pytest
import requests

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.conftest import MovableClock
from gogobe_dagster_tests.replica.portal_clients import TOKEN, CerberusVisitor, full_prices

RAMI_LEVY, SUPER_YUDA, YELLOW = "7290058140886", "7290058177776", "7290644700005"


def test_a_visitor_logs_in_lists_and_downloads(replica: Replica, cerberus: CerberusVisitor) -> None:
    milk, bread = full_prices(RAMI_LEVY, (1, 2))
    replica.publications("rami_levy").put(bread, milk)

    entered = cerberus.log_in("RamiLevi")
    answer = cerberus.ask().json()

    assert entered.url == f"{replica.url}/cerberus/file"
    assert entered.history[0].status_code == 302
    assert (answer["sEcho"], answer["iTotalRecords"], answer["iTotalDisplayRecords"]) == (1, 2, 2)
    assert answer["aaData"][0] == {
        "DT_RowId": "f1",
        "fname": milk.name,
        "name": milk.name,
        "type": "file",
        "typeLabel": "GZ file",
        "size": len(milk.read()),
        "ftime": "08/11/2026 12:01",
        "time": "2026-08-11T09:01:00Z",
    }
    assert cerberus.download(milk.name).content == milk.read()


def test_the_session_cookie_stays_below_the_mount(cerberus: CerberusVisitor) -> None:
    cerberus.log_in("RamiLevi")

    assert [(cookie.name, cookie.path) for cookie in cerberus.session.cookies] == [("cftpSID", "/cerberus/")]


@pytest.mark.parametrize(
    ("user", "password"), [("RamiLevi", "guess"), ("ramilevi", ""), ("Victory", ""), ("Paz_bo", "")]
)
def test_a_wrong_login_ends_at_the_form_again_with_200(
    cerberus: CerberusVisitor, user: str, password: str
) -> None:
    answer = cerberus.log_in(user, password)

    assert answer.status_code == 200
    assert answer.url.endswith("/login")
    assert 'action="/cerberus/login/user"' in answer.text


def test_accounts_with_a_password_and_their_own_files(replica: Replica, cerberus: CerberusVisitor) -> None:
    replica.publications("rami_levy").put(*full_prices(RAMI_LEVY, (1,)))
    replica.publications("yellow").put(*full_prices(YELLOW, (7, 8)))

    cerberus.log_in("Paz_bo", "paz468")

    assert [row["fname"][9:22] for row in cerberus.rows()] == [YELLOW, YELLOW]


def test_a_login_with_the_token_of_an_older_page_is_refused(cerberus: CerberusVisitor) -> None:
    old = TOKEN.findall(cerberus.session.get(f"{cerberus.url}/login").text)[0]
    cerberus.session.get(f"{cerberus.url}/login")

    answer = cerberus.session.post(
        f"{cerberus.url}/login/user", data={"username": "RamiLevi", "password": "", "csrftoken": old}
    )

    assert answer.url.endswith("/login")


def test_a_wrong_token_is_200_with_an_error_and_the_login_token_is_dead(
    replica: Replica, cerberus: CerberusVisitor
) -> None:
    replica.publications("rami_levy").put(*full_prices(RAMI_LEVY, (1,)))
    login_token = TOKEN.findall(cerberus.session.get(f"{cerberus.url}/login").text)[0]
    cerberus.log_in("RamiLevi")

    for token in ("", "wrong", login_token):
        answer = cerberus.ask(csrftoken=token)
        assert answer.status_code == 200
        assert answer.json()["aaData"] == []
        assert "error" in answer.json()


def test_a_new_file_page_kills_the_token_before_it(cerberus: CerberusVisitor) -> None:
    cerberus.log_in("RamiLevi")
    cerberus.session.get(f"{cerberus.url}/file")

    assert "error" in cerberus.ask().json()


def test_get_instead_of_post_is_200_with_an_error(cerberus: CerberusVisitor) -> None:
    cerberus.log_in("RamiLevi")

    answer = cerberus.session.get(f"{cerberus.url}/file/json/dir")

    assert answer.status_code == 200
    assert answer.json() == {"aaData": [], "error": "Invalid request method used for this operation."}


def test_without_a_session_the_list_is_the_login_page_and_a_download_leads_there(
    replica: Replica, cerberus: CerberusVisitor
) -> None:
    (milk,) = full_prices(RAMI_LEVY, (1,))
    replica.publications("rami_levy").put(milk)

    listed = cerberus.ask()
    fetched = requests.get(f"{cerberus.url}/file/d/{milk.name}", timeout=10)

    assert (listed.status_code, listed.history) == (200, [])
    assert "login-form" in listed.text
    assert fetched.history[0].status_code == 302
    assert "login-form" in fetched.text


def test_a_session_expires_after_half_an_hour_without_a_request(
    cerberus: CerberusVisitor, clock: MovableClock
) -> None:
    cerberus.log_in("RamiLevi")

    clock.time += timedelta(minutes=29)
    still_there = cerberus.ask()
    clock.time += timedelta(minutes=29)
    kept_alive = cerberus.ask()
    clock.time += timedelta(minutes=31)
    gone = cerberus.ask()

    assert still_there.json()["aaData"] == []
    assert "aaData" in kept_alive.json()
    assert "login-form" in gone.text


def test_rows_are_paged_searched_and_sorted_by_the_server(
    replica: Replica, cerberus: CerberusVisitor
) -> None:
    files = full_prices(RAMI_LEVY, range(1, 26))
    replica.publications("rami_levy").put(*files)
    cerberus.log_in("RamiLevi")

    first, third = (
        cerberus.ask(iDisplayLength=10).json(),
        cerberus.ask(iDisplayStart=20, iDisplayLength=10).json(),
    )
    found = cerberus.ask(sSearch="pricefull7290058140886-001-007-").json()
    newest = cerberus.rows(mDataProp_3="ftime", iSortCol_0=3, sSortDir_0="desc")

    assert (len(first["aaData"]), len(third["aaData"])) == (10, 5)
    assert first["iTotalDisplayRecords"] == third["iTotalDisplayRecords"] == 25
    assert third["aaData"][0]["DT_RowId"] == "f21"
    assert (found["iTotalRecords"], found["iTotalDisplayRecords"]) == (25, 1)
    assert newest[0]["fname"] == max(files, key=lambda file: file.published_at).name


def test_super_yuda_publishes_in_a_folder(replica: Replica, cerberus: CerberusVisitor) -> None:
    (milk,) = full_prices(SUPER_YUDA, (1,))
    replica.publications("super_yuda").put(milk)
    cerberus.log_in("yuda_ho", "Yud@147")

    assert [(row["type"], row["fname"]) for row in cerberus.rows(cd="/")] == [("folder", "Yuda")]
    assert [row["fname"] for row in cerberus.rows(cd="/Yuda")] == [milk.name]
    assert "error" in cerberus.ask(cd="/elsewhere").json()
    assert cerberus.download(f"Yuda/{milk.name}").content == milk.read()
    assert cerberus.download(milk.name).status_code == 404


def test_what_is_put_while_it_runs_is_listed_with_its_own_time(
    replica: Replica, cerberus: CerberusVisitor
) -> None:
    cerberus.log_in("RamiLevi")
    before = cerberus.rows()
    (milk,) = full_prices(RAMI_LEVY, (1,))

    replica.publications("rami_levy").put(milk)
    after = cerberus.rows()
    replica.publications("rami_levy").remove(milk.name)

    assert before == []
    assert [row["ftime"] for row in after] == [
        milk.published_at.astimezone(ISRAEL).strftime("%m/%d/%Y %H:%M")
    ]
    assert cerberus.rows() == []
