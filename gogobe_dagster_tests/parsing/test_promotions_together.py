"""Short documents of promotions that are read together are what each is alone, and are read so."""

import gzip
from collections import Counter
from itertools import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing import batch_reader
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.document_chunks import CHUNK_BYTES
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster.parsing.promotions.reader import PromotionsResult, read_promotions_together
from gogobe_dagster_tests.parsing.documents import IDS, MILK, PRICES_NAME, prices
from gogobe_dagster_tests.parsing.promotion_documents import (
    BAG,
    BOUGHT,
    DIALECTS,
    GIFT,
    HEAD,
    NAME,
    NEW_GIFT,
    flat,
    group,
    grouped,
    item,
    listed,
    promotions,
    sale,
)
from gogobe_dagster_tests.parsing.test_batch_reader import LIMIT, assert_the_same

pytestmark = pytest.mark.slow

PLAIN = promotions(flat(*BOUGHT), flat(GIFT, PromotionId="7"))
ODD = {
    "the same id as its neighbour": promotions(flat(item("1"))),
    "the same promotion twice": promotions(flat(*BOUGHT), flat(*BOUGHT)),
    "an item twice": promotions(flat(item("1"), item("1", price="3"), item("2"))),
    "no items": promotions(flat(PromotionId="8"), flat()),
    "items without a code": promotions(flat(item(""), item("0000"), item("5"))),
    "only items without a code": promotions(flat(item("", kind="0"))),
    "no id": promotions(flat(*BOUGHT, PromotionId=" "), flat(*BOUGHT)),
    "a price that is none": promotions(flat(*BOUGHT, DiscountedPrice="ten"), flat(PromotionId="3")),
    "a gift's price that is none": promotions(flat(item("1", price="x"), item("2"))),
    "a date that is none": promotions(flat(*BOUGHT, PromotionStartDate="2026-13-45")),
    "seven decimals": promotions(flat(*BOUGHT, MinQty="1.23456789")),
    "a field that nobody reads": promotions(flat(*BOUGHT, more="<Colour>red</Colour>")),
    "an item's field outside": promotions(flat(*BOUGHT, more="<ItemType>1</ItemType>")),
    "a field of the header that nobody reads": promotions(flat(*BOUGHT), head=HEAD + "<Moon>1</Moon>"),
    "another number of promotions": promotions(flat(*BOUGHT), count=7),
    "another header": promotions(flat(*BOUGHT), head=IDS.replace("<StoreId>1<", "<StoreId>2<")),
    "fields of other dialects": promotions(flat(*BOUGHT, more="<Remarks>רק היום</Remarks>")),
    "many clubs": promotions(flat(*BOUGHT, more="<Clubs><ClubId>2</ClubId><ClubId>1</ClubId></Clubs>")),
    "a field twice": promotions(flat(*BOUGHT, more="<RewardType>1</RewardType>")),
    "a comment": PLAIN.replace("</Promotions>", "<!-- odd --></Promotions>"),
    "an empty promotion": promotions(flat(*BOUGHT), "<Promotion></Promotion>"),
    "no promotions": promotions(),
    "torn": PLAIN.replace("</PromotionItems>", "", 1),
    "cut": PLAIN[:-60],
    "nested": PLAIN.replace("<MinQty>", "<MinQty>" * 40).replace("</MinQty>", "</MinQty>" * 40),
    "several groups": promotions(
        grouped(group(listed("1", MinQty="3"), listed("2")), group(NEW_GIFT, number=2)), head=IDS
    ),
}


def test_every_dialect_and_oddity_between_ordinary_files() -> None:
    documents = [*DIALECTS.values(), PLAIN, *ODD.values(), PLAIN, *DIALECTS.values()]
    files = [(NAME, gzip.compress(document.encode())) for document in documents]
    files[5:5] = [(PRICES_NAME, prices(MILK).encode()), (NAME, b"<html></html>")]

    assert_the_same(files)


@given(st.lists(st.sampled_from(sorted(ODD)), min_size=2, max_size=7))
@settings(max_examples=12, deadline=None)
def test_odd_files_do_not_spoil_their_neighbours(oddities: list[str]) -> None:
    assert_the_same([(NAME, ODD[name].encode()) for name in oddities])


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), min_size=3, max_size=3))
@settings(max_examples=12, deadline=None)
def test_one_wrong_byte_in_each_of_some_files(changes: list[tuple[int, int]]) -> None:
    files = []
    for (offset, byte), document in zip(changes, (PLAIN, *DIALECTS.values()), strict=False):
        data = bytearray(document.encode())
        data[offset % len(data)] = byte
        files.append((NAME, bytes(data)))

    assert_the_same([*files, (NAME, PLAIN.encode()), *files])


def test_documents_that_are_longer_together_than_a_chunk_are_read_in_several_groups() -> None:
    long = promotions(
        *(flat(*map(item, map(str, range(400))), PromotionId=str(number)) for number in range(45))
    )
    sales = "<Promos>" + IDS + "<Sales>" + "".join(map(sale, map(str, range(9)))) + "</Sales></Promos>"
    documents = [long, PLAIN, long, sales, PLAIN, long, long]

    assert CHUNK_BYTES // 3 < len(long) < CHUNK_BYTES // 2
    assert_the_same([(NAME, gzip.compress(document.encode())) for document in documents], at_once=1 << 25)


@pytest.mark.parametrize(
    ("odd", "sizes"),
    [
        (None, {8: 1}),
        ("many clubs", {8: 1}),
        ("a field that nobody reads", {8: 1}),
        ("items without a code", {8: 1}),
        ("no id", {8: 1, 4: 2, 2: 2}),
        ("torn", {8: 1, 4: 2, 2: 2}),
    ],
)
def test_only_a_file_with_something_to_report_is_read_alone(
    odd: str | None, sizes: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # How many documents are read together leaves no trace in what is read, so calls are counted.
    seen = Counter[int]()

    def counted(documents: list[bytes], *rest: object) -> list[PromotionsResult] | None:
        seen[len(documents)] += 1
        return read_promotions_together(documents, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(batch_reader, "read_promotions_together", counted)
    documents = [*repeat(PLAIN, 5), *([ODD[odd]] if odd else [PLAIN]), *repeat(PLAIN, 2)]

    list(read_files([(NAME, document.encode()) for document in documents], limit=LIMIT))

    assert seen == sizes


def test_one_that_is_hostile_is_refused_and_the_others_are_read() -> None:
    documents = [PLAIN, ODD["nested"], PLAIN, promotions(flat(item(BAG)))]

    read = list(read_files([(NAME, document.encode()) for document in documents], limit=LIMIT))

    assert [type(outcome) for outcome in read] == [ParsedFile, ContentError, ParsedFile, ParsedFile]
    assert isinstance(read[1], ContentError)
    assert read[1].code is Code.HOSTILE_CONTENT
