"""Times, sizes and pages as portals print them; whatever they print, the answer is a listing or an error."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.portals.factory import base_url, open_portal
from gogobe_dagster.portals.http_errors import HttpResponse
from gogobe_dagster.portals.listing_fields import (
    parse_israel_time,
    parse_json,
    parse_rounded_size,
    text_field,
)
from gogobe_dagster.portals.response_detection import is_bot_challenge, is_html, is_login_form
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.families import FEED_OF_EACH_FAMILY
from gogobe_dagster_tests.portals.conftest import QUICK
from gogobe_dagster_tests.portals.servers import says, scripted


@pytest.mark.parametrize(
    ("text", "smallest", "largest"),
    [
        ("206 B", 206, 206),
        ("0.10 KB", 51, 1110),
        ("338.32 KB", 338_315, 346_446),  # from 1,000 to 1,024 bytes a KB
        ("5.51 MB", 5_505_000, 5_782_900),
    ],
)
def test_a_rounded_size_allows_for_rounding_and_for_both_meanings_of_a_kilobyte(
    text: str, smallest: int, largest: int
) -> None:
    size, slack = parse_rounded_size(text, "")

    assert size - slack <= smallest <= largest <= size + slack


@pytest.mark.parametrize(
    "text", ["", "KB", "12", "1,024 KB", "-1 KB", "1 GB", "NaN KB", f"{'9' * 400} MB", "99999999 MB"]
)
def test_a_size_that_is_none_means_that_the_portal_changed(text: str) -> None:
    with pytest.raises(PortalError) as caught:
        parse_rounded_size(text, "https://prices.shufersal.co.il")

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("08/11/2026 05:05", "2026-08-11T05:05:00+03:00"),
        ("11/23/2026 05:05", "2026-11-23T05:05:00+02:00"),
        ("10/25/2026 01:30", "2026-10-25T01:30:00+03:00"),  # happens twice; the first passing
    ],
)
def test_printed_times_are_civil_time_of_israel(text: str, expected: str) -> None:
    assert parse_israel_time(text, "%m/%d/%Y %H:%M", "").isoformat() == expected


@pytest.mark.parametrize("status", [200, 403, 503])
def test_a_challenge_is_recognised_whatever_its_status(status: int) -> None:
    page = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"

    assert is_bot_challenge(status, {}, page)
    assert is_bot_challenge(247, {}, b"")
    assert is_bot_challenge(status, {"cf-mitigated": "challenge"}, b"")
    assert not is_bot_challenge(status, {}, b"\x1f\x8b Just a moment")


@given(st.binary(max_size=300) | st.sampled_from([b"<html", b"<!DOCTYPE html>", b"<html><form action=''>"]))
def test_any_bytes_can_be_asked_what_they_are(page: bytes) -> None:
    assert is_html(page) or not is_login_form(page)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "aaData",
                    "iTotalDisplayRecords",
                    "error",
                    "fname",
                    "size",
                    "ftime",
                    "FileNm",
                    "Kod",
                    "fileName",
                    "fileSize",
                    "name",
                    "url",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
).map(lambda value: json.dumps(value).encode())
HTML_LIKE = st.lists(
    st.sampled_from(
        [
            b'<div id="gridContainer">',
            b"<table>",
            b"<tbody>",
            b"<tr>",
            b"<td>",
            b"1 KB",
            b'<a href="http://[x">',
            b"<ul>",
            b"<li>",
            b'<a href="2026-11-23.html">',
            b"</tr>",
            b"<td>11-08-2026 01:13</td>",
            b'<input name="Date">',
            b'<a href="/Prices/Download?fileName=Price.gz">',
            b'<li class="pagination-item"><a href="?p=2">',
        ]
    ),
    max_size=12,
).map(b"".join)
TOKEN = b'<meta name="csrftoken" content="T"/>'


@pytest.mark.parametrize(
    "feed_key",
    FEED_OF_EACH_FAMILY,
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=50) | JSON_LIKE | HTML_LIKE)
def test_whatever_a_portal_answers_a_listing_is_a_list_or_a_portal_error(feed_key: str, body: bytes) -> None:
    feed = find_feed(feed_key)
    page = says(TOKEN)
    with scripted(*[page] * 3 if feed_key == "rami_levy" else [], says(body)) as server:
        portal = open_portal(feed, Settings(replica_url=server.url), policy=QUICK)
        try:
            files = portal.list_files()
        except PortalError:
            return
        finally:
            portal.close()
    assert files == [] or all(file.name for file in files)


def test_the_replica_stands_in_for_every_portal_by_path() -> None:
    replica = Settings(replica_url="http://127.0.0.1:8080/")
    real = Settings()

    assert base_url(find_feed("yellow"), replica) == "http://127.0.0.1:8080/cerberus"
    assert base_url(find_feed("shufersal"), replica) == "http://127.0.0.1:8080/shufersal"
    assert base_url(find_feed("shuk_hair"), replica) == "http://127.0.0.1:8080/bina/shuk-hayir"
    assert base_url(find_feed("victory"), replica) == "http://127.0.0.1:8080/laib"
    assert base_url(find_feed("wolt_market"), replica) == "http://127.0.0.1:8080/wolt"
    assert base_url(find_feed("mishnat_yosef_worker"), replica) == "http://127.0.0.1:8080/mishnat_yosef"
    assert base_url(find_feed("hazi_hinam"), replica) == "http://127.0.0.1:8080/hazi_hinam"
    assert base_url(find_feed("city_market_shops"), replica) == "http://127.0.0.1:8080/city_market"
    assert base_url(find_feed("netiv_hahesed"), replica) == "http://127.0.0.1:8080/netiv_hahesed"
    assert base_url(find_feed("shuk_hair"), real) == "https://shuk-hayir.binaprojects.com"


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_json_nested_without_an_end_means_that_the_portal_changed(bracket: bytes) -> None:
    response = HttpResponse(url="https://prices.example", status=200, headers={}, body=bracket * (30 << 20))

    with pytest.raises(PortalError) as caught:
        parse_json(response)

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


def test_half_a_character_in_a_name_is_a_replacement_character() -> None:
    assert text_field({"name": "Price\ud83d.gz"}, "name", "") == "Price\N{REPLACEMENT CHARACTER}.gz"


def test_many_comments_before_a_page_cost_no_time() -> None:
    assert not is_html(b"<!---->" * 50_000)
    assert is_html(b"<!---->" * 50_000 + b"<html>")
