"""The state of all feeds: numbers per day, what is late and why, and pictures of it."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from lxml import etree

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.monitoring.data_quality import CHECKS
from gogobe_dagster.monitoring.fleet import PROBLEMS, DayColor, FeedDay, look_at_fleet
from gogobe_dagster.monitoring.pictures import bars, columns, day_matrix
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster_tests.monitoring.test_data_quality import NOON, SETTINGS, TODAY, load, quarantine

SVG = "{http://www.w3.org/2000/svg}"
YESTERDAY = TODAY - timedelta(days=1)


def test_the_fleet_counts_files_prices_and_stores_of_each_feed_and_day(engine: sa.Engine) -> None:
    load(engine, YESTERDAY, stores=5, rows=1000)
    load(engine, TODAY, stores=3, rows=900)
    quarantine(engine, "rami_levy", Code.ZERO_BYTE, files=4, name="empty")
    load(engine, YESTERDAY, stores=1, feed="rami_levy")

    fleet = look_at_fleet(engine, SETTINGS, NOON)

    assert [status.feed.key for status in fleet.feeds] == ["rami_levy", "keshet"]
    rami_levy, keshet = fleet.feeds
    today, yesterday = keshet.days[TODAY], keshet.days[YESTERDAY]
    assert (today.files, today.loaded, today.prices, today.stores) == (3, 3, 2700, 3)
    assert (yesterday.prices, keshet.usual_stores, len(keshet.days)) == (5000, 5, 14)
    assert keshet.newest_full_at == NOON.replace(hour=6)
    assert (rami_levy.days[TODAY].files, rami_levy.days[TODAY].quarantined) == (4, 4)
    assert [day.color(80) for day in rami_levy.days.values()][-3:] == ["none", "good", "bad"]
    assert (fleet.total("prices"), fleet.total("prices", days_before=1), fleet.queue) == (2700, 6000, 0)


def test_a_day_whose_full_files_are_lost_is_bad_however_many_deltas_came(engine: sa.Engine) -> None:
    quarantine(engine, "keshet", Code.NOT_FOUND, files=1, name="lost")
    load(engine, TODAY, stores=3)
    with engine.begin() as connection:
        connection.exec_driver_sql("update file set kind = 'prices' where state = 'loaded'")

    (keshet,) = look_at_fleet(engine, SETTINGS, NOON).feeds

    day = keshet.days[TODAY]
    assert (day.files, day.quarantined, day.full_percent) == (4, 1, Decimal(0))
    assert day.color(50) is DayColor.BAD


def test_the_fleet_says_what_is_late_and_why(engine: sa.Engine) -> None:
    load(engine, YESTERDAY, feed="keshet")
    quarantine(engine, "rami_levy", Code.ZERO_BYTE, files=4, name="empty")
    Ledger(engine).record_failure("keshet", PortalError(Code.TLS_ERROR, "expired"), now=NOON)
    late = NOON + timedelta(hours=7)

    problems = {status.feed.key: status.problems for status in look_at_fleet(engine, SETTINGS, late).feeds}
    before = look_at_fleet(engine, SETTINGS, late, until=YESTERDAY)

    assert problems["keshet"][:2] == [
        "the portal cannot be listed: tls_error: expired",
        "late; newest full price file: 2026-11-24 06:00 (expected: within 36 hours)",
    ]
    assert f"files failed: 4 of 4 files: {Code.ZERO_BYTE} 4 (expected: at most 5 %)" in problems["rami_levy"]
    assert before.with_problems == [], "of a past day nothing is wrong now"
    assert [status.days[YESTERDAY].files for status in before.feeds] == [0, 5]


def test_every_check_of_feeds_has_a_problem_in_words() -> None:
    assert PROBLEMS.keys() == CHECKS.keys() - {"few_outliers", "promoted_products_known"}


@pytest.mark.parametrize(
    ("day", "color"),
    [
        (FeedDay(), DayColor.NONE),
        (FeedDay(files=10, loaded=10), DayColor.GOOD),
        (FeedDay(files=10, loaded=9, quarantined=1), DayColor.SOME),
        (FeedDay(files=10, loaded=2, pending=8), DayColor.SOME),
        (FeedDay(files=10, loaded=7, quarantined=3), DayColor.BAD),
        (FeedDay(files=1, quarantined=1), DayColor.BAD),
        (FeedDay(files=14, loaded=12, quarantined=2, full_percent=Decimal(0)), DayColor.BAD),
        (FeedDay(files=14, loaded=12, quarantined=2, full_percent=Decimal(90)), DayColor.SOME),
    ],
)
def test_a_day_is_as_good_as_what_came_through(day: FeedDay, color: DayColor) -> None:
    assert day.color(80) is color


def test_pictures_name_every_feed_and_draw_every_number() -> None:
    colors = {"Rami <Levy>": [DayColor.GOOD, DayColor.BAD], "Keshet": [DayColor.NONE, DayColor.SOME]}

    matrix = etree.fromstring(day_matrix(colors, ["24.11.", "25.11."]))
    two = etree.fromstring(bars({"Rami <Levy>": (1200, 800), "Keshet": (0, 0)}))
    flat = etree.fromstring(columns({"1": 0, "2": 7}))

    assert [text.text for text in matrix.iter(f"{SVG}text")] == ["24.11.", "25.11.", "Rami <Levy>", "Keshet"]
    assert len(matrix.findall(f"{SVG}path")) == len(DayColor)
    assert [text.text for text in two.iter(f"{SVG}text")] == ["Rami <Levy>", "Keshet", "1,200", "0"]
    assert [str(path.attrib["d"]).count("M") for path in two.iter(f"{SVG}path")] == [1, 1]
    assert [str(path.attrib["d"]).count("M") for path in flat.iter(f"{SVG}path")] == [1]
