"""Whether what was imported is plausible: fresh, complete, of usual size, readable, and whether it fits.

Each check is one query over the ledger or the tables and a verdict with the numbers of both sides. Thresholds
are settings; what is normal for a feed is in the register. Nothing here knows Dagster or changes anything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.publishing_calendar import rest_of, time_of_rest
from gogobe_dagster.feeds.registry import Feed, known_feed
from gogobe_dagster.settings import Settings

REMEMBERED_DAYS = 14
USUAL_DAYS = 7
"""What is usual is what was so in as many days before."""
WORST = 20
OUTLIERS_OF_A_THOUSAND = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of what is wrong: of whom, what is, what should be."""

    subject: str
    seen: str
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check found. `numbers` has both sides; `worst` comes first and is cut."""

    words: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    worst: Sequence[Finding] = ()
    is_severe: bool = False
    """Whether people get wrong answers from the tables; else it is a warning."""

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.worst


def is_fresh(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Look for feeds whose newest full price file in the tables is too old, if they publish any."""
    query = """
        select l.feed, max(f.published_at) as newest
        from listing l left join file f on f.feed = l.feed and f.day >= :first
            and f.kind = 'full_prices' and f.state = 'loaded'
        group by l.feed order by newest nulls first
    """
    rows = _rows(engine, query, first=day_of(now) - timedelta(days=REMEMBERED_DAYS))
    late, feeds = list[Finding](), 0
    for row in rows:
        feed = known_feed(row.feed)
        if feed is None or feed.fulls == 0:
            continue
        feeds += 1
        hours = _hours_allowed(feed, settings, row.newest, now) if row.newest else settings.freshness_hours
        if row.newest is None or now - row.newest > timedelta(hours=hours):
            seen = _stamp(row.newest) if row.newest else f"none in {REMEMBERED_DAYS} days"
            late.append(Finding(subject=feed.name, seen=seen, expected=f"within {hours} hours"))
    words = f"{len(late)} of {feeds} feeds have no full price file that is fresh"
    return _verdict(late, words, "every feed is fresh", {"feeds": feeds, "late": len(late)}, is_severe=True)


def is_complete(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Look for feeds of which too few stores have a full price file on a day that is not one of rest.

    As many as in the last seven days should have one, and as many as the register counted; made-up shops of a
    replica are judged by their own days alone.
    """
    day = _judged_day(settings, now)
    query = """
        select feed, count(distinct store) filter (where day = :day) as now, count(distinct store) as usual
        from (select feed, day, (chain_id, sub_chain_id, store_id) as store from file
              where day between :first and :day and kind = 'full_prices' and state = 'loaded') as full_file
        group by feed
    """
    few, all_now, all_usual = list[Finding](), 0, 0
    rows = _rows(engine, query, day=day, first=day - timedelta(days=USUAL_DAYS))
    for row in sorted(rows, key=lambda row: row.now / row.usual):
        feed = known_feed(row.feed)
        if feed is None or rest_of(feed, day):
            continue
        counted = 0 if settings.replica_url else feed.stores_with_fulls
        usual = max(row.usual, counted)
        all_now, all_usual = all_now + row.now, all_usual + usual
        if row.now * 100 < usual * settings.completeness_percent:
            source = "the register" if counted > row.usual else "the last seven days"
            few.append(
                Finding(subject=row.feed, seen=f"{row.now} stores", expected=f"{usual}, as in {source}")
            )
    words = f"{len(few)} feeds lack a full price file of many stores on {day}"
    numbers = {"stores": all_now, "stores usually": all_usual}
    return _verdict(few, words, f"every feed is complete on {day}", numbers)


def has_usual_rows(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Look for feeds whose full files have far more or fewer prices than on the last day that had any."""
    day = _judged_day(settings, now)
    query = """
        select feed, before_day, avg(rows) filter (where day = :day) as now,
            avg(rows) filter (where day = before_day) as before
        from (select feed, day, rows,
                  max(day) filter (where day < :day) over (partition by feed) as before_day
              from file where day between :first and :day and kind = 'full_prices' and state = 'loaded')
            as full_file
        group by feed, before_day
    """
    rows = [
        row for row in _rows(engine, query, day=day, first=day - timedelta(days=USUAL_DAYS)) if row.before
    ]
    odd = [
        Finding(
            subject=row.feed, seen=f"{row.now:.0f} a file", expected=f"{row.before:.0f} on {row.before_day}"
        )
        for row in rows
        if row.now is not None and abs(row.now / row.before - 1) * 100 > settings.row_count_change_percent
    ]
    words = f"{len(odd)} feeds have an unusual number of prices in a full file on {day}"
    return _verdict(odd, words, f"full files of {day} are as large as usual", {"feeds": len(rows)})


def rejects_few(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Look for feeds of which too many rows could not be read."""
    query = """
        select feed, sum(rejected) as rejected, sum(rows + rejected) as rows
        from file where day >= :first and rows is not null group by feed
    """
    rows = _rows(engine, query, first=day_of(now) - timedelta(days=1))
    shares = {row.feed: row.rejected / row.rows * 100 for row in rows if row.rows}
    limit = settings.max_reject_percent
    bad = [
        Finding(subject=feed, seen=f"{share:.2f} % rejected", expected=f"at most {limit:g} %")
        for feed, share in sorted(shares.items(), key=lambda one: -one[1])
        if share > limit
    ]
    numbers = {"rows": sum(row.rows for row in rows), "rejected": sum(row.rejected for row in rows)}
    words = f"{len(bad)} feeds have many rows that cannot be read"
    return _verdict(bad, words, "nearly every row can be read", numbers)


def has_few_outliers(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Look at prices that changed since yesterday by more than a factor; a few always do."""
    query = """
        with change as (
            select store_key, product_key, new_price as price, old_price as before,
                new_price / old_price as factor
            from price_changes where changed_at >= :since and old_price > 0 and new_price > 0)
        select c.*, count(*) over () as outliers, (select count(*) from change) as changes,
            s.chain_id, s.store_id, (select min(name) from chain_product p
                where p.product_key = c.product_key and p.chain_id = s.chain_id) as name
        from change c join store s using (store_key)
        where factor > :factor or factor < 1 / cast(:factor as numeric)
        order by greatest(factor, 1 / factor) desc limit :worst
    """
    since = now - timedelta(days=1)
    rows = _rows(engine, query, since=since, factor=settings.outlier_factor, worst=WORST)
    outliers, changes = (rows[0].outliers, rows[0].changes) if rows else (0, 0)
    found = [
        Finding(
            subject=f"{row.name or row.product_key}, store {row.store_id} of {row.chain_id}",
            seen=f"{row.price.normalize():f}",
            expected=f"{row.before.normalize():f} before",
        )
        for row in rows
    ]
    is_much = outliers * 1000 > changes * OUTLIERS_OF_A_THOUSAND
    words = f"{outliers} of {changes} changed prices by more than a factor of {settings.outlier_factor}"
    numbers = {"changed by a factor": outliers, "changed prices": changes}
    return _verdict(found if is_much else [], words, "few prices jumped", numbers)


def knows_promoted(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Look for feeds of which too many promoted products never were in a price file of their chain."""
    query = """
        with carried as (
            select distinct f.feed, p.chain_id, p.promotion_key
            from promotion_store s join file f using (file_id)
            join promotion p on p.promotion_key = s.promotion_key
            where s.valid_to is null and (p.ends_at >= :now or p.ends_at is null)),
        promoted as (
            select distinct feed, chain_id, product_key
            from carried join promotion_item using (promotion_key) where not is_gift)
        select feed, count(*) as products, count(*) filter (where known.product_key is null) as unknown
        from promoted left join chain_product known using (chain_id, product_key) group by feed
    """
    rows = _rows(engine, query, now=now)
    limit = settings.max_unknown_product_percent
    bad = [
        Finding(
            subject=row.feed,
            seen=f"{row.unknown} of {row.products} promoted products ({row.unknown / row.products:.0%})",
            expected=f"at most {limit:g} % without a price in the chain",
        )
        for row in sorted(rows, key=lambda row: -row.unknown / row.products)
        if row.unknown * 100 > row.products * limit
    ]
    numbers = {
        "promoted products": sum(row.products for row in rows),
        "unknown": sum(row.unknown for row in rows),
    }
    words = f"{len(bad)} feeds promote many products that no price file of their chain knows"
    return _verdict(bad, words, "nearly every promoted product has had a price", numbers)


CHECKS: dict[str, tuple[Callable[[sa.Engine, Settings, datetime], Verdict], str]] = {
    "fresh": (is_fresh, "The newest full price file of every feed is not too old."),
    "complete": (is_complete, "Nearly all stores of every feed have a full price file."),
    "usual_rows": (has_usual_rows, "Full price files have as many rows as the day before."),
    "few_rejects": (rejects_few, "Nearly every published row can be read."),
    "few_outliers": (has_few_outliers, "Few prices change by a large factor in a day."),
    "promoted_known": (knows_promoted, "Nearly every promoted product is in a price file of its chain."),
}
"""Name: the check, what it means."""


def _rows(engine: sa.Engine, query: str, **values: object) -> Sequence[sa.Row[tuple[object, ...]]]:
    with engine.connect() as connection:
        return connection.execute(sa.text(query), values).all()


def _verdict(
    found: Iterable[Finding], bad: str, good: str, numbers: Mapping[str, float], *, is_severe: bool = False
) -> Verdict:
    worst = list(found)[:WORST]
    plain = {name: float(number) for name, number in numbers.items()}
    return Verdict(words=bad if worst else good, numbers=plain, worst=worst, is_severe=is_severe)


def _judged_day(settings: Settings, now: datetime) -> date:
    """Today, once its files should be there; yesterday before that."""
    is_late_enough = now.astimezone(ISRAEL).hour >= settings.completeness_hour
    return day_of(now) - timedelta(days=0 if is_late_enough else 1)


def _hours_allowed(feed: Feed, settings: Settings, since: datetime, now: datetime) -> int:
    """Allow more over a rest, and over a long one (a holiday before Shabbat) as much as it lasts."""
    rest = time_of_rest(feed, since, now) // timedelta(hours=1)
    allowed = settings.freshness_hours
    return max(settings.freshness_hours_with_rest, allowed + rest) if rest else allowed


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(ISRAEL):%Y-%m-%d %H:%M}"
