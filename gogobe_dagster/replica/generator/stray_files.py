"""Files that do not belong on a portal but were seen on one (docs/portals.md, Names that are quarantined)."""

from dataclasses import replace
from datetime import date, datetime, time

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.stores import Store
from gogobe_dagster.replica.generator.styles import store_label, style_of
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.state import FOREIGN_CHAIN

LEFTOVER_AT = datetime(2024, 12, 3, 4, 0, tzinfo=ISRAEL)  # Yohananof still lists files of December 2024
LEFTOVER_STORE = 7999


def stray_files(market: SyntheticMarket, feed: Feed, *, day: date, now: datetime) -> list[Publication]:
    """Return a leftover of 2024 and another chain's file; where seen, a placeholder and invalid names."""
    store = market.stores(feed)[0]
    style = style_of(feed, store, day)
    morning, evening = (datetime.combine(day, time(hour), ISRAEL) for hour in (5, 20))
    old_store = replace(store, store_id=LEFTOVER_STORE)
    stranger = replace(store, chain_id=FOREIGN_CHAIN)

    def odd(name: str, kind: FileKind | None, at: datetime, of: Store = store) -> Publication:
        items = market.prices(store, at) if kind is FileKind.FULL_PRICES else []
        return Publication(
            name=name,
            content=style.pack(style.prices.write(of, items), name),
            published_at=at,
            kind=kind,
            store_id=of.store_id if kind else None,
            store_label=store_label(feed, of) if kind else "",
        )

    def full(of: Store, at: datetime) -> Publication:
        return odd(style.name(FileKind.FULL_PRICES, of, at), FileKind.FULL_PRICES, at, of)

    files = [full(old_store, LEFTOVER_AT), full(stranger, morning)]
    if feed.family is not Family.SHUFERSAL:
        files += [
            odd("NULL" + style.name(FileKind.PRICES, store, evening), FileKind.PRICES, evening),
            odd(f"PromoFull0000000000000-00-1-{day:%Y%m%d}0501.gz", FileKind.FULL_PROMOTIONS, morning),
        ]
    if feed.family is Family.CERBERUS:
        files.append(odd(f"backup_{day:%Y%m%d}.gz", None, morning))  # Politzer: an archive of no kind
    return [file for file in files if file.published_at <= now]
