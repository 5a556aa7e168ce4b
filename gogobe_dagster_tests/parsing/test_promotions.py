"""Every dialect says the same offer in the same rows with the same hash; what cannot be read is told."""

import gzip
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.document_chunks import split_document
from gogobe_dagster.parsing.fast.entry import FastReader
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.parsing.layout_detection import detect_layout
from gogobe_dagster.parsing.model import PROMOTIONS
from gogobe_dagster.parsing.promotions.reader import read_promotions
from gogobe_dagster_tests.parsing.documents import CHAIN, IDS, element
from gogobe_dagster_tests.parsing.promotion_documents import (
    BAG,
    BOUGHT,
    CLUBS,
    DIALECTS,
    GIFT,
    HEAD,
    MILK,
    NAME,
    RESTRICTED,
    SOY,
    flat,
    group,
    grouped,
    item,
    listed,
    promotions,
)

pytestmark = pytest.mark.slow

LIMIT = 1 << 24
NOT_CONTENT = ("row_number", "updated_at")


def parse(document: str | bytes, *, name: str = NAME) -> ParsedFile:
    data = document.encode() if isinstance(document, str) else document
    file = read_file(data, name=name, limit=LIMIT)
    report = file.report
    assert file.document is Document.PROMOTIONS
    assert (report.rows, report.rejected) == (len(file.rows), sum(report.reasons.values()))
    for tally in (report.promotions, report.items):
        assert tally
        assert tally.elements == tally.accepted + tally.rejected + tally.duplicates + tally.without_code
    return file


def carefully(document: str) -> pl.DataFrame:
    layout = detect_layout(document.encode())
    assert layout
    return read_promotions([document.encode()], layout, None).rows


def the_offer(document: str) -> pl.DataFrame:
    return parse(document).rows.filter(promotion_id="900001")


def codes(offer: dict[str, Any]) -> list[str]:
    return [item["code"] for item in offer["items"]]


# ---------------------------------------------------------------- one offer in every dialect


def test_an_offer_has_every_column_of_the_model() -> None:
    (offer,) = the_offer(DIALECTS["flat"]).rows(named=True)

    stated = {name: value for name, value in offer.items() if value is not None}
    assert list(offer) == [name for name in PROMOTIONS.names if name != "file_id"]
    assert len(stated.pop("content_hash")) == 32
    assert stated == {
        "row_number": 1,
        "promotion_id": "900001",
        "group_id": 1,
        "description": "2 ב-10 & מתנה",
        "starts_at": datetime(2026, 11, 1, 6, tzinfo=UTC),
        "ends_at": datetime(2026, 11, 30, 21, 59, tzinfo=UTC),
        "updated_at": datetime(2026, 10, 31, 22, tzinfo=UTC),
        "reward_type": 10,
        "discounted_price": Decimal(10),
        "min_quantity": Decimal(2),
        "min_purchase_amount": Decimal(0),
        "min_items_offered": 2,
        "is_weighted": False,
        "allows_multiple_discounts": True,
        "is_coupon": False,
        "club_ids": "1",
        "items": [
            {"code": MILK, "is_barcode": True, "is_gift": False, "gift_price": None},
            {"code": SOY, "is_barcode": True, "is_gift": False, "gift_price": None},
            {"code": BAG, "is_barcode": False, "is_gift": True, "gift_price": Decimal("1.5")},
        ],
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_rows_and_the_same_hash(dialect: str) -> None:
    assert_frame_equal(
        the_offer(DIALECTS[dialect]).drop(NOT_CONTENT), the_offer(DIALECTS["flat"]).drop(NOT_CONTENT)
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_both_readers_agree_and_the_fast_one_takes_all(dialect: str) -> None:
    file = parse(DIALECTS[dialect])

    assert (file.report.reader, file.report.reasons, file.report.unknown) == ("fast", {}, {})
    assert_frame_equal(file.rows, carefully(DIALECTS[dialect]))
    assert (file.header.chain_id, file.header.sub_chain_id, file.header.store_id) == (CHAIN, 1, 1)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_document_in_pieces_gives_the_same_as_in_one(dialect: str) -> None:
    document = DIALECTS[dialect]
    layout = detect_layout(document.encode())
    assert layout
    row = layout.path[-1]
    head, *rows = document.split(f"<{row}>")
    end = f"</{layout.path[-2]}></{layout.path[0]}>"
    whole = [f"{head}<{row}>{entry.split(end)[0]}{end}".encode() for entry in rows]

    read = read_promotions(whole, layout, FastReader())

    assert len(whole) == len(rows)
    assert_frame_equal(read.rows, parse(document).rows)
    assert (read.promotions, read.items) == (parse(document).report.promotions, parse(document).report.items)


# ---------------------------------------------------------------- groups, terms, items


def test_terms_of_items_make_offers_of_one_promotion_with_one_hash() -> None:
    document = promotions(
        grouped(
            group(listed("1"), listed("2", DiscountedPrice="12"), listed("3", MinQty="2.000")),
            group(listed("4"), number=2),
        )
    )

    rows = parse(document).rows

    assert [(row["group_id"], row["discounted_price"], codes(row)) for row in rows.rows(named=True)] == [
        (1, Decimal(10), ["1", "3"]),
        (1, Decimal(12), ["2"]),
        (2, Decimal(10), ["4"]),
    ]
    assert rows["content_hash"].n_unique() == 1
    assert rows["row_number"].to_list() == [1, 2, 3]


def test_the_order_of_items_groups_and_elements_is_no_content() -> None:
    first, second = group(listed("1"), listed("2")), group(listed("3"), number=2)

    whole = parse(promotions(grouped(first, second))).rows
    other = parse(promotions(grouped(second), grouped(group(listed("2"), listed("1"))))).rows

    assert_frame_equal(whole, other)


@pytest.mark.parametrize(
    "changed",
    [{"MinQty": "3"}, {"PromotionDescription": "3 ב-10"}, {"PromotionEndHour": "22:00"}, {"RewardType": ""}],
)
def test_other_terms_are_other_content(changed: dict[str, str]) -> None:
    hashes = parse(promotions(flat(*BOUGHT), flat(*BOUGHT, PromotionId="2", **changed))).rows["content_hash"]
    again = parse(promotions(flat(*BOUGHT, **changed))).rows["content_hash"]

    assert hashes.n_unique() == 2
    assert again[0] not in hashes


def test_when_it_was_written_is_no_content() -> None:
    earlier, later = (
        parse(promotions(flat(*BOUGHT, PromotionUpdateDate=day))).rows for day in ("2026-11-01", "2026-11-02")
    )

    assert earlier["content_hash"].equals(later["content_hash"])
    assert earlier["updated_at"][0] < later["updated_at"][0]


def test_items_said_twice_are_one_and_are_counted() -> None:
    document = promotions(flat(*BOUGHT, BOUGHT[0], item(SOY, gift="1")), flat(BOUGHT[1]))

    file = parse(document)

    assert [(row["code"], row["is_gift"]) for row in file.rows["items"][0]] == [
        (MILK, False),
        (SOY, False),
        (SOY, True),
    ]
    assert file.report.items
    assert file.report.promotions
    assert (file.report.items.elements, file.report.items.duplicates) == (5, 2)
    # of two elements that say the same of the same milk the last one counts
    assert (file.report.promotions.elements, file.report.promotions.duplicates) == (2, 0)


def test_a_promotion_said_twice_is_one() -> None:
    report = parse(promotions(flat(*BOUGHT), flat(*BOUGHT))).report

    assert report.promotions
    assert (report.rows, report.promotions.accepted, report.promotions.duplicates) == (1, 1, 1)
    assert report.duplicates == 3  # two items, and an element that says nothing new


def test_a_promotion_without_items_is_one_offer_that_names_none() -> None:
    bare = promotions(flat(), flat().replace("<PromotionItems></PromotionItems>", ""), grouped())

    file = parse(bare)

    assert file.report.promotions
    assert (file.report.promotions.accepted, file.report.promotions.duplicates) == (2, 1)
    assert file.rows["items"].to_list() == [[], []]


def test_an_item_without_a_code_names_nothing_and_leaves_the_others() -> None:
    file = parse(promotions(grouped(group(listed(MILK), listed("")))))

    assert file.report.items
    assert (file.report.items.accepted, file.report.items.without_code, file.report.rejected) == (1, 1, 0)
    assert [codes(row) for row in file.rows.rows(named=True)] == [[MILK]]


# ---------------------------------------------------------------- clubs, times, words


@pytest.mark.parametrize(
    ("club_id", "expected"),
    [
        ("0 - כלל הלקוחות", "0"),
        ("0=אין", "0"),
        ("0", "0"),
        ("00", "0"),
        ("12 - חברי מועדון", "12"),
        ("חברי מועדון", "חברי מועדון"),
        ("", None),
    ],
)
def test_open_offers_are_never_taken_for_club_offers(club_id: str, expected: str | None) -> None:
    assert parse(promotions(grouped(group(listed(MILK)), ClubID=club_id))).rows["club_ids"][0] == expected


@pytest.mark.parametrize("more", [CLUBS, element("AdditionalRestrictions", CLUBS)])
def test_every_club_counts_wherever_it_stands(more: str) -> None:
    assert parse(promotions(flat(*BOUGHT, more=more))).rows["club_ids"].to_list() == ["1,2"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"PromotionEndHour": ""}, datetime(2026, 11, 30, 21, 59, 59, tzinfo=UTC)),
        ({"PromotionEndHour": "22:00:00.000"}, datetime(2026, 11, 30, 20, tzinfo=UTC)),
        ({"PromotionEndDate": "2055-12-31"}, datetime(2055, 12, 31, 21, 59, tzinfo=UTC)),
        ({"PromotionEndDate": "Nov 30 2026 12:0"}, datetime(2026, 11, 30, 21, 59, tzinfo=UTC)),
        ({"PromotionEndDate": "1899-12-30"}, None),
        ({"PromotionEndDate": ""}, None),
        ({"PromotionEndHour": "24:00"}, datetime(2026, 11, 30, 22, tzinfo=UTC)),
        ({"PromotionEndHour": "24:00:00"}, datetime(2026, 11, 30, 22, tzinfo=UTC)),
        ({"PromotionEndHour": "23:59:00+02:00"}, datetime(2026, 11, 30, 21, 59, tzinfo=UTC)),
        ({"PromotionEndHour": "21:59Z"}, datetime(2026, 11, 30, 21, 59, tzinfo=UTC)),
        ({"PromotionEndHour": "0001-01-01T23:59:00"}, datetime(2026, 11, 30, 21, 59, tzinfo=UTC)),
        ({"PromotionEndDate": "30.11.2026"}, datetime(2026, 11, 30, 21, 59, tzinfo=UTC)),
        ({"PromotionEndDate": "20261130"}, datetime(2026, 11, 30, 21, 59, tzinfo=UTC)),
        ({"PromotionEndDate": "2026-11-30+02:00"}, datetime(2026, 11, 30, 21, 59, tzinfo=UTC)),
        (
            {"PromotionEndDate": "2026-11-30Z", "PromotionEndHour": ""},
            datetime(2026, 11, 30, 21, 59, 59, tzinfo=UTC),
        ),
        ({"PromotionEndDate": "2026-11-30T00:00:00+02:00"}, datetime(2026, 11, 30, 21, 59, tzinfo=UTC)),
    ],
)
def test_ends_are_read_as_days_and_hours(changed: dict[str, str], expected: datetime | None) -> None:
    file = parse(promotions(flat(*BOUGHT, **changed)))

    assert (file.rows["ends_at"].to_list(), file.report.reasons) == ([expected], {})


def test_odd_values_are_kept_and_unknown_ones_are_null() -> None:
    odd = {"DiscountedPrice": "-5.00", "DiscountRate": "-10000", "MaxQty": "לא ידוע", "WeightUnit": "לא ידוע"}

    (offer,) = parse(promotions(flat(*BOUGHT, **odd))).rows.rows(named=True)

    assert (offer["discounted_price"], offer["discount_rate"]) == (Decimal(-5), Decimal(-10000))
    assert (offer["max_quantity"], offer["weight_unit"]) == (None, None)


def test_remarks_are_kept_in_their_words() -> None:
    more = "<Remark>עד 2</Remark><Remarks><Remark>לא כולל</Remark><Remark>עד 2</Remark></Remarks>"

    assert parse(promotions(flat(*BOUGHT, more=more))).rows["remarks"].to_list() == ["עד 2; לא כולל"]
    nothing = parse(promotions(grouped(group(listed(MILK)), AdditionalRestrictions="0.00"))).rows
    assert nothing["remarks"].to_list() == [None]


# ---------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"MinQty": "הרבה"}, "bad_number"),
        ({"DiscountedPrice": "חינם"}, "bad_price"),
        ({"IsWeightedPromo": "אולי"}, "bad_flag"),
        ({"PromotionId": " "}, "no_promotion_id"),
    ],
)
def test_a_promotion_that_cannot_be_read_is_rejected_with_its_items(
    changed: dict[str, str], reason: str
) -> None:
    file = parse(promotions(flat(*BOUGHT, **changed), flat(item("1"), PromotionId="2")))

    assert file.report.reasons == {reason: 1}
    assert [sample.row_number for sample in file.report.samples] == [1]
    assert file.report.items
    assert file.report.promotions
    assert (file.report.promotions.rejected, file.report.items.rejected) == (1, 2)
    assert file.rows["promotion_id"].to_list() == ["2"]
    listed_only = file.listed_only.select("promotion_id", "content_hash").rows()
    assert listed_only == ([("900001", None)] if changed.keys() != {"PromotionId"} else [])


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"PromotionEndDate": "21/37/YYYY"}, "ends_at"),
        ({"PromotionEndHour": "חצות"}, "ends_at"),
        ({"PromotionStartDate": "מחר"}, "starts_at"),
        ({"PromotionUpdateDate": "אתמול"}, "updated_at"),
        ({"AllowMultipleDiscounts": "אולי"}, "allows_multiple_discounts"),
        ({"RedemptionLimit": "ללא הגבלה"}, "redemption_limit"),
        ({"MaxQty": "הרבה"}, "max_quantity"),
        ({"MinNoOfItemOfered": "2.5"}, "min_items_offered"),
    ],
)
def test_a_promotion_stays_without_a_term_that_decides_no_price(changed: dict[str, str], column: str) -> None:
    file = parse(promotions(flat(*BOUGHT, **changed)))

    assert file.rows.select("promotion_id", "discounted_price", column).rows() == [
        ("900001", Decimal(10), None)
    ]
    assert codes(file.rows.row(0, named=True)) == [MILK, SOY]
    assert (file.report.reasons, file.report.unreadable) == ({}, {column: 1})
    assert "unreadable_fields" in file.report.notes
    assert [sample.reason for sample in file.report.samples] == ["unreadable_field"]


def test_a_promotion_of_several_groups_is_read_as_a_whole_or_not_at_all() -> None:
    legs = (
        group(listed(MILK, DiscountedPrice="28.90")),
        group(listed(MILK, DiscountedPrice="1.00", MinQty="x"), number=2),
    )

    file = parse(promotions(grouped(*legs), grouped(group(listed(SOY)), PromotionID="7"), head=IDS))

    assert file.rows["promotion_id"].to_list() == ["7"]
    assert file.listed_only["promotion_id"].to_list() == ["900001"]
    assert file.report.reasons == {"bad_number": 1}


def test_an_item_that_cannot_be_read_is_rejected_alone() -> None:
    bad = (item("1", gift="אולי"), item("2", kind="מה"), item("3", price="חינם"), item("4" * 70))

    file = parse(promotions(flat(*BOUGHT, *bad)))

    assert file.report.reasons == {"bad_flag": 1, "out_of_range": 1}
    assert file.report.unreadable == {"gift_price": 1, "is_barcode": 1}
    assert codes(file.rows.row(0, named=True)) == ["2", "3", MILK, SOY]


def test_an_offer_that_loses_all_its_items_is_no_offer_for_everything() -> None:
    file = parse(promotions(flat(item("1", gift="אולי")), flat(item("2"), PromotionId="2")))

    assert file.report.promotions
    assert file.rows["promotion_id"].to_list() == ["2"]
    assert (file.report.promotions.accepted, file.report.promotions.rejected) == (1, 1)
    assert file.listed_only["promotion_id"].to_list() == ["900001"]


@pytest.mark.parametrize("as_reader", ["fast", "lxml"])
def test_unknown_elements_are_reported_wherever_they_stand(as_reader: str) -> None:
    more = "<Colour>red</Colour><Deep><MinQty>9</MinQty></Deep><GiftItemPrice>3</GiftItemPrice>"
    odd = item(MILK).replace("</Item>", "<Shade>dark</Shade></Item>")
    document = promotions(flat(odd, more=more), head=HEAD + "<Planet>Mars</Planet>")
    if as_reader == "lxml":
        document = document.replace("ב-10 &amp;", "ב-10 &")

    file = parse(document)

    assert file.report.reader == as_reader
    assert file.report.unknown == {"Colour": 1, "MinQty": 1, "GiftItemPrice": 1, "Shade": 1, "Planet": 1}
    assert file.rows["min_quantity"].to_list() == [Decimal(2)]


def test_a_stranger_among_items_is_no_item() -> None:
    stranger = "<Note>עד גמר המלאי</Note>"

    file = parse(promotions(flat(*BOUGHT, stranger)))

    assert (file.report.reader, file.report.unknown) == ("fast", {"Note": 1})
    assert file.report.items
    assert file.report.items.elements == 2


@pytest.mark.parametrize("cut_off", [15, 60, 400, 900])
def test_a_cut_document_gives_its_complete_promotions(cut_off: int) -> None:
    rows = [flat(*BOUGHT, GIFT, PromotionId=str(number)) for number in range(1, 30)]
    text = promotions(*rows)
    whole = parse(text).rows

    file = parse(text.encode()[:-cut_off])

    assert file.report.damaged
    assert file.report.promotions
    left = text.encode()[:-cut_off].count(b"</Promotion>")
    assert len(file.rows) == left
    assert_frame_equal(file.rows, whole.head(left))
    assert file.report.promotions.elements == text.encode()[:-cut_off].count(b"<Promotion>")


def test_half_a_promotion_is_no_promotion() -> None:
    torn = flat(*BOUGHT, PromotionId="2").replace("</PromotionItems>", "")

    file = parse(promotions(flat(*BOUGHT), torn, flat(*BOUGHT, PromotionId="3")))

    assert file.report.damaged
    assert file.rows["promotion_id"].to_list()[0] == "900001"
    assert "2" not in file.rows["promotion_id"].to_list()
    assert file.report.reasons["damaged_row"] >= 1


@pytest.mark.parametrize(
    "document",
    [
        promotions(),
        f"<Root>{HEAD}<Promotions/></Root>",
        f"<Root>{HEAD}</Root>",
        f"<Promos>{IDS}<Sales/></Promos>",
    ],
)
def test_a_document_without_promotions_says_so(document: str) -> None:
    file = parse(document)

    assert (len(file.rows), "empty_document" in file.report.notes) == (0, True)
    assert file.rows.columns == [name for name in PROMOTIONS.names if name != "file_id"]


def test_a_wrong_count_is_noted() -> None:
    assert "count_mismatch" in parse(promotions(flat(*BOUGHT), count=652)).report.notes
    assert "count_mismatch" not in parse(promotions(flat(*BOUGHT))).report.notes


# ---------------------------------------------------------------- chunks


def test_a_long_document_is_cut_into_whole_ones() -> None:
    rows = [
        flat(*(item(str(code)) for code in range(3_000)), PromotionId=str(number)) for number in range(1, 31)
    ]
    xml = promotions(*rows, head=HEAD).encode()
    layout = detect_layout(xml)
    assert layout

    chunks = list(split_document([xml], layout))

    assert 1 < len(chunks) < 10
    assert sum(chunk.count(b"<Promotion>") for chunk in chunks) == 30
    assert [chunk.startswith(b"<Root><ChainId>") for chunk in chunks] == [True] + [False] * (len(chunks) - 1)
    assert all(chunk.startswith(b"<Root><Promotions>") for chunk in chunks[1:])
    assert parse(gzip.compress(xml, 1)).report.items == parse(xml).report.items


@pytest.mark.parametrize("spoil", ["cut off", "wrong check sum", "windows-1255", "plain"])
def test_a_large_file_that_is_not_regular_is_opened_whole(spoil: str) -> None:
    long = element("Remark", "עד גמר המלאי. " + "x" * 32_000)
    rows = [flat(*BOUGHT, more=long, PromotionId=str(number)) for number in range(600)]
    text = promotions(*rows)
    packed = gzip.compress(text.encode("cp1255" if spoil == "windows-1255" else "utf-8"), 1)
    spoiled = {
        "cut off": packed[: len(packed) * 2 // 3],
        "wrong check sum": packed[:-8] + b"abcd" + packed[-4:],
        "windows-1255": packed,
        "plain": text.encode(),
    }[spoil]

    file = read_file(spoiled, name=NAME, limit=1 << 26)

    is_damaged = spoil in {"cut off", "wrong check sum"}
    assert file.report.damaged == is_damaged
    assert (len(file.rows) < 600) == (spoil == "cut off")
    assert (file.rows["items"].list.len() == 2).all()


def test_a_name_is_not_needed() -> None:
    assert parse(DIALECTS["grouped"], name="data").report.rows == 1


def test_shelf_of_flat_items_keeps_its_codes_as_published() -> None:
    assert codes(the_offer(promotions(flat(item("  0042 "), item("729*0106722415")))).row(0, named=True)) == [
        "0042",
        "729*0106722415",
    ]


def test_restrictions_in_words_are_remarks() -> None:
    more = RESTRICTED.replace("<AdditionalIsCoupon>0</AdditionalIsCoupon>", "לא כולל סלים")

    assert parse(promotions(flat(*BOUGHT, more=more))).rows["remarks"].to_list() == ["לא כולל סלים"]


@given(st.integers(0, 3_000), st.integers(0, 255), st.sampled_from(sorted(DIALECTS)))
@settings(max_examples=40, deadline=None)
def test_one_wrong_byte_is_read_or_refused(place: int, byte: int, dialect: str) -> None:
    data = bytearray(DIALECTS[dialect].encode())
    data[place % len(data)] = byte

    with suppress(ContentError):
        file = read_file(bytes(data), name=NAME, limit=LIMIT)
        assert file.report.rows == len(file.rows)
        for tally in filter(None, (file.report.promotions, file.report.items)):
            assert tally.elements == tally.accepted + tally.rejected + tally.duplicates + tally.without_code


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("(2=מועדון קרפור אשראי|2=מועדון אפליקציה)", "2"),
        ("(1=עובדים|3=אשראי)", "1,3"),
        ("(0=כלל הלקוחות)", "0"),
        ("כלל הלקוחות", "0"),
        ("3 - מועדון לקוחות &amp; מועדון לקוחות אשראי", "3"),
        ("0=אין", "0"),
        ("לא ידוע", None),
    ],
)
def test_clubs_are_codes(stated: str, expected: str | None) -> None:
    rows = parse(promotions(grouped(group(listed(MILK)), ClubID=stated), head=IDS)).rows
    assert rows["club_ids"].to_list() == [expected]


def test_a_code_of_zeros_is_no_item() -> None:
    file = parse(promotions(grouped(group(listed("0000000000000"), listed(MILK))), head=IDS))
    (offer,) = file.rows.to_dicts()
    assert codes(offer) == [MILK]
    assert file.report.items
    assert file.report.items.without_code == 1


SHUK_HAIR_NAME = "PromoFull7290058148776-000-322-20260902-051138.gz"
SHUK_HAIR_HEAD = """<ChainID>7290058148776</ChainID><SubChainID>000</SubChainID><StoreID>322</StoreID>
<BikoretNo>0</BikoretNo>"""
SHUK_HAIR_OFFER = """<PromotionUpdateTime>2026-09-02T17:03:10.734</PromotionUpdateTime>
<PromotionID>254332</PromotionID><PromotionDescription>2 ב-20</PromotionDescription>
<PromotionStartDateTime>2026-09-01T00:00:00.000</PromotionStartDateTime>
<PromotionEndDateTime>2026-09-30T23:59:00.000</PromotionEndDateTime>
<Groups><Group><GroupID>1</GroupID><PromotionItems><PromotionItem><ItemCode>7290000000015</ItemCode>
<ItemType>1</ItemType><RewardType>1</RewardType><MinQty>2</MinQty><DiscountedPrice>20.00</DiscountedPrice>
</PromotionItem></PromotionItems></Group></Groups>"""


@pytest.mark.parametrize(("rows", "row"), [("Promotions", "Promotion"), ("Sales", "Sale")])
def test_the_wrappers_of_shuk_hair_are_read(rows: str, row: str) -> None:
    """Other importers read none of its promotions until September 2026: they knew only one wrapper."""
    offer = element(rows, element(row, SHUK_HAIR_OFFER))
    document = element("Root", SHUK_HAIR_HEAD + offer)

    file = parse(document, name=SHUK_HAIR_NAME)

    (read,) = file.rows.to_dicts()
    assert (file.header.chain_id, file.header.store_id) == ("7290058148776", 322)
    assert (read["promotion_id"], read["min_quantity"]) == ("254332", Decimal(2))
    assert (read["discounted_price"], read["description"]) == (Decimal(20), "2 ב-20")


def test_an_empty_list_of_promotions_is_a_document_without_rows() -> None:
    document = element("Root", SHUK_HAIR_HEAD + element("Promotions", ""))

    assert parse(document, name=SHUK_HAIR_NAME).report.rows == 0
