"""Promotion files as the tests of loading write them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster_tests.warehouse.making import CHAIN, StoreFileOfTest


@dataclass(frozen=True)
class Offer:
    """One row of a promotion file; items are codes, those of a product's length GTINs."""

    promotion_id: str
    items: Sequence[str] = ()
    price: str | None = "10"
    min_quantity: str | None = "2"
    group: int = 1
    description: str | None = "2 ב-10"
    gifts: Sequence[str] = ()
    other: dict[str, Any] = field(default_factory=dict)

    @property
    def terms(self) -> dict[str, Any]:
        return {
            "promotion_id": self.promotion_id,
            "group_id": self.group,
            "description": self.description,
            "discounted_price": self.price and Decimal(self.price),
            "min_quantity": self.min_quantity and Decimal(self.min_quantity),
            "items": [
                *map(item, sorted(self.items)),
                *(item(code, is_gift=True) for code in sorted(self.gifts)),
            ],
            "reward_type": 1,
            **self.other,
        }


def item(code: str, *, is_gift: bool = False) -> dict[str, Any]:
    return {"code": code, "is_barcode": len(code) > 8, "is_gift": is_gift, "gift_price": None}


@dataclass(frozen=True)
class PromotionFile(StoreFileOfTest):
    """A promotion file as a test writes it."""

    delta_kind, full_kind = FileKind.PROMOTIONS, FileKind.FULL_PROMOTIONS

    hours: float
    offers: Sequence[Offer]
    is_full: bool = False
    store: int = 1
    sub_chain: int = 1
    chain: str = CHAIN
    is_damaged: bool = False
    revision_size: int = 1000
    variant: str = ""

    def hash_of(self, promotion_id: str) -> str:
        """What reading computes of all offers of a promotion, in whatever order they are."""
        offers = sorted(repr(offer.terms) for offer in self.offers if offer.promotion_id == promotion_id)
        return blake2b("".join(offers).encode(), digest_size=16).hexdigest()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [{"content_hash": self.hash_of(offer.promotion_id), **offer.terms} for offer in self.offers]
