"""What becomes of documents that are empty, torn, odd or hostile: counted, noted, or refused with a code."""

import gzip
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster_tests.parsing.documents import (
    BREAD,
    CHAIN,
    MILK,
    PRICE_DIALECTS,
    PRICES_NAME,
    STORE_DIALECTS,
    prices,
)

LIMIT = 1 << 22
MANY = prices(*({**MILK, "ItemCode": str(number)} for number in range(200)))


def parse(document: str | bytes, *, name: str = PRICES_NAME) -> ParsedFile:
    data = document.encode() if isinstance(document, str) else document
    file = read_file(data, name=name, limit=LIMIT)
    assert file.report.rows == len(file.rows)
    assert file.report.rejected == sum(file.report.reasons.values())
    assert len(file.report.samples) <= 20
    return file


def refusal(document: str | bytes, *, name: str = PRICES_NAME) -> Code:
    with pytest.raises(ContentError) as caught:
        parse(document, name=name)
    return caught.value.code


# ---------------------------------------------------------------- nothing to read


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (prices(), Document.PRICES),
        (prices().replace("\n", ""), Document.PRICES),
        ("<Root><ChainId>7290058140886</ChainId><StoreId>41</StoreId></Root>", Document.PRICES),
        ("<Root><ChainId>7290058140886</ChainId><StoreId>41</StoreId><Items/></Root>", Document.PRICES),
        ("<Prices><ChainID>7290058140886</ChainID><Products></Products></Prices>", Document.PRICES),
        ("<OrderXml><Envelope><ChainId>7290172900007</ChainId></Envelope></OrderXml>", Document.PRICES),
        ("<Root><ChainId>7290058140886</ChainId><SubChains/></Root>", Document.PRICES),
    ],
)
def test_a_header_without_rows_is_an_empty_document_and_says_so(document: str, expected: Document) -> None:
    file = parse(document)

    assert (file.document, file.report.rows, file.report.notes) == (
        expected,
        0,
        ("container_mismatch", "empty_document"),
    )
    assert file.header.chain_id in {CHAIN, "7290172900007"}


@pytest.mark.parametrize(
    "document",
    [
        "<Root><ChainId>7290058140886</ChainId><Goods><Good><Code>1</Code></Good></Goods></Root>",
        "<Root><Items><Thing><ItemCode>1</ItemCode><ItemPrice>2</ItemPrice></Thing></Items></Root>",
        "<Root><Items><Item><Barcode>1</Barcode><Cost>2</Cost></Item></Items></Root>",
        "<Root><Items>7290000042640;7.10</Items></Root>",
        "<Root/>",
        "<rss><channel><title>news</title></channel></rss>",
        "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
        "<Root>" + "<Thing>1</Thing>" * 10_000 + "</Root>",
    ],
)
def test_rows_that_nobody_knows_are_never_an_empty_document(document: str) -> None:
    assert refusal(document) is Code.SCHEMA_UNKNOWN


def test_nothing_but_a_name_tells_what_a_bare_header_is() -> None:
    assert refusal("<Root><ChainId>7290058140886</ChainId></Root>", name="data.xml") is Code.SCHEMA_UNKNOWN


# ---------------------------------------------------------------- torn


@pytest.mark.parametrize("cut", [25, 200, 3_000])
def test_a_cut_document_gives_its_whole_rows_and_counts_the_one_that_is_cut(cut: int) -> None:
    text = MANY[:-cut]

    report = parse(text).report

    assert (report.reader, report.damaged) == ("lxml", True)
    assert report.rows == text.count("</Item>")
    assert {"not_closed", "malformed"} & set(report.notes)
    assert report.rows + report.rejected == text.count("<Item>")
    assert ("count_mismatch" in report.notes) == (text.count("<Item>") < 200)


def test_a_cut_gzip_file_gives_its_whole_rows() -> None:
    data = gzip.compress(MANY.encode())

    report = parse(data[: len(data) * 2 // 3]).report

    assert (report.reader, report.damaged) == ("lxml", True)
    assert 20 < report.rows < 200
    assert report.reasons in ({}, {"damaged_row": 1})


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("</ItemName><ManufacturerName>", "<ManufacturerName>"),  # an end tag is missing
        ("</ItemName>", "</ItemNam>"),
        ("<ItemPrice>", "<ItemPrice"),
        ("<ItemName>", "<ItemName"),
    ],
)
def test_one_torn_row_costs_that_row_and_no_other(wrong: str, right: str) -> None:
    head, _, tail = MANY.partition("<ItemCode>100</ItemCode>")
    torn = head + "<ItemCode>100</ItemCode>" + tail.replace(wrong, right, 1)

    file = parse(torn)

    assert "malformed" in file.report.notes
    assert file.report.damaged or file.report.rows == 200
    assert file.report.rows + file.report.rejected == 200
    assert file.report.rows >= 198
    assert {str(number) for number in range(200)} - set(file.rows["code"]) <= {"100", "101"}
    assert set(file.rows["price"].cast(str)) == {"7.1000"}


@pytest.mark.parametrize("missing", ["</SubChain>", "</Stores>", "</SubChains>"])
def test_a_missing_end_tag_around_stores_loses_no_store(missing: str) -> None:
    file = parse(STORE_DIALECTS["nested"].replace(missing, "", 1))

    assert file.rows["store_id"].to_list() == [1, 37]
    assert file.rows["sub_chain_id"].to_list() == [2, 2]
    assert file.report.damaged


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("מים < 2 ליטר", "מים < 2 ליטר"),
        ("פיש & צ'יפס", "פיש & צ'יפס"),
        ("קפה&nbsp;שחור", "קפה&nbsp;שחור"),
        ("[[מים]]> < 2", "[[מים]]> < 2"),
    ],
)
def test_text_that_somebody_pasted_together_costs_no_row(written: str, meant: str) -> None:
    report = parse(prices(MILK, {**BREAD, "ItemName": written}, {**MILK, "ItemCode": "3"}))

    assert report.rows["name"].to_list()[1] == meant
    assert report.report.rows == 3
    assert not report.report.damaged
    assert "repaired_markup" in report.report.notes


def test_an_entity_after_damage_is_still_a_character() -> None:
    torn = prices(MILK, {**BREAD, "ItemName": "M &amp; M &#38; &lt;גדול&gt;"}).replace(
        "</ItemName>", "</ItemNam>", 1
    )

    file = parse(torn)

    assert "malformed" in file.report.notes
    assert file.rows["name"].to_list()[-1] == "M & M & <גדול>"


def test_two_documents_in_one_file_are_read_as_one_and_the_rest_is_counted() -> None:
    report = parse(prices(MILK) + prices(BREAD, MILK)).report

    assert report.damaged
    assert "not_closed" in report.notes
    assert (report.rows, report.reasons) == (1, {"damaged_row": 2})


def test_a_count_that_is_not_the_number_of_rows_is_noted() -> None:
    assert "count_mismatch" in parse(prices(MILK, count=7)).report.notes
    assert "count_mismatch" not in parse(prices(MILK, count=1)).report.notes


# ---------------------------------------------------------------- odd


def test_fields_that_nobody_reads_are_reported_wherever_they_stand() -> None:
    rows = [{**MILK, "ItemCode": str(number)} for number in range(300)]
    rows[0]["Kosher"] = "1"
    rows[100]["Allergens"] = "חלב"  # neither at the beginning nor in the middle nor at the end
    rows[150]["Kosher"] = ""
    text = prices(*rows).replace("<StoreId>", "<Manager>דנה</Manager><StoreId>")

    report = parse(text).report

    assert report.unknown == {"Kosher": 1, "Allergens": 1, "Manager": 1}
    assert (report.reader, report.rows) == ("fast", 300)


def test_a_field_that_changes_its_spelling_in_the_middle_is_not_lost() -> None:
    rows = [{**MILK, "ItemCode": str(number)} for number in range(300)]
    del rows[100]["ItemName"]
    rows[100]["ItemNm"] = "גבינה"  # as many elements as before: only a count of what was read tells

    file = parse(prices(*rows))

    assert file.rows["name"][100] == "גבינה"
    assert file.rows["name"].null_count() == 0


def test_what_is_inside_an_unknown_field_is_not_taken_for_the_row() -> None:
    text = prices(MILK, BREAD).replace(
        "<ItemPrice>6.5", "<Member><ItemPrice>1.00</ItemPrice></Member><ItemPrice>6.5"
    )

    file = parse(text)

    assert file.rows["price"].cast(str).to_list() == ["7.1000", "6.5000"]
    assert file.report.unknown == {"ItemPrice": 1}


@pytest.mark.parametrize("more", ["", "<!-- careful -->"])
def test_markup_inside_a_name_costs_nothing_of_the_name(more: str) -> None:
    file = parse(more + prices({**MILK, "ItemName": "חלב<br/> תנובה"}, BREAD))

    assert file.rows["name"].to_list() == ["חלב תנובה", "לחם אחיד"]


def test_a_field_said_twice_counts_as_first_said() -> None:
    file = parse(prices(MILK, BREAD).replace("<ItemPrice>6.5", "<ItemPrice>9.9</ItemPrice><ItemPrice>6.5"))

    assert file.rows["price"].cast(str).to_list() == ["7.1000", "9.9000"]
    assert "repeated_field" in file.report.notes


@pytest.mark.parametrize(
    ("extra", "where"),
    [
        ("<!-- exported by till 4 -->", "<Items"),
        ("<!-- <Item><ItemCode>1</ItemCode></Item> -->", "<Items"),
        ("<?till version=4?>", "<Items"),
    ],
)
def test_comments_and_instructions_are_no_rows(extra: str, where: str) -> None:
    file = parse(prices(MILK, BREAD).replace(where, extra + where))

    assert file.rows["code"].to_list() == ["7290000042640", "0042"]


def test_a_name_in_a_cdata_section_is_text() -> None:
    file = parse(prices({**MILK, "ItemName": "<![CDATA[מים < 2 ליטר & בועות]]>"}, BREAD))

    assert file.rows["name"][0] == "מים < 2 ליטר & בועות"


def test_line_ends_and_control_characters_in_a_name_become_one_space() -> None:
    names = ["חלב\r\nטרי", "חלב\n\t טרי", "חלב&#x0D;&#x0A;טרי", "חלב\x01\x02טרי", "חלב&#1;טרי"]

    text = prices(*({**MILK, "ItemCode": str(n), "ItemName": name} for n, name in enumerate(names)))
    file = parse(text)

    assert [name.split() for name in file.rows["name"]] == [["חלב", "טרי"]] * 5
    assert not any(ord(character) < 32 for name in file.rows["name"] for character in name)
    assert_frame_equal(parse(text.replace("<Items", "<?odd?><Items")).rows, file.rows)


def test_the_space_around_an_entity_is_kept() -> None:
    file = parse(prices({**MILK, "ItemName": "M &amp; M &quot;גדול&quot; "}))

    assert file.rows["name"].to_list() == ['M & M "גדול"']
    assert file.report.reader == "fast"


# ---------------------------------------------------------------- hostile


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE Root [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
        + prices({**MILK, "ItemName": "&b;"}),
        '<!DOCTYPE Root [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + prices({**MILK, "ItemName": "&x;"}),
        '<!DOCTYPE Root SYSTEM "http://127.0.0.1/evil.dtd">' + prices(MILK),
        prices({**MILK, "ItemName": "חלב\0"}),
        "<a>" * 5_000 + "</a>" * 5_000,
        prices(MILK, BREAD).replace(
            "<ItemPrice>6.5", "<deep>" * 200 + "1" + "</deep>" * 200 + "<ItemPrice>6.5"
        ),
        MANY.replace(
            "<ItemCode>150</ItemCode>", "<deep>" * 50 + "1" + "</deep>" * 50 + "<ItemCode>150</ItemCode>"
        ),
    ],
)
def test_hostile_documents_are_refused(document: str) -> None:
    assert refusal(document) is Code.HOSTILE_CONTENT


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(prices(MILK).encode() + b" " * 100_000_000)

    assert refusal(bomb) is Code.HOSTILE_CONTENT


def test_an_entity_that_nobody_declared_stays_as_written() -> None:
    file = parse(prices({**MILK, "ItemName": "&xxe; חלב"}))

    assert file.rows["name"].to_list() == ["&xxe; חלב"]


# ---------------------------------------------------------------- anything

HEAP = """<Root> </Root> <Items> </Items> <Item> </Item> <Item/> <ItemCode> </ItemCode> <ItemPrice>
</ItemPrice> 7.10 חלב < > & &amp; &#0; &#1; <!-- --> <![CDATA[ ]]> <? ?> /> ' " <a <a/> <Stores> <Store>
</Store> <StoreName> </StoreName> <x:Item> </x:Item> \x01 \0"""
FRAGMENTS = st.lists(st.sampled_from(HEAP.split()), max_size=60)


@given(fragments=FRAGMENTS)
@settings(max_examples=150)
def test_any_heap_of_tags_is_read_or_refused(fragments: list[str]) -> None:
    with suppress(ContentError):
        parse("<Root><Items>" + "".join(fragments))


@given(data=st.binary(max_size=400), is_packed=st.booleans())
@settings(max_examples=80)
def test_any_bytes_are_read_or_refused(*, data: bytes, is_packed: bool) -> None:
    with suppress(ContentError):
        parse(gzip.compress(data) if is_packed else data)


@given(place=st.integers(0, 5_000), byte=st.integers(0, 255), dialect=st.sampled_from(sorted(PRICE_DIALECTS)))
@settings(max_examples=150, deadline=None)
def test_one_wrong_byte_is_read_or_refused(place: int, byte: int, dialect: str) -> None:
    data = bytearray(PRICE_DIALECTS[dialect].encode())
    data[place % len(data)] = byte
    with suppress(ContentError):
        assert parse(bytes(data)).report.rows <= 2


@given(start=st.integers(0, 200_000), length=st.integers(1, 400))
@settings(max_examples=40, deadline=None)
@example(start=181, length=57)  # the number of rows and the start of the first one: only its end tag is left
def test_a_hole_in_a_document_never_goes_unnoticed(start: int, length: int) -> None:
    """Something is said (damage, rejects, an unknown field, a wrong count), or a value is shorter."""
    data = MANY.encode()
    start %= len(data) - length
    torn = data[:start] + data[start + length :]
    with suppress(ContentError):
        report = parse(torn).report
        is_told = report.damaged or report.rejected or report.unknown or "count_mismatch" in report.notes
        assert is_told or report.rows + report.duplicates == 200
