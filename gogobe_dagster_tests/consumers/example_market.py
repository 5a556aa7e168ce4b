"""A small country for everybody who asks: two chains, four stores, a week of prices, some offers."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from gogobe_dagster.warehouse.statistics.update import update_statistics
from gogobe_dagster_tests.warehouse.making import CHAIN, NOON
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    TOMATO,
    Market,
    PriceFile,
    PriceRow,
    StoreList,
)

OTHER_CHAIN, OTHER_FEED = "7290027600007", "shufersal"
JERUSALEM, TEL_AVIV, ONLINE = 1, 2, 3
CLUB_OFFER, OPEN_OFFER = "77", "11"
CHANGED_AT = NOON.replace(hour=0) + timedelta(hours=9)
NAMES = {MILK: "חלב תנובה 3%", BREAD: "לחם אחיד", EGGS: "ביצים L", TOMATO: "עגבניות"}


def fill(engine: sa.Engine, lake: Path) -> Market:
    """Publish and load everything, in the order in which it is published."""
    market = Market.at(engine, lake)
    names = {(1, JERUSALEM): "תלפיות", (1, TEL_AVIV): "מרכז", (1, ONLINE): "ONLINE אתר"}
    cities = _in_cities({JERUSALEM: "3000", TEL_AVIV: 'ת"א', ONLINE: None})
    market.load_lists(market.publish(StoreList(1, names, addresses=cities)))
    holon = _in_cities({7: "חולון"})
    other = StoreList(1, {(1, 7): "דיל חולון"}, "שופרסל", chain=OTHER_CHAIN, addresses=holon)
    market.load_lists(market.publish(other, feed=OTHER_FEED))
    market.open(
        _sells(5, JERUSALEM, {MILK: "7.10", BREAD: "6.50", EGGS: "13.90", TOMATO: "5.90"}),
        _sells(5, TEL_AVIV, {MILK: "6.90", BREAD: "7.20"}),
        _sells(5, ONLINE, {MILK: "8.40"}),
    )
    market.open(_sells(-20, 7, {EGGS: "14.00"}, chain=OTHER_CHAIN), feed=OTHER_FEED)
    market.open(_sells(6, 7, {MILK: "7.30", EGGS: "12.50"}, chain=OTHER_CHAIN), feed=OTHER_FEED)
    market.open(PriceFile(9, [_row(MILK, "7.60")], store=JERUSALEM))
    market.offer(
        PromotionFile(
            10,
            [
                Offer(OPEN_OFFER, [MILK], price="12", min_quantity="2", description="2 ב-12"),
                Offer(CLUB_OFFER, [MILK], price="5", min_quantity="1", other={"club_ids": "3"}),
            ],
            is_full=True,
            store=JERUSALEM,
        )
    )
    update_statistics(engine, now=NOON)
    return market


def _in_cities(cities: Mapping[int, str | None]) -> Mapping[tuple[int, int], Mapping[str, str | None]]:
    return {(1, store): {"city": city} for store, city in cities.items()}


def _sells(hours: float, store: int, prices: dict[str, str], chain: str = CHAIN) -> PriceFile:
    rows = [_row(code, price) for code, price in prices.items()]
    return PriceFile(hours, rows, is_full=True, store=store, chain=chain)


def _row(code: str, price: str) -> PriceRow:
    row = PriceRow(code, price, is_barcode=len(code) > 8, name=NAMES[code], manufacturer="תנובה")
    if code != MILK:
        return row
    return replace(row, unit_quantity="ליטר", quantity=Decimal(1), unit_of_measure="ליטר")
