"""The stores of a feed: numbers, names, addresses, sub-chains. The same for a seed on every day."""

from collections.abc import Iterator
from dataclasses import dataclass

from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.replica.generator.seeded_random import draw

CITIES = (
    (3000, "ירושלים"), (5000, "תל אביב - יפו"), (4000, "חיפה"), (8300, "ראשון לציון"), (7900, "פתח תקווה"),
    (70, "אשדוד"), (7400, "נתניה"), (9000, "באר שבע"), (6100, "בני ברק"), (6600, "חולון"), (8600, "רמת גן"),
    (8400, "רחובות"), (7100, "אשקלון"), (6200, "בת ים"), (2610, "בית שמש"), (6900, "כפר סבא"), (6500, "חדרה"),
    (1200, "מודיעין"), (6700, "טבריה"), (7600, "עכו"), (7300, "נצרת"), (7700, "עפולה"), (2600, "אילת"),
)  # fmt: skip
"""Localities with their code at the Central Bureau of Statistics, which many store files print instead."""
STREETS = ("הרצל", "ויצמן", "ז'בוטינסקי", "האומן", "יד חרוצים", "הנשיא", "דרך בגין", "אחד העם", "סוקולוב")
SUB_CHAINS = {
    "shufersal": ((1, "שופרסל שלי"), (2, "שופרסל דיל"), (5, "BE"), (15, "יש בשכונה")),
    "super_pharm": ((0, "סופר פארם"),),
    "mahsanei_hashuk": (
        (1, "מחסני השוק"), (2, "מחסני השוק בסיטי"), (3, "מחסני השוק בשבילך"), (4, "מחסני השוק מהדרין")
    ),
    "wolt_market": ((0, "Wolt Market"),),
    "hazi_hinam": ((0, "חצי חינם"),),
    "city_market_shops": ((0, "סיטי מרקט"),),
    "netiv_hahesed": ((2, "בר-כל"), (6, "נתיב"), (9, "שירה מרקט")),
}  # fmt: skip
ONE_SUB_CHAIN = ((1, "1"),)  # most chains number their only sub-chain 1 and name it by its number
ONLINE = {"rami_levy": 760, "shuk_hair": 304}
"""The online store of a chain; it publishes in another layout than the others."""
ALL_ONLINE = {"wolt_market"}
PHYSICAL, ONLINE_ONLY = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One store of a chain."""

    feed: str
    chain_id: str
    chain_name: str
    sub_chain_id: int
    sub_chain_name: str
    store_id: int
    check_digit: int
    store_type: int
    name: str
    address: str
    city_code: int
    city: str
    zip_code: str

    @property
    def is_online(self) -> bool:
        """Whether it is the chain's online store."""
        return self.store_type == ONLINE_ONLY


def make_stores(feed: Feed, *, number: int, seed: int) -> tuple[Store, ...]:
    """Return `number` stores of a feed; its online store, if it has one, is the last."""
    return tuple(
        _make_store(feed, position, store_id, seed) for position, store_id in _numbers(feed, number, seed)
    )


def _numbers(feed: Feed, number: int, seed: int) -> Iterator[tuple[int, int]]:
    store_id = 0
    online = ONLINE.get(feed.key)
    for position in range(number - (online is not None)):
        store_id += 1 + draw(seed, feed.key, "gap", position) % 3  # closed stores leave gaps
        yield position, store_id
    if online is not None:
        yield number - 1, online


def _make_store(feed: Feed, position: int, store_id: int, seed: int) -> Store:
    drawn = draw(seed, feed.key, "branch", store_id)
    sub_chains = SUB_CHAINS.get(feed.key, ONE_SUB_CHAIN)
    sub_chain_id, sub_chain_name = sub_chains[position % len(sub_chains)]
    city_code, city = CITIES[drawn % len(CITIES)]
    street = STREETS[drawn // 100 % len(STREETS)]
    is_online = store_id == ONLINE.get(feed.key)
    location = "אינטרנט" if is_online else f"{city} {street}"
    return Store(
        feed=feed.key,
        chain_id=feed.chain_ids[position % len(feed.chain_ids)],
        chain_name=feed.hebrew_name,
        sub_chain_id=sub_chain_id,
        sub_chain_name=sub_chain_name,
        store_id=store_id,
        check_digit=drawn // 10_000 % 10,
        store_type=ONLINE_ONLY if is_online or feed.key in ALL_ONLINE else PHYSICAL,
        name=location if sub_chain_name == "1" else f"{sub_chain_name} {location}",
        address=f"{street} {1 + drawn // 100_000 % 120}",
        city_code=city_code,
        city=city,
        zip_code=f"{1_000_000 + drawn // 1_000_000 % 9_000_000}",
    )
