"""The report of a day, from rows in the tables to a page that people read."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from lxml import html

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.monitoring.daily_report import (
    collect_report,
    remove_old_reports,
    render,
    report_path,
    write_report,
)
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster_tests.warehouse.making import NOON, TODAY
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    Market,
    PriceFile,
    PriceRow,
    StoreList,
)

NEXT_MORNING = NOON + timedelta(hours=18)


def rows(**prices: str) -> list[PriceRow]:
    """Rows with Hebrew names, and one that would be markup."""
    codes = {"milk": (MILK, "חלב 3%"), "bread": (BREAD, "<b>לחם</b>"), "eggs": (EGGS, "ביצים")}
    return [
        PriceRow(codes[name][0], price, name=codes[name][1], is_barcode=True)
        for name, price in prices.items()
    ]


def text(page: str) -> str:
    """What people see of it, with single spaces."""
    document = html.fromstring(page)
    for style in document.iter("style"):
        style.text = ""
    return " ".join(" ".join(map(str, document.itertext())).split())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, replica_url="http://127.0.0.1:1")


def test_the_report_says_what_rose_what_fell_what_is_missing_and_why(
    engine: sa.Engine, tmp_path: Path, settings: Settings
) -> None:
    market = Market.at(engine, tmp_path)
    market.load_lists(market.publish(StoreList(-11, {(1, 1): "סניף א"})))
    market.open(
        PriceFile(-10, rows(milk="5", bread="8", eggs="2"), is_full=True),
        PriceFile(5, rows(milk="6", bread="4", eggs="20"), is_full=True),
    )
    market.offer(PromotionFile(6, [Offer("11", [MILK])], is_full=True))
    with engine.begin() as connection:
        connection.execute(sa.text("update file set rejected = 3 where kind = 'full_prices'"))
    Ledger(engine).record_failure("keshet", PortalError(Code.GEO_BLOCKED, "reset"), now=NOON)

    page = render(collect_report(engine, settings, TODAY, NEXT_MORNING))

    seen = text(page)
    assert "Monday, 23 November 2026" in seen
    assert "1 of 2 chains have prices of this day" in seen
    assert "חלב 3% רמי לוי ₪5.00 ₪6.00 +20 % 1" in seen
    assert "<b>לחם</b> רמי לוי ₪8.00 ₪4.00 -50 % 1" in seen, "markup of a chain is text"
    assert "₪20.00" not in seen, "ten times the price is a mistake, not a rise"
    assert "רמי לוי 2 1" in seen, "two products dearer, one cheaper"
    assert "published nothing, as far as we know" in seen
    assert "The portal closes connections from outside Israel." in seen
    assert "Of 7 rows that chains published, 3 could not be read." in seen, "3 prices, a promotion"
    document = html.fromstring(page)
    assert not document.xpath("//script | //link | //img | //@src | //@href"), "it needs nothing else"
    assert len(document.findall(".//svg")) == 2


def test_a_report_before_anything_was_imported_says_so(engine: sa.Engine, settings: Settings) -> None:
    seen = text(render(collect_report(engine, settings, TODAY, NEXT_MORNING)))

    assert "No chain has been imported yet." in seen
    assert "No price changed, or it is the first day." in seen


def test_a_report_is_written_again_in_the_same_place_and_removed_when_it_is_old(
    engine: sa.Engine, settings: Settings
) -> None:
    report = collect_report(engine, settings, TODAY, NEXT_MORNING)
    path = write_report(report, settings)
    assert write_report(report, settings) == path == report_path(settings, TODAY)
    (path.parent / "notes.html").write_text("mine")
    limited = settings.model_copy(update={"keep_reports_days": 30})

    kept = remove_old_reports(limited, today=TODAY + timedelta(days=30))
    removed = remove_old_reports(limited, today=TODAY + timedelta(days=31))

    assert (kept, removed) == ([], [path])
    assert [left.name for left in path.parent.iterdir()] == ["notes.html"]
    forever = settings.model_copy(update={"keep_reports_days": 0})
    assert remove_old_reports(forever, today=date(2036, 1, 1)) == []
