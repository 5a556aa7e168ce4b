"""One offer, two kinds of milk for ten shekels, as every dialect of promotions writes it."""

from collections.abc import Mapping
from typing import Final

from gogobe_dagster_tests.parsing.documents import CHAIN, IDS, element

NAME: Final = f"PromoFull{CHAIN}-001-202611230700.gz"
MILK, SOY, BAG = "7290000042640", "7290000066110", "0042"

HEAD: Final = f"<ChainId>{CHAIN}</ChainId><SubChainId>1</SubChainId><StoreId>001</StoreId>"
FLAT: Final = {
    "PromotionId": "900001",
    "PromotionDescription": "2 ב-10 &amp; מתנה",
    "PromotionUpdateDate": "2026-11-01 00:00",
    "PromotionStartDate": "2026-11-01",
    "PromotionStartHour": "08:00:00",
    "PromotionEndDate": "2026-11-30",
    "PromotionEndHour": "23:59",
    "RewardType": "10",
    "AllowMultipleDiscounts": "1",
    "IsWeightedPromo": "0",
    "MinQty": "2.00",
    "DiscountedPrice": "10.00",
    "MinPurchaseAmnt": "0.00",
    "MinNoOfItemOfered": "2",
}
RESTRICTED: Final = element("AdditionalRestrictions", "<AdditionalIsCoupon>0</AdditionalIsCoupon>")
CLUBS: Final = "<Clubs><ClubId>2</ClubId><Clubid>1</Clubid></Clubs>"


def fields(values: Mapping[str, str], **changed: str) -> str:
    """Write fields, some of them otherwise; one without a value is left out."""
    return "".join(element(tag, value) for tag, value in {**values, **changed}.items() if value)


def item(code: str, *, kind: str = "1", gift: str = "0", price: str = "") -> str:
    texts = {"ItemCode": code, "ItemType": kind, "IsGiftItem": gift, "GiftItemPrice": price}
    return element("Item", fields(texts))


BOUGHT: Final = (item(SOY), item(MILK))
GIFT: Final = item(BAG, kind="0", gift="1", price="1.5")


def flat(*items: str, more: str = RESTRICTED + CLUBS, **changed: str) -> str:
    """Write a promotion as Cerberus does: flat."""
    return element("Promotion", fields(FLAT, **changed) + element("PromotionItems", "".join(items)) + more)


def promotions(*rows: str, root: str = "Root", head: str = HEAD, count: int | None = None) -> str:
    attribute = f' Count="{len(rows) if count is None else count}"'
    return element(root, head + element("Promotions", "\n".join(rows), attribute))


TERMS: Final = {
    "RewardType": "10",
    "MinQty": "2",
    "MaxQty": " ",
    "DiscountedPrice": "10",
    "bIsWeighted": "0",
}
GROUPED: Final = {
    "PromotionUpdateTime": "2026-11-01T00:00:00.000",
    "AllowMultipleDiscounts": "1",
    "PromotionID": "0000900001",
    "PromotionDescription": "2 ב-10 &amp; מתנה",
    "PromotionStartDateTime": "2026-11-01T08:00:00.000",
    "PromotionEndDateTime": "2026-11-30T23:59:00.000",
    "MinNoOfItemOffered": "00002",
    "ClubID": "1 - חברי מועדון",
    "AdditionalIsCoupon": "0",
    "Remarks": " ",
}


def listed(code: str, *, kind: str = "1", gift: str = "", price: str = "", **changed: str) -> str:
    """Write an item with terms of its own, as grouped promotions of 2026 have them."""
    texts = {"ItemCode": code, "ItemType": kind, "IsGiftItem": gift, "GiftItemPrice": price}
    return element("PromotionItem", (fields(texts) or "<ItemCode/>") + fields(TERMS, **changed))


def group(*items: str, number: int = 1) -> str:
    texts = f"<GroupID>{number}</GroupID><MinPurchaseAmount>0.00</MinPurchaseAmount><DiscountType/>"
    return element("Group", texts + element("PromotionItems", "".join(items)))


def grouped(*groups: str, **changed: str) -> str:
    texts = fields(GROUPED, **changed) + "<IsGiftItem>4</IsGiftItem><PromotionDays/><RedemptionLimit/>"
    return element("Promotion", texts + element("Groups", "".join(groups)))


NEW_GIFT: Final = listed(BAG, kind="0", gift="1", price="1.50")
BINA: Final = element(
    "Promotion",
    fields(FLAT)
    + element("AdditionalRestrictions", "<AdditionalIsCoupon>0</AdditionalIsCoupon>" + CLUBS)
    + element("PromotionItems", "".join(BOUGHT), ' count="2"')
    + element("GiftsItems", item(BAG, kind="0", price="1.50"), ' count="1"')
    + "<Remarks></Remarks>",
)


def sale(code: str, *, kind: str = "1", gift: str = "0", price: str = "") -> str:
    """Write one row per item, as Matrix did until 2026."""
    renamed = {
        "PromotionID": FLAT["PromotionId"],
        "MinPurchaseAmount": "0",
        "PriceUpdateDate": "2026/11/01 00:00:00",
        "PromotionStartDate": "2026/11/01",
        "PromotionEndDate": "2026/11/30",
        "ClubID": "1",
        "MinNoOfItemsOffered": "2",
        "AdditionalsCoupon": "0",
    }
    gone = dict.fromkeys(("PromotionId", "MinPurchaseAmnt", "PromotionUpdateDate", "MinNoOfItemOfered"), "")
    texts = {"ItemCode": code, "ItemType": kind, "IsGiftItem": gift, "GiftItemPrice": price}
    return element("Sale", fields(texts) + fields({**FLAT, **renamed}, **gone) + "<AdditionalRestrictions/>")


ONE_CLUB: Final = RESTRICTED + "<Clubs><ClubId>1</ClubId></Clubs>"
DIALECTS: Final = {
    "flat": promotions(flat(*BOUGHT, GIFT, more=ONE_CLUB)),
    "flat, lower-case root": promotions(flat(*BOUGHT, GIFT, more=ONE_CLUB), root="root"),
    "flat, Bina": promotions(BINA.replace("<ClubId>2</ClubId>", "")),
    "Matrix, one row per item": element(
        "Promos", IDS + element("Sales", sale(SOY) + sale(MILK) + sale(BAG, kind="0", gift="1", price="1.50"))
    ),
    "grouped": promotions(grouped(group(listed(SOY), listed(MILK), NEW_GIFT)), head=IDS),
    "grouped, two groups of one number": promotions(
        grouped(group(listed(SOY)), group(listed(MILK), NEW_GIFT)), head=IDS
    ),
    "once for each item": promotions(*(flat(item, more=ONE_CLUB) for item in (*BOUGHT, GIFT))),
    "once for each item, apart": promotions(
        flat(BOUGHT[0], more=ONE_CLUB), flat(item("1"), PromotionId="7"), flat(BOUGHT[1], GIFT, more=ONE_CLUB)
    ),
    "grouped, one item per promotion": promotions(
        *(grouped(group(item)) for item in (listed(SOY), listed(MILK), NEW_GIFT)), head=IDS
    ),
}
