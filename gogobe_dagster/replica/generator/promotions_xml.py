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
from gogobe_dagster.replica.generator.promotion_terms import (
    Terms,
    bina_terms,
    cerberus_terms,
    grouped_terms,
    sale_terms,
)
from gogobe_dagster.replica.generator.promotions import Promotion
from gogobe_dagster.replica.generator.stores import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionDialect:
    """How one dialect writes a promotions document."""

    envelope: Envelope
    promotion: str
    """A promotion, with `{}` fields; `{items}` are its items."""
    item: str
    legs: Callable[[Promotion], tuple[Terms, ...]]
    """The numbers of a deal; several where the layout writes it in groups."""
    group: str = ""
    """A group, where the layout has them; `{items}` are its items."""
    money: Callable[[int], str] = shekels
    list_name: str = "Promotions"
    is_repeated: bool = False
    """Whether the promotion is written once for each of its items."""

    def write(self, store: Store, promotions: Iterable[Promotion]) -> bytes:
        """Return the document of a store, UTF-8 without BOM."""
        rows = (
            self._row(promotion, products) for promotion in promotions for products in self._parts(promotion)
        )
        return self.envelope.wrap(store, self.list_name, rows)

    def _parts(self, promotion: Promotion) -> list[tuple[Product, ...]]:
        return [(product,) for product in promotion.products] if self.is_repeated else [promotion.products]

    def _row(self, promotion: Promotion, products: tuple[Product, ...]) -> str:
        legs = self.legs(promotion)
        fields = {
            "p": promotion,
            "description": text(promotion.description),
            "weighted": int(promotion.is_weighted),
            "club": int(promotion.is_for_club),
            "club_name": "חברי מועדון" if promotion.is_for_club else "כלל הלקוחות",
            "count": len(products),
            "count_offered": promotion.deal.quantity,
            "code": products[0].code,
            "type": int(products[0].is_barcode),
            **self._numbers(legs[0]),
        }
        groups = "".join(
            self.group.format(number=number, items=self._items(products, {**fields, **self._numbers(leg)}))
            for number, leg in enumerate(legs, 1)
        )
        row = self.promotion.format(**fields, groups=groups, items=self._items(products, fields))
        return row.replace("\n", "\r\n")

    def _items(self, products: tuple[Product, ...], fields: dict[str, object]) -> str:
        return "".join(
            self.item.format(**{**fields, "code": product.code, "type": int(product.is_barcode)})
            for product in products
        )

    def _numbers(self, terms: Terms) -> dict[str, object]:
        """Write what a leg states. What it does not state is left out, or empty in the layout of 2026."""
        price = "" if terms.price is None else self.money(terms.price)
        measure = "" if terms.price_of_measure is None else self.money(terms.price_of_measure)
        return {
            "t": terms,
            "gift": int(terms.are_gifts),
            "rate": "" if terms.rate is None else f"{terms.rate}.00",
            "price_or_none": price,
            "measure_or_none": measure,
            "price": _element("DiscountedPrice", price),
            "price_of_measure": _element("DiscountedPricePerMida", measure),
            "discount": _element("DiscountType", terms.discount_type) + _element("DiscountRate", terms.rate),
        }


def _element(tag: str, value: object) -> str:
    return "" if value is None or value == "" else f"      <{tag}>{value}</{tag}>\n"


def _cerberus(promotion: Promotion) -> tuple[Terms, ...]:
    return (cerberus_terms(promotion.deal),)


def _bina(promotion: Promotion) -> tuple[Terms, ...]:
    return (bina_terms(promotion.deal),)


def _sale(promotion: Promotion) -> tuple[Terms, ...]:
    return (sale_terms(promotion.deal),)


def _grouped(promotion: Promotion) -> tuple[Terms, ...]:
    return grouped_terms(promotion.deal, states_total=promotion.promotion_id // 100 % 2 == 0)


FLAT_START = """    <Promotion>
      <PromotionId>{p.promotion_id}</PromotionId>
      <PromotionDescription>{description}</PromotionDescription>
      <PromotionUpdateDate>{p.starts_at:%Y-%m-%d %H:%M}</PromotionUpdateDate>
      <PromotionStartDate>{p.starts_at:%Y-%m-%d}</PromotionStartDate>
      <PromotionStartHour>{p.starts_at:%H:%M:%S}</PromotionStartHour>
      <PromotionEndDate>{p.ends_at:%Y-%m-%d}</PromotionEndDate>
      <PromotionEndHour>{p.ends_at:%H:%M:%S}</PromotionEndHour>
      <RewardType>{t.reward_type}</RewardType>
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
    legs=_cerberus,
    item=FLAT_ITEM,
    promotion=f"""{FLAT_START}      <AllowMultipleDiscounts>1</AllowMultipleDiscounts>
      <IsWeightedPromo>{{weighted}}</IsWeightedPromo>
      <AdditionalRestrictions>
{RESTRICTIONS}{TOTAL_AND_ACTIVE}      </AdditionalRestrictions>
      <MinQty>{{t.quantity:.2f}}</MinQty>
{{discount}}{{price}}{{price_of_measure}}      <MinNoOfItemOfered>{{count_offered}}</MinNoOfItemOfered>
      <WeightUnit>1</WeightUnit>
      <PromotionItems>
{{items}}      </PromotionItems>
{CLUBS}    </Promotion>
""",
)
LOWER_CASE_PROMOTIONS = PromotionDialect(
    envelope=LOWER_CASE,
    legs=_cerberus,
    item=FLAT_ITEM,
    promotion=f"""{FLAT_START}      <AllowMultipleDiscounts>1</AllowMultipleDiscounts>
      <IsWeightedPromo>{{weighted}}</IsWeightedPromo>
      <MinQty>{{t.quantity:.2f}}</MinQty>
{{discount}}{{price}}      <MinNoOfItemOfered>{{count_offered}}</MinNoOfItemOfered>
      <PromotionItems Count="{{count}}">
{{items}}      </PromotionItems>
      <AdditionalRestrictions>
{RESTRICTIONS}{TOTAL_AND_ACTIVE}      </AdditionalRestrictions>
{CLUBS}    </Promotion>
""",
)
BINA_PROMOTIONS_DIALECT = PromotionDialect(
    envelope=BINA_PROMOTIONS,
    legs=_bina,
    money=short_shekels,
    item="""        <Item>
          <ItemCode>{code}</ItemCode>
          <IsGiftItem>{gift}</IsGiftItem>
          <ItemType>{type}</ItemType>
        </Item>
""",
    promotion=f"""{FLAT_START}{{discount}}      <AllowMultipleDiscounts>0</AllowMultipleDiscounts>
      <MinQty>{{t.quantity:g}}</MinQty>
      <MaxQty>0</MaxQty>
{{price}}{{price_of_measure}}      <MinNoOfItemOfered>{{count_offered}}</MinNoOfItemOfered>
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
    legs=_grouped,
    group="""        <Group>
          <GroupID>{number}</GroupID>
          <MinPurchaseAmount>0.00</MinPurchaseAmount>
          <DiscountType />
          <PromotionItems>
{items}          </PromotionItems>
        </Group>
""",
    item="""            <PromotionItem>
              <ItemCode>{code}</ItemCode>
              <ItemType>{type}</ItemType>
              <RewardType>{t.reward_type}</RewardType>
              <MinQty>{t.quantity:g}</MinQty>
              <MaxQty />
              <DiscountRate>{rate}</DiscountRate>
              <DiscountedPrice>{price_or_none}</DiscountedPrice>
              <DiscountedPricePerMida>{measure_or_none}</DiscountedPricePerMida>
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
      <MinNoOfItemOffered>{count_offered}</MinNoOfItemOffered>
      <ClubID>{club} - {club_name}</ClubID>
      <IsGiftItem />
      <AdditionalIsCoupon>0</AdditionalIsCoupon>
      <AdditionalRestrictions />
      <Remarks />
      <Groups>
{groups}      </Groups>
    </Promotion>
""",
)
CLASSIC_GROUPED_PROMOTIONS = replace(NEW_PROMOTIONS, envelope=CLASSIC)
"""Hazi Hinam: the header of the first generation, the groups of the second."""
REPEATED_PROMOTIONS = replace(LOWER_CASE_PROMOTIONS, is_repeated=True)
MATRIX_SALES = PromotionDialect(
    envelope=MATRIX_PROMOTIONS,
    legs=_sale,
    money=short_shekels,
    list_name="Sales",
    is_repeated=True,
    item="",
    promotion="""    <Sale>
      <PriceUpdateDate>{p.starts_at:%Y/%m/%d %H:%M:%S}</PriceUpdateDate>
      <ItemCode>{code}</ItemCode>
      <ItemType>{type}</ItemType>
      <IsGiftItem>{gift}</IsGiftItem>
      <RewardType>{t.reward_type}</RewardType>
      <AllowMultipleDiscounts>0</AllowMultipleDiscounts>
      <PromotionID>{p.promotion_id}</PromotionID>
      <PromotionDescription>{description}</PromotionDescription>
      <PromotionStartDate>{p.starts_at:%Y/%m/%d}</PromotionStartDate>
      <PromotionStartHour>{p.starts_at:%H:%M:%S}</PromotionStartHour>
      <PromotionEndDate>{p.ends_at:%Y/%m/%d}</PromotionEndDate>
      <PromotionEndHour>{p.ends_at:%H:%M:%S}</PromotionEndHour>
      <ClubID>{club}</ClubID>
      <MinQty>{t.quantity:g}</MinQty>
      <MaxQty>0</MaxQty>
{discount}      <MinPurchaseAmount>0</MinPurchaseAmount>
{price}{price_of_measure}      <MinNoOfItemsOffered>0</MinNoOfItemsOffered>
      <AdditionalsCoupon />
      <AdditionalsGiftCount>1</AdditionalsGiftCount>
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
