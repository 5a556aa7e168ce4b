"""What the tables must say after any files, in plain Python: the judge of rule 3."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gogobe_dagster.warehouse.history.periods import StoreFile
from gogobe_dagster_tests.warehouse.making import CHAIN
from gogobe_dagster_tests.warehouse.oracle import periods_of
from gogobe_dagster_tests.warehouse.promotions import PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import PriceFile, PriceRow, StoreList

PRODUCT = "coalesce(p.gtin, p.code)"
LABEL = "f.feed || ' ' || f.name"
ENDED = "left join file e on e.file_id = h.closed_by_file_id"
TABLES = {
    "price_history": f"""
        select s.store_id, {PRODUCT}, h.price, h.published_unit_price, h.valid_from, {LABEL}, h.valid_to,
            e.feed || ' ' || e.name
        from price_history h join store s using (store_key) join product p using (product_key)
        join file f using (file_id) {ENDED}
    """,
    "price_current": f"""
        select s.store_id, {PRODUCT}, h.price, h.published_unit_price, h.valid_from, {LABEL}
        from price_current h join store s using (store_key) join product p using (product_key)
        join file f using (file_id)
    """,
    "promotion_store": f"""
        select s.store_id, h.promotion_id, replace(r.content_hash::text, '-', ''), h.valid_from, {LABEL},
            h.valid_to, e.feed || ' ' || e.name
        from promotion_store h join store s using (store_key) join promotion r using (promotion_key)
        join file f using (file_id) {ENDED}
    """,
    # distinct: an offer whose items cost different prices is stored as several
    "promotion": """
        select distinct chain_id, promotion_id, replace(content_hash::text, '-', ''), group_id,
            discounted_price
        from promotion join promotion_offer using (promotion_key)
    """,
    "promotion_item": f"""
        select promotion_id, replace(content_hash::text, '-', ''), group_id, {PRODUCT}
        from promotion join promotion_offer using (promotion_key)
        join promotion_item using (promotion_key, offer_number) join product p using (product_key)
    """,
    "product": f"select {PRODUCT} from product p",
    "store": """
        select store_id, name, is_listed, first_seen_at, last_seen_at, last_price_at, last_full_price_at,
            last_promotion_at, last_full_promotion_at from store
    """,
    "chain": "select chain_id, name from chain",
    "chain_product": f"""
        select {PRODUCT}, d.name, d.manufacturer from chain_product d join product p using (product_key)
    """,
    "file": "select f.feed, f.name, f.state, f.rows - f.rows_skipped from file f",
}


@dataclass(frozen=True)
class Published:
    """A file in a feed."""

    feed: str
    file: Any
    """A PriceFile, PromotionFile or StoreList."""

    @property
    def label(self) -> str:
        return f"{self.feed} {self.file.name}"

    @property
    def at(self) -> Any:
        return self.file.sighting.published_at

    @property
    def size(self) -> int:
        if isinstance(self.file, PriceFile):
            return len(self.priced)
        return len(self.file.names if isinstance(self.file, StoreList) else self.file.rows)

    @property
    def priced(self) -> list[PriceRow]:
        """The rows with a price that can be read."""
        return [row for row in self.file.rows if row.price is not None]

    @property
    def is_full(self) -> bool:
        return isinstance(self.file, StoreList) or self.file.is_full

    @property
    def is_complete(self) -> bool:
        return self.is_full and self.size > 0 and not self.file.is_damaged

    @property
    def order(self) -> Any:
        return self.at, (not self.is_full, self.feed, self.file.name, 1)

    @property
    def contents(self) -> dict[str, Any]:
        """The values of its entities."""
        if isinstance(self.file, PriceFile):
            unread = {product_of(row.code): None for row in self.file.rows if row.price is None}
            return unread | {product_of(row.code): _value(row) for row in self.priced}
        return {offer.promotion_id: self.file.hash_of(offer.promotion_id) for offer in self.file.offers}


def product_of(code: str) -> str:
    """All GTINs of the tests have 13 digits."""
    return code.lstrip("0") if len(code) > 8 else code


def _value(row: PriceRow) -> tuple[Decimal, Decimal | None]:
    return Decimal(row.price or ""), None if row.published_unit_price is None else Decimal(
        row.published_unit_price
    )


def replay(published: Sequence[Published]) -> dict[str, set[tuple[Any, ...]]]:
    """Return what each table of TABLES must say."""
    prices = [publication for publication in published if isinstance(publication.file, PriceFile)]
    promotions = [publication for publication in published if isinstance(publication.file, PromotionFile)]
    sold = {(store, product, *value, *rest) for store, product, value, *rest in _periods(prices)}
    offers = [
        (promotion_file.file, offer) for promotion_file in promotions for offer in promotion_file.file.offers
    ]
    items = {
        (offer.promotion_id, file.hash_of(offer.promotion_id), offer.group, product_of(code))
        for file, offer in offers
        for code in offer.items
    }
    lists = [publication for publication in published if isinstance(publication.file, StoreList)]
    return {
        "price_history": sold,
        "price_current": {row[:6] for row in sold if row[6] is None},
        "promotion_store": {tuple(row) for row in _periods(promotions)},
        "promotion": {
            (CHAIN, offer.promotion_id, file.hash_of(offer.promotion_id), offer.group, Decimal(offer.price))
            for file, offer in offers
        },
        "promotion_item": items,
        "product": {(row[1],) for row in sold} | {(item[3],) for item in items} | _listed_products(prices),
        "store": _stores(prices, promotions, lists),
        "chain": {(CHAIN, "רמי לוי" if any(store_list.size for store_list in lists) else None)}
        if any(not isinstance(publication.file, StoreList) or publication.size for publication in published)
        else set(),
        "chain_product": _statements(prices),
        "file": {
            (publication.feed, publication.file.name, "loaded", _kept(publication))
            for publication in published
        },
    }


def _periods(published: Sequence[Published]) -> list[Any]:
    by_number = dict(enumerate(published))
    labels = {number: item.label for number, item in by_number.items()} | {None: None}
    statements = [
        StoreFile(
            file_id=number,
            store_key=item.file.store or 0,
            published_at=item.at,
            is_complete=item.is_complete,
            tie_break=item.order[1],
        )
        for number, item in by_number.items()
    ]
    rows = periods_of(statements, {number: item.contents for number, item in by_number.items()})
    return [[*head, at, labels[by], until, labels[ended]] for *head, at, by, until, ended in rows]


def _listed_products(prices: Sequence[Published]) -> set[tuple[str]]:
    return {(product_of(row.code),) for price_file in prices for row in price_file.priced}


def _kept(publication: Published) -> int:
    if isinstance(publication.file, PriceFile):
        return len({product_of(row.code) for row in publication.priced})
    return publication.size


def _statements(prices: Sequence[Published]) -> set[tuple[Any, ...]]:
    """Of each product, the fullest statement of the newest day, of those that hold in their file."""
    best: dict[str, Any] = {}
    for price_file in prices:
        for row in {product_of(row.code): row for row in price_file.priced}.values():
            texts = [row.name, row.manufacturer]
            fullness = sum(text is not None for text in texts)
            greatness = (
                price_file.file.sighting.publication_day,
                fullness,
                row.code,
                *(text or "" for text in texts),
            )
            product = product_of(row.code)
            best[product] = max(best.get(product, (greatness, texts)), (greatness, texts))
    return {(product, *texts) for product, (_, texts) in best.items()}


def _stores(
    prices: Sequence[Published], promotions: Sequence[Published], lists: Sequence[Published]
) -> set[tuple[Any, ...]]:
    shown = {store_list.label: {store for _, store in store_list.file.names} for store_list in lists}
    known = {item.file.store for item in (*prices, *promotions)}.union(*shown.values())
    return {_store(store, prices, promotions, lists, shown) for store in known}


def _store(
    store: Any,
    prices: Sequence[Published],
    promotions: Sequence[Published],
    lists: Sequence[Published],
    shown: dict[str, set[int]],
) -> tuple[Any, ...]:
    ours = [[item for item in some if item.file.store == store] for some in (prices, promotions)]
    on_lists = sorted(
        (store_list for store_list in lists if store in shown[store_list.label]),
        key=lambda publication: publication.order,
    )
    seen = [item.at for some in (*ours, on_lists) for item in some]
    newest = on_lists[-1] if on_lists else None
    name = newest.file.names[1, store] if newest else None
    is_listed = newest is not None and not any(
        store_list.is_complete and store_list.feed == newest.feed and store_list.order > newest.order
        for store_list in lists
    )
    stamps = [
        max((item.at for item in some if item.is_complete or not only_full), default=None)
        for some in ours
        for only_full in (False, True)
    ]
    return (store, name, is_listed, min(seen), max(seen), *stamps)
