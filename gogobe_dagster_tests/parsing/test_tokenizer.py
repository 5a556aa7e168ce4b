"""What markup, nesting and texts make of a document is what a strict XML parser makes of it, or nothing."""

import re
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.fast.byte_views import NotRegular
from gogobe_dagster.parsing.fast.element_paths import find_paths
from gogobe_dagster.parsing.fast.separator_matching import MAX_SEPARATORS, MIN_REPEATING
from gogobe_dagster.parsing.fast.string_views import MAX_TEXT_LENGTH, DecodedTexts
from gogobe_dagster.parsing.fast.tokenizer import tokenize

pytestmark = pytest.mark.slow

Fields = list[tuple[str, str]]


def fields_of(*documents: bytes) -> Fields:
    """Every element without children, by its path, with its text."""
    markup = tokenize(documents)
    nesting = find_paths(markup)
    changes = [
        nesting.changes[number] for number in nesting.per_text(range(len(nesting.changes)), len(markup))
    ]
    opened = [markup.separators[number].opened for number in markup.separator_ids]
    places = [place for place, name in enumerate(opened) if name]
    texts = DecodedTexts(markup).column(np.array(places, np.int64)).to_list()
    return [
        ("/".join((*changes[place].after, opened[place])), text)
        for place, text in zip(places, texts, strict=True)
    ]


def strictly(*documents: bytes) -> Fields:
    """The same by lxml, separator_ids says `<a/>` and `<a></a>` alike: only what holds text is compared."""
    found = []
    for document in documents:
        for element in etree.fromstring(document, etree.XMLParser(huge_tree=True)).iter(etree.Element):
            if not len(element) and element.text:
                ancestors = [ancestor.tag for ancestor in element.iterancestors()][::-1]
                text = re.sub("[\x00-\x1f]+", " ", element.text)
                found.append(("/".join([*ancestors, element.tag]), text))
    return found


def saying(fields: Fields) -> Fields:
    return [(path, text) for path, text in fields if text]


# ---------------------------------------------------------------- whole documents

NAMES = st.sampled_from(["Item", "ItemCode", "ItemName", "ItemNm", "a", "ManufacturerItemDescription"])
TEXTS = st.text(st.sampled_from("חלב תנובה 3%0123456789.-'\"/=") | st.characters(exclude_categories=["C"]))
BLANKS = st.sampled_from(["", " ", "\n", "\n      ", "\n\n  "])


def element(name: str, inside: str, blank: str, attribute: str) -> str:
    return f"<{name}{attribute}>{inside}</{name}{blank}>{blank}"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;")


ATTRIBUTES = st.sampled_from(["", "", "", ' Count="3"', " x='>' y=\"a'b\"", "\n  Date = '1'"])
LEAVES = st.builds(element, NAMES, TEXTS.map(escaped), BLANKS, ATTRIBUTES)
EMPTY = st.builds("<{}{}/>{}".format, NAMES, ATTRIBUTES, BLANKS)
TREES = st.recursive(
    LEAVES | EMPTY,
    lambda inner: st.builds(
        lambda blank, parts, name, attribute: element(name, blank + "".join(parts), blank, attribute),
        BLANKS,
        st.lists(inner, min_size=1, max_size=6),
        NAMES,
        ATTRIBUTES,
    ),
    max_leaves=40,
)
DOCUMENTS = st.builds(lambda blank, tree: f"{blank}<Root>{blank}{tree}</Root>{blank}".encode(), BLANKS, TREES)


@given(DOCUMENTS)
@example(b"<Root><a>1 > 0</a></Root>")
@example(b"<Root><a>" + b"x" * 100 + b"</a></Root>")
@example(b"<Root>" + b"<ManufacturerItemDescription>1</ManufacturerItemDescription>" * 3 + b"</Root>")
@settings(max_examples=150, deadline=None)
def test_a_whole_document_has_the_texts_that_a_strict_parser_finds(document: bytes) -> None:
    assert saying(fields_of(document)) == strictly(document)


@given(st.lists(DOCUMENTS, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_documents_behind_each_other_are_read_as_each_alone(documents: Sequence[bytes]) -> None:
    assert fields_of(*documents) == [field for document in documents for field in fields_of(document)]


def assert_left_or_read_strictly(document: bytes, start: int, length: int) -> None:
    """Tear a hole into a document; whatever is read of it is what a strict parser reads."""
    torn = document[:start] + document[start + length :]
    with suppress(NotRegular, UnicodeDecodeError):
        torn.decode()
        assert saying(fields_of(torn)) == strictly(torn)


ROWS = st.lists(LEAVES | EMPTY, min_size=2, max_size=6).map("".join)
USUAL, ODD = st.just(0), st.integers(0, 2)
LONG_DOCUMENTS = st.builds(
    lambda kinds, numbers, blank: (
        f"<Root>{blank}<Items>"
        + "".join(f"<ManufacturerItem>{blank}{kinds[number]}</ManufacturerItem>{blank}" for number in numbers)
        + "</Items></Root>"
    ).encode(),
    st.lists(ROWS, min_size=3, max_size=3),
    st.lists(USUAL | USUAL | USUAL | ODD, min_size=MIN_REPEATING // 2, max_size=MIN_REPEATING),
    BLANKS,
)


@given(LONG_DOCUMENTS, st.integers(0), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_rows_in_turns_and_those_that_break_them_are_read_as_a_strict_parser_does(
    document: bytes, start: int, length: int
) -> None:
    assert_left_or_read_strictly(document, start % len(document), length)
    if not length:
        assert saying(fields_of(document)) == strictly(document)


@pytest.mark.parametrize(
    "odd",
    [
        b"<Code>1</Code><Nama>2</Nama>",
        b"<Code>1</Code>",
        b"<Code>1</Code><Name/>",
        b"<Code>1</Code><Name>2</Name ><c/>",
    ],
)
def test_a_row_that_breaks_the_turns_is_read_as_it_is(odd: bytes) -> None:
    row = b"<Row>%s</Row>" % b"<Code>1</Code><Name>2</Name>"
    rows = [row] * MIN_REPEATING
    rows[700] = b"<Row>%s</Row>" % odd
    document = b"<Root>%s</Root>" % b"".join(rows)

    assert saying(fields_of(document)) == strictly(document)


# ---------------------------------------------------------------- anything else

HEAP = """<Root> </Root> <Items> </Items> <Item> </Item> <Item/> <a> </a> <a/> <b </b> x='1' x=1> x> 7.10 חלב
&amp; > <!-- --> <![CDATA[ ]]> <? ?> < & </ /> ' <a <a/ </a <1> </>"""
PIECES = st.sampled_from([*HEAP.split(), " "])


@given(st.lists(PIECES, max_size=30).map("".join))
@example("<Root><a>1</a></Root><Root><a>1</a></Root>")
@example("<Root><a>1</a>")
@example("<Root><a>1</Root></a>")
@example("<Root><a>1<b>2</b></a></Root>")
@example("<Root><a>1</a>2</Root>")
@example("<Root><a>&nbsp;</a></Root>")
@settings(max_examples=400, deadline=None)
def test_what_is_no_document_is_left_to_the_careful_reader(heap: str) -> None:
    """Whatever is read is XML for a strict parser too, and says the same."""
    document = heap.encode()
    with suppress(NotRegular):
        assert saying(fields_of(document)) == strictly(document)


@given(DOCUMENTS, st.integers(0, 10_000), st.integers(1, 200))
@settings(max_examples=150, deadline=None)
def test_a_document_with_a_hole_is_left_or_read_as_a_strict_parser_does(
    document: bytes, start: int, length: int
) -> None:
    assert_left_or_read_strictly(document, start % len(document), length)


DIFFERENT = "".join(f"<a{number}>1</a{number}>" for number in range(2 * MAX_SEPARATORS))
LONG = f"<Root><a>{'x' * (MAX_TEXT_LENGTH + 1)}</a></Root>"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("", "unsupported_markup"),
        ("no markup", "unsupported_markup"),
        ("<Root/>", "unsupported_markup"),
        ("<Root><!-- odd --><a>1</a></Root>", "unsupported_markup"),
        ("<Root><a><![CDATA[1]]></a></Root>", "unsupported_markup"),
        ("<Root><a>1</a><?odd?></Root>", "unsupported_markup"),
        ("<Root><a>1</a>", "not_closed"),
        ("<Root><a>1</a></Root><Root><a>1</a></Root>", "not_closed"),
        ("<Root><a>1</b></Root>", "malformed"),
        ("<Root><a>1</a", "malformed"),
        ("<Root><a>fish & chips</a></Root>", "malformed"),
        ("<Root><a>&#0;</a></Root>", "malformed"),
        ("<Root>text<a>1</a></Root>", "malformed"),
        ("<Root>text</Root>", "unexpected_layout"),
        ("<Root><a>1</a>text</Root>", "mixed_content"),
        (f"<Root>{DIFFERENT}</Root>", "too_many_tags"),
        ("<Root><a x='1' x='2'>1</a></Root>", "malformed"),
        ("<Root><a>1</a>" + "<b/>" * 1000 + "</Root>", "unsupported_markup"),
    ],
)
def test_it_says_why_a_document_is_left(document: str, why: str) -> None:
    with pytest.raises(NotRegular, match=f"^{why}$"):
        fields_of(document.encode())


@pytest.mark.parametrize("document", ["<deeper>" * 33 + "1" + "</deeper>" * 33, LONG])
def test_what_is_made_to_hurt_is_refused(document: str) -> None:
    with pytest.raises(ContentError) as caught:
        fields_of(document.encode())

    assert caught.value.code is Code.HOSTILE_CONTENT


# ---------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("&quot;", '"'),
        ("100 מ&quot;ל", '100 מ"ל'),
        ("&#1513;&#x5DC;&#X5D5;&#x5DD;", "שלום"),
        ("a &amp;amp; b", "a &amp; b"),
        ("\r\n  שורה\tשנייה", "   שורה שנייה"),
        ("&#10;", " "),
        ("x" * 12, "x" * 12),
        ("x" * 13, "x" * 13),
        ("&lt;" * 13, "<" * 13),
        ("", ""),
    ],
)
def test_entities_are_characters_and_control_characters_blanks(written: str, meant: str) -> None:
    document = f"<Root>\n  <a>{written}</a>\n  <b>neighbour of it</b></Root>".encode()

    assert fields_of(document) == [("Root/a", meant), ("Root/b", "neighbour of it")]
