"""Our register agrees with the official one, and its keys and ids are valid."""

import re
from pathlib import Path

import pytest
from lxml import html

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.feeds.registry import DISABLED, FEEDS, DisabledFeed, Family, Feed, find_feed
from gogobe_dagster_tests.families import RECORDED_FEEDS

COMPANY_NUMBER = "5144744100002"
"""Mishnat Yosef's files print this made-up one, its number in the companies' register and a 2."""
PLACEHOLDER = "7290000000003"
"""City Market Shops' files print this one, whose check digit is wrong; it is published, so it is kept."""
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.key)


def test_the_register_has_every_feed_of_every_family_once() -> None:
    assert {feed.family for feed in FEEDS} == set(Family)
    assert len({feed.key for feed in FEEDS}) == len(FEEDS)
    assert len({(feed.base_url, feed.account) for feed in FEEDS}) == len(FEEDS)


@each_feed
def test_chain_ids_are_gs1_numbers_with_a_right_check_digit(feed: Feed) -> None:
    for chain_id in feed.chain_ids:
        weighed = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(chain_id))
        if chain_id in {COMPANY_NUMBER, PLACEHOLDER}:
            continue
        assert re.fullmatch(r"729[0-9]{10}", chain_id)
        assert weighed % 10 == 0


def test_no_chain_id_belongs_to_two_feeds() -> None:
    ids = [chain_id for feed in FEEDS for chain_id in (*feed.chain_ids, *feed.aliases)]

    assert len(ids) == len(set(ids))


@each_feed
def test_names_are_in_hebrew_and_in_english(feed: Feed) -> None:
    assert re.search("[א-ת]", feed.hebrew_name)
    assert re.fullmatch(r"[A-Za-z0-9 ,.:;'()-]+", feed.name)
    assert re.fullmatch(r"[a-z0-9_]+", feed.key)


@each_feed
def test_portals_are_reached_over_tls_and_have_no_slash_at_the_end(feed: Feed) -> None:
    assert re.fullmatch(r"https://[a-z0-9.-]+", feed.base_url)
    assert feed.folder.startswith("/")


def test_a_feed_is_found_by_its_key_and_owns_its_ids_and_aliases() -> None:
    stop_market = find_feed("stop_market")

    assert stop_market.owns("7290639000004")
    assert stop_market.owns("72906390")
    assert not stop_market.owns("7290027600007")


def test_an_unknown_key_is_an_error_with_the_nearest_key_or_with_all() -> None:
    with pytest.raises(SettingsError, match=r"no feed 'rami_levi': did you mean 'rami_levy'\?$"):
        find_feed("rami_levi")
    with pytest.raises(SettingsError, match=r"no feed '7290': there are .*rami_levy.*shufersal"):
        find_feed("7290")


@pytest.mark.parametrize("feed", DISABLED, ids=lambda feed: feed.key)
def test_a_disabled_feed_is_an_error_with_its_reason(feed: DisabledFeed) -> None:
    with pytest.raises(SettingsError, match=f"'{feed.key}' is disabled: ") as refused:
        find_feed(feed.key)

    assert str(refused.value).endswith(feed.reason)
    assert len(feed.reason.split()) > 3
    assert feed.key not in {known.key for known in FEEDS}


@each_feed
def test_what_is_normal_fits_together(feed: Feed) -> None:
    """Each store has at most two full files at a time; if deltas were counted, full files were as well."""
    assert feed.stores > 0
    assert feed.delta_files_per_day is None or feed.full_files_per_day is not None
    assert feed.full_files_per_day is None or feed.full_files_per_day <= 2 * feed.stores * 4
    assert 1 <= feed.full_files_by.hour < 12


@pytest.mark.corpus
def test_accounts_and_hosts_are_those_of_the_official_register(corpus: Path) -> None:
    file = corpus / "portals" / "govil_cpfta_prices_regulations.html"
    page = html.parse(file, html.HTMLParser(encoding="utf-8"))
    table = " ".join(page.xpath("//table//text()"))
    links = page.xpath("//table//a/@href")

    for feed in RECORDED_FEEDS:
        if feed.family is Family.CERBERUS:
            assert re.search(rf"(?<![\w@]){feed.account}(?!\w)", table), feed.key
            assert feed.password in table, feed.key
        else:
            host = feed.register_host or feed.base_url.removeprefix("https://")
            assert any(f"//{host}/" in f"{link}/" for link in links), feed.key
        assert feed.legal_name in table or not feed.legal_name, feed.key
