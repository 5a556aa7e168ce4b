"""Files that should not be on a portal but are, each seen on a real one (PORTALS §3.6, §4.2.3)."""

from dataclasses import replace
from datetime import date, datetime, time

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds import Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.generator.market import Market
from gogobe_dagster.replica.generator.styles import Style, style_of
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.world import FOREIGN_CHAIN

LEFTOVER_DAY = date(2024, 12, 3)  # Yohananof still lists PriceFull files of December 2024
LEFTOVER_STORE = 7999


def odd_files(market: Market, feed: Feed, *, day: date, now: datetime) -> list[Publication]:
    """Return a placeholder, a leftover of 2024, a junk name, another chain's file and a stray archive."""
    branch = market.branches(feed)[0]
    style = style_of(feed, branch, day)
    evening = datetime.combine(day, time(20, 0), ISRAEL)
    long_ago = datetime.combine(LEFTOVER_DAY, time(4, 0), ISRAEL)
    stranger = replace(branch, chain_id=FOREIGN_CHAIN)
    leftover = replace(branch, store_id=LEFTOVER_STORE)
    names = {
        "NULL" + style.name(FileKind.PRICES, branch, evening): (evening, FileKind.PRICES, False),
        style.name(FileKind.FULL_PRICES, leftover, long_ago): (long_ago, FileKind.FULL_PRICES, True),
        f"PromoFull0000000000000-00-1-{day:%Y%m%d}0501.gz": (evening, FileKind.FULL_PROMOTIONS, False),
        style.name(FileKind.FULL_PRICES, stranger, evening): (evening, FileKind.FULL_PRICES, True),
        f"backup_{day:%Y%m%d}.gz": (evening, None, False),
    }
    return [
        Publication(
            name=name,
            content=_content(market, style, feed, name, at if has_rows else None),
            published_at=at,
            kind=kind,
        )
        for name, (at, kind, has_rows) in names.items()
        if at <= now
    ]


def _content(market: Market, style: Style, feed: Feed, name: str, at: datetime | None) -> bytes:
    branch = market.branches(feed)[0]
    items = market.prices(branch, at) if at else []
    return style.pack(style.prices.write(branch, items), name)
