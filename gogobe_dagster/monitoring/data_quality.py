"""Checks of imported data: freshness, completeness, quarantines, row counts, rejects, outliers, promotions.

Each check runs one query over the ledger or the tables; its verdict has observed and expected values.
Thresholds are settings; what is normal for a feed is in the register. Nothing here knows Dagster or writes.
"""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.errors import EXPECTED_CODES
from gogobe_dagster.feeds.publishing_calendar import SILENCE_DAYS, rest_duration, rest_reason_on
from gogobe_dagster.feeds.registry import FEEDS, Feed, known_feed
from gogobe_dagster.files.kinds import FULL_KINDS
from gogobe_dagster.monitoring.failed_files import frequency
from gogobe_dagster.settings import Settings

LOOKBACK_DAYS = 14
"""A full file older than this counts as none, except of irregular feeds."""
BASELINE_DAYS = 7
"""Days before the checked one that define what is usual."""
MAX_FINDINGS = len(FEEDS)
"""Enough for every feed, so that none is without an alert of its own."""
MAX_OUTLIERS_PER_THOUSAND = 1
MAX_IDS = 60
"""Characters of store numbers in a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem: the feed or product, the observed and the expected value."""

    subject: str
    observed: str
    expected: str
    feed: str = ""
    """Key of the feed, if the problem is one of a feed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a check. `findings` are the worst ones first, at most `MAX_FINDINGS`."""

    summary: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    is_severe: bool = False
    """Whether queries on the tables return wrong answers; otherwise it is a warning."""

    @property
    def passed(self) -> bool:
        """Whether there are no findings."""
        return not self.findings


def check_freshness(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Find feeds whose newest loaded full price file is too old; feeds without full files are skipped."""
    query = """
        select l.feed, max(f.published_at) as newest
        from listing l
        join unnest(cast(:feeds as text[]), cast(:days as date[])) as first (feed, day) using (feed)
        left join file f on f.feed = l.feed and f.publication_day >= first.day
            and f.kind = 'full_prices' and f.state = 'loaded'
        group by l.feed order by newest nulls first
    """
    feeds = {feed.key: feed for feed in FEEDS if feed.full_files_per_day != 0}
    days = [day_of(now) - timedelta(days=_lookback_days(feed)) for feed in feeds.values()]
    rows = _rows(engine, query, feeds=list(feeds), days=days)
    late = [finding for row in rows for finding in _lateness(feeds[row.feed], row.newest, settings, now)]
    summary = f"no recent full price file from {len(late)} of {_feeds(len(rows))}"
    return _verdict(
        late,
        summary,
        "every feed has a recent full price file",
        {"feeds": len(rows), "late": len(late)},
        is_severe=True,
    )


def _lookback_days(feed: Feed) -> int:
    """Look far enough back to see that an irregular feed has been silent for too long."""
    return 2 * SILENCE_DAYS if feed.is_irregular else LOOKBACK_DAYS


def _lateness(feed: Feed, newest: datetime | None, settings: Settings, now: datetime) -> Iterator[Finding]:
    """Find that a feed is late. `newest`: when its newest loaded full price file was published.

    An irregular feed without any is not late: it may have been silent since before the installation.
    """
    if newest is None and feed.is_irregular:
        return
    hours = _hours_allowed(feed, settings, newest, now)
    if newest is None or now - newest > timedelta(hours=hours):
        observed = _local(newest) if newest else f"none in {_lookback_days(feed)} days"
        expected = f"within {hours} hours"
        yield Finding(subject=feed.name, observed=observed, expected=expected, feed=feed.key)


def is_late(feed: Feed, newest: datetime | None, settings: Settings, now: datetime) -> bool:
    """Return whether a feed is late. `newest`: when its newest loaded full price file was published."""
    return any(_lateness(feed, newest, settings, now))


def check_completeness(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Find feeds with too few stores that have a full price file; days on which a feed is closed are skipped.

    Expected are as many stores as in the last seven days, and at least as many as the register counted. The
    register is ignored with a replica, whose stores are made up. Where nothing was loaded yet, such as of a
    new feed whose files are all lost, the stores with a listed file are expected. A day without any file is
    no finding for an irregular feed.
    """
    day = _checked_day(settings, now)
    query = """
        select feed, count(distinct store) filter (where is_loaded and publication_day = :day) as now,
            count(distinct store) filter (where is_loaded) as usual, count(distinct store_id) as listed
        from (select feed, publication_day, (chain_id, sub_chain_id, store_id) as store, store_id,
                  state = 'loaded' as is_loaded
              from file where publication_day between :first and :day and kind = 'full_prices'
                  and state <> 'superseded' and coalesce(code, '') <> all (:expected)) as full_file
        group by feed
    """
    few, all_now, all_usual = list[Finding](), 0, 0
    first, expected = day - timedelta(days=BASELINE_DAYS), sorted(EXPECTED_CODES)
    rows = _rows(engine, query, day=day, first=first, expected=expected)
    for row in sorted(rows, key=lambda row: row.now / max(row.usual, 1)):
        feed = known_feed(row.feed)
        if feed is None or rest_reason_on(feed, day) or (feed.is_irregular and not row.now):
            continue
        counted = 0 if settings.replica_url else feed.stores_with_full_files
        usual = max(row.usual, counted) or row.listed
        all_now, all_usual = all_now + row.now, all_usual + usual
        if row.now * 100 < usual * settings.completeness_percent:
            few.append(
                Finding(
                    subject=row.feed,
                    observed=f"{row.now} stores",
                    expected=f"{usual}, as in {_source(row.usual, counted)}",
                    feed=row.feed,
                )
            )
    summary = f"many stores of {_feeds(len(few))} have no full price file on {day}"
    numbers = {"stores": all_now, "stores usually": all_usual}
    return _verdict(few, summary, f"every feed is complete on {day}", numbers)


def _source(usual: int, counted: int) -> str:
    """Say where the expected number of stores is from: loaded in the last days, or counted once."""
    if counted > usual:
        return "the register"
    return "the last seven days" if usual else "the listings"


def check_quarantines(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Find feeds and days, since yesterday, of which many files are quarantined.

    Files with expected codes do not count. The observed value has the codes with their counts. Full files
    of a kind are also looked at for themselves: if so few of them can come that their day is red, that is a
    finding, however many deltas came.
    """
    query = """
        select feed, publication_day, kind, code, count(*)::int as files,
            state = 'quarantined' and code <> all (:expected) as is_bad
        from file where publication_day >= :first
        group by feed, publication_day, kind, code, state order by feed, publication_day
    """
    rows = _rows(engine, query, expected=sorted(EXPECTED_CODES), first=day_of(now) - timedelta(days=1))
    days = [list(group) for _, group in groupby(rows, key=attrgetter("feed", "publication_day"))]
    many = [finding for day in sorted(days, key=_bad, reverse=True) for finding in _lost(day, settings)]
    numbers = {"files": sum(row.files for row in rows), "quarantined": _bad(rows)}
    summary = f"many files of {_feeds(len({finding.feed for finding in many}))} are quarantined"
    return _verdict(many, summary, "few files are quarantined", numbers)


def _feeds(number: int) -> str:
    return f"{number} feed" if number == 1 else f"{number} feeds"


def _bad(counts: Iterable[sa.Row[Any]]) -> int:
    return sum(count.files for count in counts if count.is_bad)


def _lost(day: Sequence[sa.Row[Any]], settings: Settings) -> Iterator[Finding]:
    """Find that many files of a feed's day are quarantined: of all, or else of the full files of a kind."""
    limit, least = settings.max_quarantined_percent, settings.min_files_percent
    if _bad(day) * 100 > sum(count.files for count in day) * limit:
        yield _quarantined(day, "files", f"at most {limit:g} %")
        return
    for kind in FULL_KINDS:
        of_kind = [count for count in day if count.kind == kind]
        files = sum(count.files for count in of_kind)
        if _bad(of_kind) and (files - _bad(of_kind)) * 100 < files * least:
            yield _quarantined(of_kind, kind.in_words, f"at least {least:g} % of them readable")


def _quarantined(counts: Sequence[sa.Row[Any]], what: str, expected: str) -> Finding:
    codes = Counter[str]()
    for count in counts:
        if count.is_bad:
            codes[count.code] += count.files
    return Finding(
        subject=f"{counts[0].feed}, {counts[0].publication_day}",
        observed=f"{codes.total()} of {sum(count.files for count in counts)} {what}: {frequency(codes)}",
        expected=expected,
        feed=counts[0].feed,
    )


def check_row_counts(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Find feeds whose full price files have far more or fewer rows than on the last day that had any."""
    day = _checked_day(settings, now)
    query = """
        select feed, before_day, avg(rows) filter (where publication_day = :day) as now,
            avg(rows) filter (where publication_day = before_day) as before
        from (select feed, publication_day, rows, max(publication_day)
                  filter (where publication_day < :day) over (partition by feed) as before_day
              from file where publication_day between :first and :day
                  and kind = 'full_prices' and state = 'loaded') as full_file
        group by feed, before_day
    """
    rows = [
        row for row in _rows(engine, query, day=day, first=day - timedelta(days=BASELINE_DAYS)) if row.before
    ]
    odd = [
        Finding(
            subject=row.feed,
            observed=f"{row.now:.0f} per file",
            expected=f"{row.before:.0f} on {row.before_day}",
            feed=row.feed,
        )
        for row in rows
        if row.now is not None and abs(row.now / row.before - 1) * 100 > settings.row_count_change_percent
    ]
    summary = f"full price files of {_feeds(len(odd))} have an unusual number of rows on {day}"
    return _verdict(
        odd, summary, f"full price files of {day} have a usual number of rows", {"feeds": len(rows)}
    )


def check_rejects(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Find feeds with too many rejected rows since yesterday."""
    query = """
        select feed, sum(rejected) as rejected, sum(rows + rejected) as rows
        from file where publication_day >= :first and rows is not null group by feed
    """
    rows = _rows(engine, query, first=day_of(now) - timedelta(days=1))
    shares = {row.feed: row.rejected / row.rows * 100 for row in rows if row.rows}
    limit = settings.max_reject_percent
    bad = [
        Finding(subject=feed, observed=f"{share:.2f} % rejected", expected=f"at most {limit:g} %", feed=feed)
        for feed, share in sorted(shares.items(), key=lambda item: -item[1])
        if share > limit
    ]
    numbers = {"rows": sum(row.rows for row in rows), "rejected": sum(row.rejected for row in rows)}
    summary = f"many rows of {_feeds(len(bad))} are rejected"
    return _verdict(bad, summary, "few rows are rejected", numbers)


def check_outliers(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Find prices that changed since yesterday by more than a factor; a small share of them is normal."""
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
        order by greatest(factor, 1 / factor) desc limit :findings
    """
    since = now - timedelta(days=1)
    rows = _rows(engine, query, since=since, factor=settings.outlier_factor, findings=MAX_FINDINGS)
    outliers, changes = (rows[0].outliers, rows[0].changes) if rows else (0, 0)
    found = [
        Finding(
            subject=f"{row.name or row.product_key}, store {row.store_id} of {row.chain_id}",
            observed=f"{row.price.normalize():f}",
            expected=f"{row.before.normalize():f} before",
        )
        for row in rows
    ]
    is_much = outliers * 1000 > changes * MAX_OUTLIERS_PER_THOUSAND
    summary = f"{outliers} of {changes} changed prices by more than a factor of {settings.outlier_factor}"
    numbers = {"changed by a factor": outliers, "changed prices": changes}
    return _verdict(found if is_much else [], summary, "few prices changed by a large factor", numbers)


def check_promoted_products(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Find feeds with too many promoted products that were never in a price file of their chain."""
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
            observed=f"{row.unknown} of {row.products} promoted products ({row.unknown / row.products:.0%})",
            expected=f"at most {limit:g} % without a price in the chain",
            feed=row.feed,
        )
        for row in sorted(rows, key=lambda row: -row.unknown / row.products)
        if row.unknown * 100 > row.products * limit
    ]
    numbers = {
        "promoted products": sum(row.products for row in rows),
        "unknown": sum(row.unknown for row in rows),
    }
    summary = f"many promoted products of {_feeds(len(bad))} have no price in their chain"
    return _verdict(bad, summary, "nearly every promoted product has had a price", numbers)


def check_frozen_stores(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Find feeds with stores whose full price files keep coming and whose prices never change.

    Such a store has full files of at least half of the days, and none of its prices, of thousands, began or
    ended in them. A store that is new has only prices that began in them.
    """
    days = settings.frozen_after_days
    query = """
        with full_file as (
            select feed, chain_id, sub_chain_id, store_id, count(distinct publication_day) as days
            from file where publication_day >= :first and kind = 'full_prices' and state = 'loaded'
            group by feed, chain_id, sub_chain_id, store_id),
        published as (
            select distinct feed, store_key, store_id from full_file
            join store using (chain_id, sub_chain_id, store_id) where days * 2 >= :days),
        store_state as (
            select feed, store_id, not (
                exists (select from price_current c where c.store_key = published.store_key
                    and c.valid_from >= :since)
                or exists (select from price_past p where p.store_key = published.store_key
                    and p.valid_to >= :since)) as is_frozen
            from published)
        select feed, count(*) as stores, count(*) filter (where is_frozen) as frozen,
            string_agg(store_id::text, ', ' order by store_id) filter (where is_frozen) as ids
        from store_state group by feed order by count(*) filter (where is_frozen) desc, feed
    """
    since = now - timedelta(days=days)
    rows = _rows(engine, query, first=day_of(since), since=since, days=days)
    frozen = [
        Finding(
            subject=row.feed,
            observed=f"{row.frozen} of {row.stores} stores unchanged: {_shortened(row.ids)}",
            expected=f"a changed price in {days} days",
            feed=row.feed,
        )
        for row in rows
        if row.frozen
    ]
    numbers = {"stores": sum(row.stores for row in rows), "frozen": sum(row.frozen for row in rows)}
    summary = f"stores of {_feeds(len(frozen))} repeat their prices without a change"
    return _verdict(frozen, summary, "prices change in every store that publishes them", numbers)


def check_stopped_stores(engine: sa.Engine, settings: Settings, now: datetime) -> Verdict:
    """Find feeds with listed stores that stopped publishing prices while others of their chain go on."""
    query = """
        select f.feed, count(*) as stores, string_agg(s.store_id::text, ', ' order by s.store_id) as ids
        from silent_stores s
        left join lateral (
            select feed from file f where f.state = 'loaded' and f.chain_id = s.chain_id
                and f.sub_chain_id = s.sub_chain_id and f.store_id = s.store_id
            order by f.published_at desc limit 1) f on true
        where s.silent_for >= make_interval(days => :days) and s.newest_price_at <= :now
        group by f.feed order by count(*) desc, f.feed
    """
    rows = _rows(engine, query, days=settings.stopped_after_days, now=now)
    stopped = [
        Finding(
            subject=row.feed or "unknown feed",
            observed=f"{row.stores} listed stores are silent: {_shortened(row.ids)}",
            expected=f"prices as new as the chain's, within {settings.stopped_after_days} days",
            feed=row.feed or "",
        )
        for row in rows
    ]
    numbers = {"silent": sum(row.stores for row in rows)}
    summary = f"listed stores of {_feeds(len(stopped))} stopped publishing prices"
    return _verdict(stopped, summary, "every listed store publishes prices", numbers)


def _shortened(ids: str) -> str:
    return textwrap.shorten(ids, MAX_IDS, placeholder=" …")


CHECKS: dict[str, tuple[Callable[[sa.Engine, Settings, datetime], Verdict], str]] = {
    "all_feeds_fresh": (check_freshness, "The newest full price file of every feed is not too old."),
    "all_feeds_complete": (check_completeness, "Nearly all stores of every feed have a full price file."),
    "usual_row_counts": (check_row_counts, "Full price files have about as many rows as the day before."),
    "few_quarantined": (check_quarantines, "Few files of a feed and day are quarantined."),
    "few_rejects": (check_rejects, "Nearly no row is rejected."),
    "few_outliers": (check_outliers, "Few prices change by a large factor in a day."),
    "promoted_products_known": (
        check_promoted_products,
        "Nearly every promoted product is in a price file of its chain.",
    ),
    "no_store_frozen": (
        check_frozen_stores,
        "Prices change in every store whose full price files keep coming.",
    ),
    "no_store_silent": (
        check_stopped_stores,
        "Every listed store publishes prices as long as its chain does.",
    ),
}
"""Name of the check, its function, and what must hold."""


def _rows(engine: sa.Engine, query: str, **values: object) -> Sequence[sa.Row[tuple[object, ...]]]:
    with engine.connect() as connection:
        return connection.execute(sa.text(query), values).all()


def _verdict(
    found: Iterable[Finding], bad: str, good: str, numbers: Mapping[str, float], *, is_severe: bool = False
) -> Verdict:
    findings = list(found)[:MAX_FINDINGS]
    plain = {name: float(number) for name, number in numbers.items()}
    return Verdict(summary=bad if findings else good, numbers=plain, findings=findings, is_severe=is_severe)


def _checked_day(settings: Settings, now: datetime) -> date:
    """Return today if its files should have been published by now, otherwise yesterday."""
    is_late_enough = now.astimezone(ISRAEL).hour >= settings.completeness_hour
    return day_of(now) - timedelta(days=0 if is_late_enough else 1)


def _hours_allowed(feed: Feed, settings: Settings, since: datetime | None, now: datetime) -> int:
    """Allow more after a rest, and after a long one (a holiday before Shabbat) its full length."""
    if feed.is_irregular:
        return SILENCE_DAYS * 24
    if since is None:
        return settings.freshness_hours
    rest = rest_duration(feed, since, now) // timedelta(hours=1)
    allowed = settings.freshness_hours
    return max(settings.freshness_hours_with_rest, allowed + rest) if rest else allowed


def _local(timestamp: datetime) -> str:
    return f"{timestamp.astimezone(ISRAEL):%Y-%m-%d %H:%M}"
