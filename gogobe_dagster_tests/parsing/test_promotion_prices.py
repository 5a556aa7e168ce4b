"""What a piece or kilogram costs under an offer: real offers of every layout, with the right values."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
import pytest

from gogobe_dagster.parsing.file_reader import read_file
from gogobe_dagster.parsing.promotions.pricing.legs import with_pricing
from gogobe_dagster.parsing.promotions.pricing.shopper_price import with_shopper_prices
from gogobe_dagster_tests.parsing.documents import CHAIN, IDS, element
from gogobe_dagster_tests.parsing.promotion_documents import HEAD, NAME, fields, item, promotions

CODE, OTHER, PLACEHOLDER = "7290000042640", "7290000066110", "0000000000000"
DAYS = {"PromotionStartDate": "2026-11-01", "PromotionEndDate": "2026-11-30"}
RESTRICTIONS = {
    "AdditionalIsCoupon": "0",
    "AdditionalGiftCount": "0",
    "AdditionalIsTotal": "0",
    "AdditionalIsActive": "1",
}


def _flat(words: str, *items: str, flags: dict[str, str], **terms: str) -> str:
    restrictions = {name: terms.pop(name, value) for name, value in RESTRICTIONS.items()}
    return element(
        "Promotion",
        fields({"PromotionId": "1", "PromotionDescription": words, **DAYS, **flags}, **terms)
        + element("AdditionalRestrictions", fields(restrictions))
        + element("PromotionItems", "".join(items) or item(CODE)),
    )


def cerberus(words: str, *items: str, **terms: str) -> str:
    """Write what Cerberus, Shufersal since 2016, Carrefour and Tiv Taam do."""
    return promotions(_flat(words, *items, flags={"IsWeightedPromo": "0"}, **terms))


def shufersal_2015(words: str, *items: str, **terms: str) -> str:
    return promotions(_flat(words, *items, flags={"AdditionalMinBasketAmount": "0.00"}, **terms), root="root")


def bina(words: str, *items: str, **terms: str) -> str:
    flags = {"DiscountType": "1", "DiscountRate": "0.00", "MAXQTY": "0", "MinPurchaseAmnt": "0"}
    return promotions(_flat(words, *items, flags={**flags, **terms}))


def laib(words: str, **terms: str) -> str:
    texts = {
        "PromotionID": "1",
        "PromotionDescription": words,
        "ItemCode": CODE,
        "ItemType": "1",
        "IsGiftItem": "0",
        "MaxQty": "0",
        "MinPurchaseAmount": "0",
        "MinNoOfItemsOffered": "0",
        "AdditionalsGiftCount": "1",
        **DAYS,
    }
    return element("Promos", IDS + element("Sales", element("Sale", fields(texts, **terms))))


def group(number: int, *codes: str, spend: str = "0.00", **terms: str) -> str:
    items = (element("PromotionItem", fields({"ItemCode": code}, **terms)) for code in codes)
    head = f"<GroupID>{number}</GroupID><MinPurchaseAmount>{spend}</MinPurchaseAmount><DiscountType/>"
    return element("Group", head + element("PromotionItems", "".join(items)))


def grouped(words: str, *groups: str) -> str:
    """Write the layout of 2026."""
    texts = {"PromotionID": "0001", "PromotionDescription": words, "AdditionalIsCoupon": "0"}
    return promotions(element("Promotion", fields(texts) + element("Groups", "".join(groups))), head=IDS)


def offers(
    document: str, *, regular: str | None = None, weighted: bool | None = None
) -> list[dict[str, Any]]:
    """Price all items of a document: one row per offer and item."""
    rows = with_pricing(read_file(document.encode(), name=NAME, limit=1 << 24).rows)
    items = (
        rows.explode("items")
        .unnest("items")
        .with_columns(
            pl.lit(regular, pl.String).cast(pl.Decimal(14, 4)).alias("regular_price"),
            pl.lit(weighted, pl.Boolean).alias("product_is_weighted"),
        )
    )
    return with_shopper_prices(items).to_dicts()


def price(document: str, *, regular: str | None = None, weighted: bool | None = None) -> float | str:
    """Price the only item, or say why it has no price."""
    (offer,) = offers(document, regular=regular, weighted=weighted)
    found = offer["effective_unit_price"]
    return offer["no_price_reason"] if found is None else agorot(found)


def agorot(price: Decimal) -> float:
    """Round as a till does."""
    return float(price.quantize(Decimal("0.01"), ROUND_HALF_UP))


# ---------------------------------------------------------------- a price for so many


def test_so_many_pieces_for_a_price() -> None:
    assert price(cerberus("2 ב-10", RewardType="1", MinQty="2.00", DiscountedPrice="10.00")) == 5.00
    assert price(cerberus("2ב 22", RewardType="10", MinQty="2.00", DiscountedPrice="22.00")) == 11.00
    assert price(bina("4ב-10", RewardType="1", MinQty="4", DiscountedPrice="15.90")) == 3.98
    assert price(laib("3ב15ש", RewardType="10", MinQty="3", DiscountedPrice="15", DiscountType="1")) == 5.00
    pasta = group(1, CODE, RewardType="10", MinQty="4", DiscountedPrice="20.00", bIsWeighted="0")
    assert price(grouped("פסטה 4ב20", pasta)) == 5.00


@pytest.mark.parametrize(
    ("words", "quantity", "stated", "measure", "expected"),
    [
        ("חזה עוף טרי 2 ב 64.90", "2.0", "32.45", "64.90", 32.45),
        ("2קג ב-120", "1.9", "60.00", "114.00", 60.00),
        ("דג אדמונית טרי 3 ק ג ב 100", "3.0", "33.33", "99.99", 33.33),
        ("2 ב 110", "2.00", "55.00", "", 55.00),
        ("300ב 20פסטרמות במעדניה", "0.30", "66.60", "", 66.60),
        ("אננס ב7.90", "0.010", "7.90", "0.08", 7.90),
    ],
)
def test_by_weight_the_price_is_of_one_kilogram(
    words: str, quantity: str, stated: str, measure: str, expected: float
) -> None:
    terms = {"MinQty": quantity, "DiscountedPrice": stated, "DiscountedPricePerMida": measure}
    for kind in ("1", "10"):
        document = cerberus(words, RewardType=kind, IsWeightedPromo="1", **terms)
        (offer,) = offers(document)

        assert float(offer["effective_unit_price"]) == expected
        assert offer["price_basis"] == "kilogram"
        assert offer["min_total_quantity"] == Decimal(quantity)


def test_a_remark_says_that_the_price_is_of_a_kilogram() -> None:
    remark = 'מחיר המבצע הינו המחיר לק"ג'
    terms = {"RewardType": "1", "MinQty": "2.00", "DiscountedPrice": "55.00", "Remark": remark}
    assert price(cerberus("2 ב 110", IsWeightedPromo="1", **terms)) == 55.00
    kilogram = group(1, CODE, bIsWeighted="1", DiscountedPricePerMida="0.00", **terms)
    assert price(grouped("2 ב 110", kilogram)) == 55.00


def test_without_a_flag_the_words_or_the_product_tell_that_it_is_by_weight() -> None:
    neck = {"RewardType": "10", "MinQty": "2.0", "DiscountedPrice": "49.50"}
    assert price(shufersal_2015("ב- 2קג ב99שח צוואר", **neck)) == 49.50
    assert price(shufersal_2015("2ב99שח צוואר", **neck), weighted=True) == 49.50
    assert price(shufersal_2015("2ב 49.50 יין", **neck), weighted=False) == 24.75
    assert price(shufersal_2015("צוואר", **neck)) == "weight_unknown"


def test_a_fraction_is_a_weight_even_beside_a_flag_that_denies_it() -> None:
    cheese = {"RewardType": "1", "MinQty": "0.01", "DiscountedPrice": "109.00"}
    assert price(cerberus('קממבר ב 109 ש"ח', **cheese)) == 109.00


def test_bina_and_laib_state_the_total_of_goods_by_weight() -> None:
    cabbage = bina("כרוב אדום 2 קג ב 7.90", RewardType="1", MinQty="2", DiscountedPrice="7.90")
    roast = bina("צלי כתף 2קג ב159", RewardType="1", MinQty="2", DiscountedPrice="159.00")
    chicken = {"RewardType": "10", "DiscountType": "1", "MinQty": "2", "DiscountedPrice": "88"}
    deli = {"RewardType": "10", "DiscountType": "1", "MinQty": "0.25", "DiscountedPrice": "30"}
    for weighted in (None, True, False):
        assert price(cabbage, weighted=weighted) == 3.95
        assert price(roast, weighted=weighted) == 79.50
        assert price(laib("2ב88חזה עוף פרוס", **chicken), weighted=weighted) == 44.00
        assert price(laib("מעדניה", DiscountedPricePerMida="12", **deli), weighted=weighted) == 120.00


def test_the_layout_of_2026_may_state_a_total_or_a_kilogram() -> None:
    weighed = {"RewardType": "10", "MinQty": "1.90", "bIsWeighted": "1"}

    def priced(words: str, stated: str, measure: str) -> float | str:
        terms = {**weighed, "DiscountedPrice": stated, "DiscountedPricePerMida": measure}
        return price(grouped(words, group(1, CODE, **terms)))

    assert priced("שוקיים", "61.75", "32.50") == 32.50
    assert priced("שוקיים", "32.50", "61.75") == 32.50
    assert priced("שוקיים", "32.50", "3.25") == 32.50
    assert priced("שוקיים 2 קג ב 61.75", "61.75", "0.00") == 32.50
    assert priced("שוקיים", "61.75", "9.99") == "unclear_total"


# ---------------------------------------------------------------- parts of the regular price


def test_a_percentage_is_in_hundredths_at_cerberus_and_in_percent_elsewhere() -> None:
    assert (
        price(cerberus("40% הנחה", RewardType="2", DiscountRate="4000", MinQty="1"), regular="9.90") == 5.94
    )
    off = {"RewardType": "2", "DiscountType": "0", "DiscountRate": "30", "MinQty": "1"}
    assert price(bina("ב 30% הנחה", DiscountedPrice="0", **off), regular="149.90") == 104.93
    assert price(laib("30% הנחה", DiscountedPrice="20.93", **off), regular="29.90") == 20.93
    per_item = group(1, CODE, RewardType="2", MinQty="1", DiscountRate="30.00", DiscountedPrice="3.43")
    assert price(grouped("30% הנחה", per_item), regular="4.90") == 3.43
    packaging = {"RewardType": "2", "DiscountType": "0", "DiscountRate": "74", "MinQty": "0.5"}
    assert price(cerberus("זיכוי אריזה", IsWeightedPromo="1", **packaging), regular="10") == 9.93


def test_without_a_regular_price_a_percentage_is_no_price() -> None:
    forty = cerberus("40% הנחה", RewardType="2", DiscountRate="4000", MinQty="1")
    assert price(forty) == price(forty, regular="0") == "regular_price_unknown"


def test_the_last_piece_for_less() -> None:
    half = {"RewardType": "9", "DiscountType": "0", "DiscountRate": "5000", "MinQty": "2"}
    assert price(cerberus("השני ב-50%", **half), regular="9.30") == 6.98
    assert price(shufersal_2015("השני ב50%", DiscountedPrice="50", **half), regular="9.90") == 7.43
    coop = {"RewardType": "2", "DiscountType": "0", "DiscountRate": "50", "MinQty": "2"}
    assert price(laib("השני ב50% הנחה", DiscountedPrice="9.95", **coop), regular="19.90") == 14.93
    five = {"RewardType": "9", "DiscountType": "1", "DiscountedPrice": "5.00", "MinQty": "2"}
    assert price(cerberus("שני ב5", **five), regular="12.00") == 8.50


def test_buying_several_with_each_for_less() -> None:
    four = {"RewardType": "2", "DiscountType": "0", "DiscountRate": "2000", "MinQty": "4.00"}
    (offer,) = offers(cerberus("קופון20% בקניית 4יח", **four), regular="3.50")
    assert float(offer["effective_unit_price"]) == 2.80
    assert offer["min_total_quantity"] == 4


def test_some_of_the_pieces_are_free() -> None:
    free = {"DiscountType": "0", "DiscountRate": "10000"}
    assert price(cerberus("1+1", RewardType="9", MinQty="2", **free), regular="14.90") == 7.45
    assert price(cerberus("2+1 הזול מבניהם", RewardType="9", MinQty="3", **free), regular="9.00") == 6.00
    assert price(shufersal_2015("1+3", RewardType="7", MinQty="4", **free), regular="12.90") == 9.68
    counted = {"RewardType": "7", "AdditionalGiftCount": "1"}
    assert price(cerberus("2+1", MinQty="3", **counted), regular="9.00") == 6.00
    assert price(cerberus("2+1", MinQty="2", **counted), regular="9.00") == 6.00
    assert price(cerberus("חטיף", MinQty="3", **counted), regular="9.00") == 6.00
    all_free = {"DiscountType": "0", "DiscountRate": "100", "MinQty": "4"}
    assert price(laib("2+2כפיות", RewardType="7", AdditionalsGiftCount="10", **all_free), regular="5") == 2.50


def test_items_marked_as_gifts_are_the_items_one_buys() -> None:
    gift = item(CODE, gift="1")
    terms = {"RewardType": "9", "DiscountType": "0", "DiscountRate": "100", "MinQty": "2"}
    assert price(bina("1+1 במתנה", gift, AdditionalIsTotal="1", **terms), regular="79.90") == 39.95
    mixed = offers(bina("1+1", item(OTHER), gift, **terms), regular="79.90")
    assert {offer["no_price_reason"] for offer in mixed} == {"other_items"}


def test_an_amount_off_one_piece() -> None:
    three = {"RewardType": "3", "DiscountType": "1", "DiscountRate": "300"}
    assert price(cerberus("הנחה של 3", MinQty="1", **three), regular="12.90") == 9.90
    assert price(cerberus("הנחה של 3", MinQty="1", **three), regular="3.00") == "gift"
    assert price(cerberus("20שח הנחה בקניה מעל 300", **three), regular="12.90") == "whole_basket"
    saved = {"RewardType": "3", "DiscountType": "1", "MinQty": "1", "DiscountRate": "20"}
    assert price(laib("ב19.90ש", DiscountedPrice="19.90", **saved)) == 19.90


# ---------------------------------------------------------------- no price, and why


def test_what_has_no_price_says_why() -> None:
    fixed = {"RewardType": "1", "MinQty": "1", "DiscountedPrice": "10.00"}
    assert price(cerberus("קנה קבל", RewardType="6", MinQty="2", DiscountedPrice="10")) == "other_items"
    assert price(cerberus("בסל", AdditionalIsTotal="1", **fixed)) == "whole_basket"
    assert price(cerberus("x", RewardType="11", MinQty="1", DiscountedPrice="4")) == "unknown_reward_type"
    assert price(cerberus("x", RewardType="1", MinQty="1")) == "not_stated"
    coupon = {"RewardType": "2", "DiscountRate": "10000", "MinQty": "1"}
    assert price(cerberus("קופון במתנה", **coupon), regular="9") == "gift"
    assert price(cerberus("x", item(CODE, gift="1"), **fixed)) == "gift"
    spent = {"RewardType": "3", "DiscountType": "1", "DiscountRate": "4000", "MinQty": "1"}
    assert price(cerberus("קופון פיצוי 40 שח", **spent), regular="90") == "compensation"


def test_words_and_numbers_that_mean_different_deals_are_no_price() -> None:
    forty = {"RewardType": "10", "MinQty": "2", "DiscountedPrice": "40.00"}
    assert price(cerberus("מאפה טבעוני השני ב 40%", **forty)) == "contradiction"
    manual = {"RewardType": "9", "DiscountType": "0", "DiscountRate": "30", "MinQty": "2"}
    assert price(laib("קופון 30% הנחה", DiscountedPrice="11.13", **manual), regular="15.9") == "contradiction"
    assert (
        price(cerberus("2+1", RewardType="9", DiscountRate="10000", MinQty="5"), regular="9")
        == "contradiction"
    )


# ---------------------------------------------------------------- conditions


def conditions(words: str, **terms: str) -> tuple[bool, bool, bool]:
    document = cerberus(words, RewardType="1", MinQty="1", DiscountedPrice="10.00", **terms)
    (offer,) = offers(document)
    return offer["needs_coupon"], offer["needs_club"], offer["is_compensation"]


def test_coupons_and_clubs_are_told_by_flags_and_by_words() -> None:
    assert conditions("חלב ב 10") == (False, False, False)
    assert conditions("חלב ב 10", AdditionalIsCoupon="1", ClubId="0") == (True, False, False)
    assert conditions("קופון חלב") == (True, False, False)
    assert conditions("חלב", Remark="מבצע מותנה קופון") == (True, False, False)
    assert conditions("קופסאות 2 ב 10", ClubId="1") == (False, True, False)
    assert conditions("יין ב 52.9 מועדון", ClubId="0") == (False, True, False)
    assert conditions("קופון פיצוי לקוח") == (True, False, True)
    assert conditions("תערובת פיצוחים") == (False, False, False)


# ---------------------------------------------------------------- several groups are one deal


def legs(*groups: str, regular: str | None = None) -> list[tuple[str, float | str]]:
    """Price the items of a deal, by code."""
    found = offers(grouped("מבצע", *groups), regular=regular)
    return sorted(
        (
            offer["code"],
            offer["no_price_reason"] or agorot(offer["effective_unit_price"]),
        )
        for offer in found
        if offer["code"]
    )


def test_the_second_for_a_shekel() -> None:
    first = group(1, CODE, RewardType="3", MinQty="1", DiscountedPrice="28.90")
    second = group(2, CODE, RewardType="3", MinQty="1", DiscountedPrice="1.00")
    assert legs(first, second) == [(CODE, 14.95)] * 2
    assert {offer["min_total_quantity"] for offer in offers(grouped("", first, second))} == {Decimal(2)}


def test_two_and_a_free_one() -> None:
    paid = group(1, CODE, RewardType="10", MinQty="2", DiscountedPrice="19.90")
    free = group(2, CODE, RewardType="1", MinQty="1", DiscountRate="100", DiscountedPrice="0.00")
    assert legs(paid, free) == [(CODE, 13.27)] * 2
    condition = group(1, CODE, RewardType="0", MinQty="2.00")
    assert legs(condition, free, regular="19.90") == [(CODE, 13.27)] * 2
    assert legs(condition, free) == [(CODE, "regular_price_unknown")] * 2


def test_the_second_for_half() -> None:
    first = group(1, CODE, RewardType="10", MinQty="1", DiscountedPrice="19.90")
    half = group(2, CODE, RewardType="10", MinQty="1", DiscountRate="50", DiscountedPrice="9.95")
    rate = group(2, CODE, RewardType="2", MinQty="1", DiscountRate="50")
    condition = group(1, CODE, RewardType="0", MinQty="1")
    assert legs(first, half) == [(CODE, 14.93)] * 2
    assert legs(condition, half, regular="19.90") == [(CODE, 14.93)] * 2
    assert legs(condition, rate, regular="20.00") == [(CODE, 15.00)] * 2


def test_an_item_that_is_not_in_every_leg_depends_on_others() -> None:
    first = group(1, CODE, RewardType="1", MinQty="1", DiscountedPrice="20.00")
    second = group(2, CODE, OTHER, RewardType="1", MinQty="1", DiscountedPrice="10.00")
    assert legs(first, second) == [(CODE, 15.00), (CODE, 15.00), (OTHER, "other_items")]


def test_a_condition_in_one_group_holds_for_all() -> None:
    basket = group(1, PLACEHOLDER, RewardType="0", MinQty="1", spend="75.00")
    deal = group(2, CODE, RewardType="3", MinQty="1", DiscountedPrice="4.90")
    (offer,) = [offer for offer in offers(grouped("מעל 75", basket, deal)) if offer["code"] == CODE]
    assert float(offer["effective_unit_price"]) == 4.90
    assert offer["min_purchase_amount"] == 75


def test_legs_that_only_ask_or_that_cost_nothing_have_no_price() -> None:
    first, second = (group(number, CODE, RewardType="0", MinQty="1") for number in (1, 2))
    assert legs(first, second, regular="9") == [(CODE, "not_stated")] * 2
    free = {"RewardType": "1", "MinQty": "1", "DiscountRate": "100", "DiscountedPrice": "0.00"}
    assert legs(group(1, CODE, **free), group(2, CODE, **free)) == [(CODE, "gift")] * 2
    weighed = {"RewardType": "1", "MinQty": "1", "DiscountedPrice": "9.00", "bIsWeighted": "1"}
    assert legs(group(1, CODE, **weighed), group(2, CODE, **weighed)) == [(CODE, "unclear_total")] * 2


def test_promotions_beside_each_other_are_not_legs() -> None:
    document = promotions(
        _flat("2 ב-10", flags={"IsWeightedPromo": "0"}, RewardType="1", MinQty="2", DiscountedPrice="10"),
        _flat(
            "ב-6",
            flags={"IsWeightedPromo": "0"},
            PromotionId="2",
            RewardType="1",
            MinQty="1",
            DiscountedPrice="6",
        ),
        head=HEAD.replace(CHAIN, CHAIN),
    )
    assert sorted(float(offer["effective_unit_price"]) for offer in offers(document)) == [5.00, 6.00]
