"""Price documents, as each dialect writes them (corpus dialects A, B, C and K)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from gogobe_dagster.replica.generator.catalogue import Product
from gogobe_dagster.replica.generator.documents import (
    BINA,
    CLASSIC,
    DECLARED_NEW,
    LOWER_CASE,
    NEW,
    WOLT,
    Envelope,
    shekels,
    short_shekels,
    text,
)
from gogobe_dagster.replica.generator.market import Priced
from gogobe_dagster.replica.generator.stores import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDialect:
    """How one dialect writes a price document."""

    envelope: Envelope
    tags: str
    """The tags of an item in their order; each with the field that fills it."""
    time: str
    money: Callable[[int], str] = shekels
    unit_price: str = "{:.2f}"

    def write(self, store: Store, items: Iterable[Priced]) -> bytes:
        """Return the document of a store, UTF-8 without BOM."""
        template = _template(self.tags)
        return self.envelope.wrap(
            store, "Items", (template.format_map(self._fields(priced)) for priced in items)
        )

    def _fields(self, priced: Priced) -> dict[str, str]:
        product = priced.product
        return _fixed_fields(product) | {
            "price": self.money(priced.agorot),
            "unit_price": self.unit_price.format(priced.agorot / 100 / product.per_measure),
            "priced_at": priced.priced_at.strftime(self.time),
        }


@cache
def _template(tags: str) -> str:
    pairs = (pair.partition("=") for pair in tags.split())
    lines = (f"      <{tag}>{{{field}}}</{tag}>" if field else f"      <{tag} />" for tag, _, field in pairs)
    return "    <Item>\r\n" + "\r\n".join(lines) + "\r\n    </Item>\r\n"


@lru_cache(maxsize=20_000)
def _fixed_fields(product: Product) -> dict[str, str]:
    return {
        "code": product.code,
        "article": str(3_000_000 + int(product.code) % 1_000_000),
        "type": "1" if product.is_barcode else "0",
        "name": text(product.name),
        "maker": text(product.maker),
        "country": product.country,
        "unit": text(product.unit),
        "quantity": f"{product.quantity}.00",
        "whole_quantity": str(product.quantity),
        "measure": text(product.unit_of_measure),
        "weighted": str(int(product.is_weighted)),
        "zero": "0",
        "no_pieces": "0.0000",
        "one": "1",
        "unknown": "לא ידוע",
    }


CLASSIC_PRICES = PriceDialect(
    envelope=CLASSIC,
    time="%Y-%m-%d %H:%M:%S",
    unit_price="{:.4f}",
    tags=(
        "PriceUpdateDate=priced_at ItemCode=code ItemType=type ItemName=name ManufacturerName=maker "
        "ManufactureCountry=country ManufacturerItemDescription=name UnitQty=unit Quantity=quantity "
        "UnitOfMeasure=measure bIsWeighted=weighted QtyInPackage=unknown ItemPrice=price "
        "UnitOfMeasurePrice=unit_price AllowDiscount=one ItemStatus=one ItemId=article"
    ),
)
LOWER_CASE_PRICES = PriceDialect(
    envelope=LOWER_CASE,
    time="%Y-%m-%d %H:%M",
    tags=(
        "PriceUpdateDate=priced_at ItemCode=code ItemType=type ItemName=name ManufacturerName=maker "
        "ManufactureCountry=country ManufacturerItemDescription=name UnitQty=unit Quantity=quantity "
        "bIsWeighted=weighted UnitOfMeasure=measure QtyInPackage=one ItemPrice=price "
        "UnitOfMeasurePrice=unit_price AllowDiscount=one ItemStatus=one"
    ),
)
BINA_PRICES = PriceDialect(
    envelope=BINA,
    time="%Y-%m-%d %H:%M:%S",
    money=short_shekels,
    unit_price="{:.4f}",
    tags=(
        "PriceUpdateDate=priced_at ItemCode=code ItemType=type ItemNm=name ManufacturerName=maker "
        "ManufactureCountry=unknown ManufacturerItemDescription=name UnitQty=unit Quantity=whole_quantity "
        "UnitOfMeasure=measure bIsWeighted=weighted QtyInPackage=no_pieces ItemPrice=price "
        "UnitOfMeasurePrice=unit_price AllowDiscount=zero ItemStatus=one"
    ),
)
NEW_PRICES = PriceDialect(
    envelope=NEW,
    time="%Y-%m-%dT%H:%M:%S",
    tags=(
        "PriceUpdateTime=priced_at ItemCode=code LastSaleDateTime=priced_at ItemType=type ItemName=name "
        "ManufactureName=maker ManufactureCountry=country ManufactureItemDescription=name UnitQty=unit "
        "Quantity=quantity UnitOfMeasure=measure bIsWeighted=weighted QtyInPackage=one ItemPrice=price "
        "UnitOfMeasurePrice=unit_price AllowDiscount=one ItemStatus"
    ),
)
CITY_MARKET_PRICES = replace(BINA_PRICES, envelope=LOWER_CASE)
DECLARED_NEW_PRICES = replace(NEW_PRICES, envelope=DECLARED_NEW)
WOLT_PRICES = replace(NEW_PRICES, envelope=WOLT, tags=NEW_PRICES.tags.replace("bIs", "bls"))
"""The weighted flag has a letter l."""
