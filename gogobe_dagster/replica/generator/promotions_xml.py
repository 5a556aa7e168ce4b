"""Promotion documents: flat, grouped, or one row per item (docs/portals.md, Documents by layout)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from gogobe_dagster.replica.generator.catalogue import Product
from gogobe_dagster.replica.generator.documents import (
    BINA_PROMOTIONS,
    CLASSIC,
    DECLARED_NEW,
    LOWER_CASE,
    MATRIX_PROMOTIONS,
    NEW,
    WOLT,
    Envelope,
    shekels,
    short_shekels,
    text,
)
from gogobe_dagster.replica.generator.promotions import Promotion
from gogobe_dagster.replica.generator.shops import Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionDialect:
    """How one dialect writes a promotions document."""

    envelope: Envelope
    promotion: str
    """A promotion, with `{}` fields; `{items}` are its items."""
    item: str
    money: Callable[[int], str] = shekels
    list_name: str = "Promotions"
    is_repeated: bool = False
    """Whether the promotion is written once for each of its items."""

    def write(self, branch: Branch, promotions: Iterable[Promotion]) -> bytes:
        """Return the document of a store, UTF-8 without BOM."""
        rows = (
            self._row(promotion, products) for promotion in promotions for products in self._parts(promotion)
        )
        return self.envelope.wrap(branch, self.list_name, rows)

    def _parts(self, promotion: Promotion) -> list[tuple[Product, ...]]:
        return [(product,) for product in promotion.products] if self.is_repeated else [promotion.products]

    def _row(self, promotion: Promotion, products: tuple[Product, ...]) -> str:
        fields = {
            "p": promotion,
            "description": text(promotion.description),
            "price": self.money(promotion.agorot),
            "price_of_one": self.money(round(promotion.agorot / promotion.pieces)),
            "weighted": int(promotion.is_weighted),
            "club": int(promotion.is_for_club),
            "club_name": "חברי מועדון" if promotion.is_for_club else "כלל הלקוחות",
            "count": len(products),
            "code": products[0].code,
            "type": int(products[0].is_barcode),
        }
        items = "".join(self._item(product, fields) for product in products)
        return self.promotion.format(**fields, items=items).replace("\n", "\r\n")

    def _item(self, product: Product, fields: dict[str, object]) -> str:
        return self.item.format(**{**fields, "code": product.code, "type": int(product.is_barcode)})


FLAT_START = """    <Promotion>
      <PromotionId>{p.promotion_id}</PromotionId>
      <PromotionDescription>{description}</PromotionDescription>
      <PromotionUpdateDate>{p.starts_at:%Y-%m-%d %H:%M}</PromotionUpdateDate>
      <PromotionStartDate>{p.starts_at:%Y-%m-%d}</PromotionStartDate>
      <PromotionStartHour>{p.starts_at:%H:%M:%S}</PromotionStartHour>
      <PromotionEndDate>{p.ends_at:%Y-%m-%d}</PromotionEndDate>
      <PromotionEndHour>{p.ends_at:%H:%M:%S}</PromotionEndHour>
      <RewardType>1</RewardType>
"""
RESTRICTIONS = """        <AdditionalIsCoupon>0</AdditionalIsCoupon>
        <AdditionalGiftCount>0</AdditionalGiftCount>
"""
TOTAL_AND_ACTIVE = """        <AdditionalIsTotal>0</AdditionalIsTotal>
        <AdditionalIsActive>1</AdditionalIsActive>
"""
CLUBS = """      <Clubs>
        <ClubId>{club}</ClubId>
      </Clubs>
"""
FLAT_ITEM = """        <Item>
          <ItemCode>{code}</ItemCode>
          <ItemType>{type}</ItemType>
          <IsGiftItem>0</IsGiftItem>
        </Item>
"""
CLASSIC_PROMOTIONS = PromotionDialect(
    envelope=CLASSIC,
    item=FLAT_ITEM,
    promotion=f"""{FLAT_START}      <AllowMultipleDiscounts>1</AllowMultipleDiscounts>
      <IsWeightedPromo>{{weighted}}</IsWeightedPromo>
      <AdditionalRestrictions>
{RESTRICTIONS}{TOTAL_AND_ACTIVE}      </AdditionalRestrictions>
      <MinQty>{{p.pieces}}.00</MinQty>
      <DiscountedPrice>{{price}}</DiscountedPrice>
      <DiscountedPricePerMida>{{price_of_one}}</DiscountedPricePerMida>
      <MinNoOfItemOfered>{{p.pieces}}</MinNoOfItemOfered>
      <WeightUnit>1</WeightUnit>
      <PromotionItems>
{{items}}      </PromotionItems>
{CLUBS}    </Promotion>
""",
)
LOWER_CASE_PROMOTIONS = PromotionDialect(
    envelope=LOWER_CASE,
    item=FLAT_ITEM,
    promotion=f"""{FLAT_START}      <AllowMultipleDiscounts>1</AllowMultipleDiscounts>
      <IsWeightedPromo>{{weighted}}</IsWeightedPromo>
      <MinQty>{{p.pieces}}.00</MinQty>
      <DiscountedPrice>{{price}}</DiscountedPrice>
      <MinNoOfItemOfered>{{p.pieces}}</MinNoOfItemOfered>
      <PromotionItems Count="{{count}}">
{{items}}      </PromotionItems>
      <AdditionalRestrictions>
{RESTRICTIONS}{TOTAL_AND_ACTIVE}      </AdditionalRestrictions>
{CLUBS}    </Promotion>
""",
)
BINA_PROMOTIONS_DIALECT = PromotionDialect(
    envelope=BINA_PROMOTIONS,
    money=short_shekels,
    item="""        <Item>
          <ItemCode>{code}</ItemCode>
          <IsGiftItem>0</IsGiftItem>
          <ItemType>{type}</ItemType>
        </Item>
""",
    promotion=f"""{FLAT_START}      <DiscountType>1</DiscountType>
      <DiscountRate>0.00</DiscountRate>
      <AllowMultipleDiscounts>0</AllowMultipleDiscounts>
      <MinQty>{{p.pieces}}</MinQty>
      <MaxQty>0</MaxQty>
      <DiscountedPrice>{{price}}</DiscountedPrice>
      <DiscountedPricePerMida>{{price_of_one}}</DiscountedPricePerMida>
      <MinNoOfItemOfered>{{p.pieces}}</MinNoOfItemOfered>
      <AdditionalRestrictions>
{RESTRICTIONS}        <Clubs>
          <ClubId>{{club}}</ClubId>
        </Clubs>
{TOTAL_AND_ACTIVE}      </AdditionalRestrictions>
      <PromotionItems count="{{count}}">
{{items}}      </PromotionItems>
      <GiftsItems count="0" />
      <Remarks>{{description}}</Remarks>
      <MinPurchaseAmnt>0</MinPurchaseAmnt>
    </Promotion>
""",
)
NEW_PROMOTIONS = PromotionDialect(
    envelope=NEW,
    item="""            <PromotionItem>
              <ItemCode>{code}</ItemCode>
              <ItemType>{type}</ItemType>
              <RewardType>10</RewardType>
              <MinQty>{p.pieces}</MinQty>
              <MaxQty />
              <DiscountRate />
              <DiscountedPrice>{price}</DiscountedPrice>
              <DiscountedPricePerMida>{price_of_one}</DiscountedPricePerMida>
              <bIsWeighted>{weighted}</bIsWeighted>
            </PromotionItem>
""",
    promotion="""    <Promotion>
      <PromotionUpdateTime>{p.starts_at:%Y-%m-%dT%H:%M:%S}.000</PromotionUpdateTime>
      <AllowMultipleDiscounts>1</AllowMultipleDiscounts>
      <PromotionID>{p.promotion_id:010}</PromotionID>
      <PromotionDescription>{description}</PromotionDescription>
      <PromotionStartDateTime>{p.starts_at:%Y-%m-%dT%H:%M:%S}.000</PromotionStartDateTime>
      <PromotionEndDateTime>{p.ends_at:%Y-%m-%dT%H:%M:%S}.000</PromotionEndDateTime>
      <PromotionDays />
      <RedemptionLimit />
      <MinNoOfItemOffered>{p.pieces}</MinNoOfItemOffered>
      <ClubID>{club} - {club_name}</ClubID>
      <IsGiftItem />
      <AdditionalIsCoupon>0</AdditionalIsCoupon>
      <AdditionalRestrictions />
      <Remarks />
      <Groups>
        <Group>
          <GroupID>1</GroupID>
          <MinPurchaseAmount>0.00</MinPurchaseAmount>
          <DiscountType />
          <PromotionItems>
{items}          </PromotionItems>
        </Group>
      </Groups>
    </Promotion>
""",
)
CLASSIC_GROUPED_PROMOTIONS = replace(NEW_PROMOTIONS, envelope=CLASSIC)
"""Hazi Hinam: the header of the first generation, the groups of the second."""
REPEATED_PROMOTIONS = replace(LOWER_CASE_PROMOTIONS, is_repeated=True)
MATRIX_SALES = PromotionDialect(
    envelope=MATRIX_PROMOTIONS,
    money=short_shekels,
    list_name="Sales",
    is_repeated=True,
    item="",
    promotion="""    <Sale>
      <PriceUpdateDate>{p.starts_at:%Y/%m/%d %H:%M:%S}</PriceUpdateDate>
      <ItemCode>{code}</ItemCode>
      <ItemType>{type}</ItemType>
      <IsGiftItem>0</IsGiftItem>
      <RewardType>10</RewardType>
      <AllowMultipleDiscounts>0</AllowMultipleDiscounts>
      <PromotionID>{p.promotion_id}</PromotionID>
      <PromotionDescription>{description}</PromotionDescription>
      <PromotionStartDate>{p.starts_at:%Y/%m/%d}</PromotionStartDate>
      <PromotionStartHour>{p.starts_at:%H:%M:%S}</PromotionStartHour>
      <PromotionEndDate>{p.ends_at:%Y/%m/%d}</PromotionEndDate>
      <PromotionEndHour>{p.ends_at:%H:%M:%S}</PromotionEndHour>
      <ClubID>{club}</ClubID>
      <MinQty>{p.pieces}</MinQty>
      <MaxQty>0</MaxQty>
      <DiscountRate>0</DiscountRate>
      <DiscountType>1</DiscountType>
      <MinPurchaseAmount>0</MinPurchaseAmount>
      <DiscountedPrice>{price}</DiscountedPrice>
      <DiscountedPricePerMida>{price_of_one}</DiscountedPricePerMida>
      <MinNoOfItemsOffered>0</MinNoOfItemsOffered>
      <AdditionalsCoupon />
      <AdditionalsGiftCount>{p.pieces}</AdditionalsGiftCount>
      <AdditionalsTotals />
      <AdditionalsMinBasketAmount />
      <AdditionalRestrictions />
      <Remarks> </Remarks>
    </Sale>
""",
)
"""A row an item: Laib until 2026."""
DECLARED_NEW_PROMOTIONS = replace(NEW_PROMOTIONS, envelope=DECLARED_NEW)
WOLT_PROMOTIONS = replace(NEW_PROMOTIONS, envelope=WOLT)
