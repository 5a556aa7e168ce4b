"""A simulated week with Shabbat: no feed is reported at an hour at which all is normal, each if it stops."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import pytest
import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.monitoring.data_quality import check_completeness, check_freshness
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.ledger import Ledger

pytestmark = pytest.mark.slow

SETTINGS = Settings(replica_url="http://127.0.0.1:1")
SUNDAY = date(2026, 8, 30)
"""The week before Rosh Hashana; its Saturday is 5 September."""
STARTS, ENDS = (datetime.combine(SUNDAY + timedelta(days=days), time(0), ISRAEL) for days in (0, 8))
SEEN = {"victory": time(9, 7), "het_cohen": time(8, 2), "mahsanei_hashuk": time(8, 11)}
"""When other importers saw the files of the morning; usual are the hours before 05:30."""
RESTED = {
    "mahsanei_hashuk",
    "netiv_hahesed",
    "osher_ad",
    "maayan_2000",
    "shefa",
    "mishnat_yosef_bina",
    "mishnat_yosef_worker",
}
"""Feeds without files on a Saturday."""
PUBLISHING = [feed for feed in FEEDS if feed.full_files_per_day != 0]
INSERT = """
insert into file (feed, name, revision, publication_day, kind, chain_id, sub_chain_id, store_id,
    published_at, link, state, lake_path, rows, rejected, first_seen_at, last_seen_at)
values (:feed, :name, 1, :day, 'full_prices', '7290785400000', 0, 1, :at, '', 'loaded', 'x', 9, 0, :at, :at)
"""


def publications(stopped: str = "", stops_at: datetime = ENDS) -> Iterator[tuple[datetime, str]]:
    """One full file of each feed and day, from a week before; a feed that stops has none from then on."""
    for number in range(-7, 8):
        day = SUNDAY + timedelta(days=number)
        for feed in PUBLISHING:
            at = datetime.combine(day, SEEN.get(feed.key, time(5, 30)), ISRAEL)
            rests = day.weekday() == 5 and feed.key in RESTED
            if not rests and not (feed.key == stopped and at >= stops_at):
                yield at, feed.key


def simulate(engine: sa.Engine, *, stopped: str = "", stops_at: datetime = ENDS) -> dict[datetime, set[str]]:
    """Ask both checks every hour of the week; return the feeds that they report, by hour."""
    ledger, coming = Ledger(engine), sorted(publications(stopped, stops_at))
    for feed in FEEDS:
        ledger.record(feed.key, [], now=STARTS)
    names, reported = {feed.name: feed.key for feed in FEEDS}, dict[datetime, set[str]]()
    now = STARTS
    while now < ENDS:
        due = [(at, key) for at, key in coming if at <= now]
        coming = coming[len(due) :]
        with engine.begin() as connection:
            for at, key in due:
                values = {"feed": key, "name": f"{at}", "day": at.date(), "at": at}
                connection.execute(sa.text(INSERT), values)
        findings = [
            *check_freshness(engine, SETTINGS, now).findings,
            *check_completeness(engine, SETTINGS, now).findings,
        ]
        reported[now] = {names.get(finding.subject, finding.subject) for finding in findings}
        now += timedelta(hours=1)
    return reported


def test_nothing_is_reported_in_a_normal_week(engine: sa.Engine) -> None:
    reported = simulate(engine)

    assert {now: feeds for now, feeds in reported.items() if feeds} == {}
    assert len(reported) == 8 * 24


@pytest.mark.parametrize(
    ("key", "reported_after_hours"),
    [("keshet", 36), ("victory", 36), ("mahsanei_hashuk", 72)],
)
def test_a_feed_that_stops_is_reported(engine: sa.Engine, key: str, reported_after_hours: int) -> None:
    """It stops on Wednesday: whoever rests on Saturday is given more time only once the rest has begun."""
    stops_at = STARTS + timedelta(days=3)

    reported = simulate(engine, stopped=key, stops_at=stops_at)

    assert set.union(*reported.values()) == {key}
    last_file = datetime.combine(SUNDAY + timedelta(days=2), SEEN.get(key, time(5, 30)), ISRAEL)
    late_at = last_file + timedelta(hours=reported_after_hours)
    assert min(now for now, feeds in reported.items() if feeds) <= late_at + timedelta(hours=1)
    assert key in reported[ENDS - timedelta(hours=1)]


def test_an_irregular_feed_is_reported_only_after_a_season(engine: sa.Engine) -> None:
    """Wolt Market was silent from 29 May until after 11 August 2026."""
    stops_at = STARTS + timedelta(days=3)

    assert set.union(*simulate(engine, stopped="wolt_market", stops_at=stops_at).values()) == set()
    with engine.begin() as connection:  # by then the feeds that the simulation ended for are late too
        connection.execute(sa.text("delete from listing where feed <> 'wolt_market'"))
    assert check_freshness(engine, SETTINGS, stops_at + timedelta(days=74)).passed
    late = check_freshness(engine, SETTINGS, stops_at + timedelta(days=91))
    assert [finding.subject for finding in late.findings] == ["Wolt Market"]
