"""Faults are switched on for a feed, for names, for a number of times, and off; those of any request."""

import time
from statistics import median

import pytest
import requests

from gogobe_dagster.replica.faults import FAULTS, Faults
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import file_url, get, listing


@pytest.mark.parametrize(("fault", "status"), [("portal_down", 503), ("bot_challenge", 403)])
def test_a_fault_of_every_request_hits_pages_and_files_until_switched_off(
    replica: Replica, king_store: str, fault: str, status: int
) -> None:
    replica.faults.switch_on(fault, feed="king_store")

    answers = [listing(king_store), get(file_url(king_store, replica)), get(f"{king_store}/Main.aspx")]
    replica.faults.switch_off(fault)

    assert [answer.status_code for answer in answers] == [status] * 3
    assert listing(king_store).ok


def test_times_counts_the_requests_that_were_spoiled(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("portal_down", feed="king_store", times=2)

    assert [listing(king_store).status_code for _ in range(3)] == [503, 503, 200]
    assert replica.faults.active() == []


def test_a_fault_of_one_feed_spares_the_others(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("portal_down", feed="maayan_2000")

    assert listing(king_store).ok
    assert get(f"{replica.url}/bina/maayan2000/MainIO_Hok.aspx").status_code == 503


def test_a_fault_of_some_names_spares_pages_and_other_files(replica: Replica, king_store: str) -> None:
    first, second = replica.publications("king_store").all()[:2]
    replica.faults.switch_on("portal_down", names=f"*-{first.store_id:03}-2026*")

    assert listing(king_store).ok
    assert get(f"{king_store}/Download/{first.name}").status_code == 503
    assert get(f"{king_store}/Download/{second.name}").ok


def test_a_reset_connection_gives_no_answer(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("connection_reset", times=1)

    with pytest.raises(requests.ConnectionError, match="reset"):
        listing(king_store)
    assert listing(king_store).ok


def test_a_slow_page_is_slow_and_right(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("slow_page", seconds=0.4, times=1)

    started = time.monotonic()
    answer = listing(king_store)

    assert time.monotonic() - started >= 0.4
    assert len(answer.json()) == 30


def test_a_timeout_happens_once(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("timeout_once", seconds=0.2)

    with pytest.raises(requests.ConnectionError):
        listing(king_store)
    assert listing(king_store).ok


def test_without_faults_an_answer_takes_milliseconds(king_store: str) -> None:
    """It was 0.04 s with Nagle's algorithm on, in every round; a busy machine has quiet rounds too."""

    def seconds_per_answer() -> float:
        took = []
        with requests.Session() as session:
            for _ in range(21):
                started = time.monotonic()
                session.get(f"{king_store}/MainIO_Hok.aspx", timeout=10)
                took.append(time.monotonic() - started)
        return median(took)

    assert any(seconds_per_answer() < 0.025 for _ in range(20))


def test_a_visitor_who_gave_up_does_not_hold_the_replica_up(king_store: str, replica: Replica) -> None:
    replica.faults.switch_on("slow_page", seconds=60)
    with pytest.raises(requests.Timeout):
        requests.get(f"{king_store}/MainIO_Hok.aspx", timeout=0.2)

    started = time.monotonic()
    replica.stop()

    assert time.monotonic() - started < 30, "half of what the slow page takes"


def test_unknown_faults_and_feeds_are_refused_with_what_there_is() -> None:
    faults = Faults({"rami_levy"})

    with pytest.raises(ValueError, match=r"no fault 'truncated_gz'; there are: .*truncated_gzip"):
        faults.switch_on("truncated_gz")
    with pytest.raises(ValueError, match="no feed 'ramilevy' here; there are: rami_levy"):
        faults.switch_on("zero_byte", feed="ramilevy")


def test_faults_are_switched_off_by_name_by_feed_or_all() -> None:
    faults = Faults({"rami_levy", "shufersal"})
    for name in ("zero_byte", "wrong_crc"):
        for feed in ("rami_levy", "shufersal"):
            faults.switch_on(name, feed=feed)

    faults.switch_off("zero_byte", feed="rami_levy")
    assert len(faults.active()) == 3
    faults.switch_off(feed="shufersal")
    assert [(fault.name, fault.feed) for fault in faults.active()] == [("wrong_crc", "rami_levy")]
    faults.switch_off()
    assert faults.active() == []


def test_the_page_for_people_and_the_switches_over_http(replica: Replica, king_store: str) -> None:
    on = requests.post(f"{replica.url}/control/faults", json={"name": "portal_down", "times": 5}, timeout=10)
    spoiled_by_it = listing(king_store)
    page = get(f"{replica.url}/")
    known = get(f"{replica.url}/control/faults").json()
    off = requests.delete(f"{replica.url}/control/faults?name=portal_down", timeout=10)
    wrong = requests.post(f"{replica.url}/control/faults", json={"name": "nope"}, timeout=10)

    assert (on.status_code, spoiled_by_it.status_code, wrong.status_code) == (201, 503, 400)
    assert all(text in page.text for text in ("king_store", "30 full_prices", "portal_down"))
    assert set(known["faults"]) == set(FAULTS)
    assert known["on"][0]["times"] == 4
    assert off.json() == {"on": []}
    assert listing(king_store).ok


def test_the_form_of_the_page_leads_back_to_the_page(replica: Replica) -> None:
    form = {"name": "slow_page", "feed": "shufersal", "names": "", "times": "2"}

    answer = requests.post(f"{replica.url}/control/faults", data=form, timeout=10)

    assert answer.url == f"{replica.url}/"
    (fault,) = replica.faults.active()
    assert (fault.feed, fault.names, fault.times) == ("shufersal", "*", 2)
