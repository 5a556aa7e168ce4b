"""The publishing calendar, compared with well-known dates: Rosh Hashana 5787 is 12 September 2026."""

from datetime import date, datetime, time, timedelta

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.publishing_calendar import (
    expected_empty_reason,
    holiday,
    rest_duration,
    rest_reason_at,
    rest_reason_on,
)
from gogobe_dagster.feeds.registry import find_feed

RESTS, WORKS = find_feed("netiv_hahesed"), find_feed("yellow")
ROSH_HASHANA = date(2026, 9, 12)
"""A Saturday; the second day is Sunday."""
YOM_KIPPUR = date(2026, 9, 21)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ISRAEL)


def test_the_holidays_of_a_year_are_those_of_israel() -> None:
    """Abroad there would be second days: 9 April, 23 May, 27 September, 4 October."""
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(365))

    found = {day: name for day in days if (name := holiday(day))}

    assert {f"{day:%m-%d}": name for day, name in found.items()} == {
        "04-02": "Pesach",
        "04-08": "Pesach",
        "05-22": "Shavuos",
        "09-12": "Rosh Hashana",
        "09-13": "Rosh Hashana",
        "09-21": "Yom Kippur",
        "09-26": "Succos",
        "10-03": "Shmini Atzeres",
    }


def test_observant_feeds_rest_on_shabbat_and_holidays_and_all_feeds_on_yom_kippur() -> None:
    shabbat, weekday = date(2026, 11, 28), date(2026, 11, 25)

    assert [rest_reason_on(RESTS, day) for day in (shabbat, ROSH_HASHANA, YOM_KIPPUR, weekday)] == [
        "Shabbat",
        "Rosh Hashana",
        "Yom Kippur",
        "",
    ]
    assert [rest_reason_on(WORKS, day) for day in (shabbat, ROSH_HASHANA, YOM_KIPPUR, weekday)] == [
        "",
        "",
        "Yom Kippur",
        "",
    ]


@pytest.mark.parametrize(
    ("hours_from_midnight_of_the_day", "rests"),
    [(-10, False), (-9, True), (0, True), (19, True), (24, True), (43, True), (44, False)],
)
def test_a_rest_lasts_from_the_afternoon_before_to_the_night_after_its_last_day(
    hours_from_midnight_of_the_day: int, *, rests: bool
) -> None:
    timestamp = at(ROSH_HASHANA, 0) + timedelta(hours=hours_from_midnight_of_the_day)

    assert bool(rest_reason_at(RESTS, timestamp)) is rests


def test_hours_of_rest_between_two_timestamps_are_counted_once() -> None:
    friday, sunday = at(date(2026, 11, 27), 5, 30), at(date(2026, 11, 29), 5, 30)

    assert rest_duration(RESTS, friday, sunday) == timedelta(hours=29)
    assert rest_duration(RESTS, at(date(2026, 9, 11), 5, 30), at(date(2026, 9, 14), 5)) == timedelta(hours=53)
    assert rest_duration(RESTS, sunday, friday) == rest_duration(WORKS, friday, sunday) == timedelta(0)


OTHER_IMPORTERS_SAW = {
    "victory": time(9, 7),
    "het_cohen": time(8, 2),
    "mahsanei_hashuk": time(8, 11),
    "carrefour": time(2),
    "netiv_hahesed": time(2),
}
"""Until when the list of a new day was empty: in September 2026 at Laib, in August at the others."""
SATURDAY = date(2026, 9, 5)
EMPTY_ALL_SATURDAY = {"mahsanei_hashuk", "netiv_hahesed"}


@pytest.mark.parametrize("key", OTHER_IMPORTERS_SAW)
def test_over_a_week_an_empty_listing_is_a_failure_only_when_files_are_normally_there(key: str) -> None:
    feed, first_files_at = find_feed(key), OTHER_IMPORTERS_SAW[key]
    failures = list[datetime]()
    for hour in range(7 * 24):
        now = at(SATURDAY - timedelta(days=6), 0) + timedelta(hours=hour)
        is_normally_empty = now.time() < first_files_at or (
            now.date() == SATURDAY and key in EMPTY_ALL_SATURDAY
        )
        failures += [] if expected_empty_reason(feed, now) else [now]
        assert not is_normally_empty or now not in failures, f"{key} has nothing at {now}"
    weekday_failures = [now for now in failures if now.weekday() == 2]
    assert min(weekday_failures).hour <= first_files_at.hour + 1, "an outage of the morning is seen soon"
    assert len(weekday_failures) >= 14


def test_an_empty_listing_is_expected_after_midnight_and_during_a_rest() -> None:
    wednesday, shabbat = date(2026, 11, 25), date(2026, 11, 28)

    assert expected_empty_reason(WORKS, at(wednesday, 1, 59)) == "the new day has no files yet"
    assert expected_empty_reason(WORKS, at(wednesday, 2)) == ""
    assert expected_empty_reason(WORKS, at(shabbat, 12)) == ""
    assert expected_empty_reason(RESTS, at(shabbat, 12)) == "the feed is closed (Shabbat)"
    assert expected_empty_reason(WORKS, at(YOM_KIPPUR, 12)) == "the feed is closed (Yom Kippur)"
