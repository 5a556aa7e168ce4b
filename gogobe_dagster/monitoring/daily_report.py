"""The report of one day as one HTML file without scripts, for people who look after prices.

It has no link to other files, so that it can be sent by mail. Names in Hebrew stand in it as published.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import EXPECTED_CODES, find_code
from gogobe_dagster.monitoring.fleet import DayColor, FeedStatus, Fleet, look_at_fleet
from gogobe_dagster.monitoring.pictures import bars, day_matrix
from gogobe_dagster.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = 15
"""Products among the biggest rises, and among the biggest falls."""
_CHANGES = """
with change as materialized (
    select chain_id, chain_name, code, product_name, old_price, new_price, percent, store_key
    from price_changes where changed_at >= :since and changed_at < :until and old_price > 0 and new_price > 0)
"""
_BY_CHAIN = (
    _CHANGES
    + """
select chain_name as name, count(distinct code) filter (where percent > 0) as rises,
    count(distinct code) filter (where percent < 0) as falls,
    round(percentile_disc(0.5) within group (order by percent), 1) as middle
from change group by chain_id, chain_name order by chain_name
"""
)
_BIGGEST = (
    _CHANGES
    + """
select chain_name, code, product_name, old_price, new_price, percent, count(distinct store_key) as stores
from change
where percent * :sign > 0 and greatest(new_price / old_price, old_price / new_price) <= :factor
group by chain_id, chain_name, code, product_name, old_price, new_price, percent
order by percent * :sign desc, stores desc, chain_name, code limit :limit
"""
)
_PROMOTIONS = """
select c.name, count(distinct p.promotion_id) as promotions,
    count(distinct p.promotion_id) filter (where p.starts_at >= :since) as new
from promotion p join chain c using (chain_id)
where coalesce(p.starts_at < :until, true) and coalesce(p.ends_at >= :since, true)
    and exists (select from promotion_store s where s.promotion_key = p.promotion_key
                and s.valid_from < :until and (s.valid_to is null or s.valid_to > :since))
group by c.chain_id, c.name order by promotions desc, c.name
"""
_QUALITY = """
select coalesce(sum(rows), 0)::bigint as rows, coalesce(sum(rejected), 0)::bigint as rejected,
    count(*) filter (where is_damaged) as damaged
from file where publication_day = :day and rows is not null
"""
_CODES = """
select feed, code, count(*) as files from file
where publication_day = :day and state <> 'loaded' and code <> all(:expected)
group by feed, code order by feed, files desc, code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReport:
    """What the report of a day shows."""

    fleet: Fleet
    min_percent: float
    outlier_factor: int
    changes: Sequence[sa.RowMapping]
    rises: Sequence[sa.RowMapping]
    falls: Sequence[sa.RowMapping]
    promotions: Sequence[sa.RowMapping]
    quality: sa.RowMapping
    codes: Sequence[sa.RowMapping]
    """Files that are not in the tables, by feed and code."""

    @property
    def day(self) -> date:
        """The publication day that it is about."""
        return self.fleet.day

    @property
    def published(self) -> list[FeedStatus]:
        """The feeds of which prices of the day are in the tables."""
        return [status for status in self.fleet.feeds if status.days[self.day].prices]

    @property
    def incomplete(self) -> list[FeedStatus]:
        """The feeds that are not wholly in the tables, those without any file first."""
        wanting = [status for status in self.fleet.feeds if self._color(status) is not DayColor.GOOD]
        return sorted(wanting, key=lambda status: (status.days[self.day].loaded, status.feed.key))

    def in_words(self, status: FeedStatus) -> str:
        """Say how a feed's day went."""
        today = status.days[self.day]
        if not today.files:
            return "published nothing, as far as we know"
        return {
            DayColor.GOOD: "complete",
            DayColor.SOME: f"{today.loaded} of {today.files} files are in",
            DayColor.BAD: f"only {today.loaded} of {today.files} files are in",
        }[self._color(status)]

    def why(self, status: FeedStatus) -> list[str]:
        """Say why a feed is not complete: what was wrong with its files, or with its portal."""
        reasons = [
            f"{row['files']} files: {find_code(row['code']).meaning}"
            for row in self.codes
            if row["feed"] == status.feed.key
        ]
        if status.listing and status.listing.code and not status.days[self.day].files:
            reasons.append(find_code(status.listing.code).meaning)
        waiting = status.days[self.day].pending
        return reasons or ([f"{waiting} files still wait to be read."] if waiting else [])

    @property
    def failures(self) -> Mapping[str, int]:
        """Files of all feeds that are not in the tables, by what was wrong."""
        counts = Counter[str]()
        for row in self.codes:
            counts[find_code(row["code"]).meaning] += row["files"]
        return dict(counts.most_common())

    def _color(self, status: FeedStatus) -> DayColor:
        return status.days[self.day].color(self.min_percent)

    @property
    def pictures(self) -> Mapping[str, str]:
        """SVG by name."""
        if not self.fleet.feeds:
            return {}
        colors = {
            status.feed.name: [day.color(self.min_percent) for day in status.days.values()]
            for status in self.fleet.feeds
        }
        days = [f"{day:%d.%m.}" for day in self.fleet.feeds[0].days]
        before = self.day - timedelta(days=1)
        prices = {
            status.feed.name: (status.days[self.day].prices, status.days[before].prices)
            for status in self.fleet.feeds
        }
        return {"days": day_matrix(colors, days), "prices": bars(prices)}


def collect_report(engine: sa.Engine, settings: Settings, day: date, now: datetime) -> DailyReport:
    """Count everything that the report of a day shows."""
    since = datetime.combine(day, time(), tzinfo=ISRAEL)
    span = {"since": since, "until": datetime.combine(day + timedelta(days=1), time(), tzinfo=ISRAEL)}
    biggest = {**span, "factor": settings.outlier_factor, "limit": SHOWN}
    with engine.connect() as connection:

        def rows(query: str, **values: object) -> Sequence[sa.RowMapping]:
            return connection.execute(sa.text(query), values).mappings().all()

        (quality,) = rows(_QUALITY, day=day)
        return DailyReport(
            fleet=look_at_fleet(engine, settings, now, until=day),
            min_percent=settings.min_files_percent,
            outlier_factor=settings.outlier_factor,
            changes=rows(_BY_CHAIN, **span),
            rises=rows(_BIGGEST, **biggest, sign=1),
            falls=rows(_BIGGEST, **biggest, sign=-1),
            promotions=rows(_PROMOTIONS, **span),
            quality=quality,
            codes=rows(_CODES, day=day, expected=sorted(EXPECTED_CODES)),
        )


def render(report: DailyReport) -> str:
    """Return the report as HTML. Text of chains is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["number"] = lambda number: f"{number:,}"
    environment.filters["money"] = lambda price: f"{Decimal(price):,.2f}"
    environment.filters["local"] = lambda at: f"{at.astimezone(ISRAEL):%d.%m. %H:%M}" if at else "never"
    return environment.get_template("daily_report.html").render(report=report)


def report_path(settings: Settings, day: date) -> Path:
    """Return where the report of a day is kept."""
    return settings.reports_folder / f"{day}.html"


def report_url(day: date) -> str:
    """Return the address of a report in the web UI of `gogobe up`."""
    return f"/reports/{day}.html"


def write_report(report: DailyReport, settings: Settings) -> Path:
    """Write the report of a day, in place of an earlier one; return its path."""
    path = report_path(settings, report.day)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.draft")  # two runs may write it at once
    try:
        draft.write_text(render(report), encoding="utf-8")
        return draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def remove_old_reports(settings: Settings, *, today: date) -> list[Path]:
    """Remove reports of days before GOGOBE_KEEP_REPORTS_DAYS; return their paths. Other files stay."""
    if not settings.keep_reports_days:
        return []
    first = today - timedelta(days=settings.keep_reports_days)
    old = [path for path in settings.reports_folder.glob("????-??-??.html") if path.stem < str(first)]
    for path in old:
        path.unlink(missing_ok=True)
    return sorted(old)
