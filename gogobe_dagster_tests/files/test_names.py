"""Every published form of a name is parsed; everything else is reported as unknown."""

import csv
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import html

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, UnknownFileName
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.files.names import FileName

# name, kind, chain, sub-chain, store, timestamp; `-` where the name has none.
PUBLISHED = """
both main layouts, and variants of them
PriceFull7290058140886-001-202608110200.gz             full_prices     7290058140886 - 1   2026-08-11T02:00:00
PriceFull7290058140886-001-039-20260811-020010.gz      full_prices     7290058140886 1 39  2026-08-11T02:00:10
Stores7290027600007-000-20260922-025.gz                stores          7290027600007 0 -   2026-09-22T00:00:00
StoresFull7290058108879-000-202608110500.gz            stores          7290058108879 0 -   2026-08-11T05:00:00
Stores7290455000004-000-20260912060202-060202.gz       stores          7290455000004 0 -   2026-09-12T06:02:02
PriceFull7290455000004-000-35-20260910060202-060202.gz full_prices     7290455000004 0 35  2026-09-10T06:02:02
pricefull7290058140886-760-202608110003.gz             full_prices     7290058140886 - 760 2026-08-11T00:03:00
Price7290058108879-1-202608111941.GZ                   prices          7290058108879 - 1   2026-08-11T19:41:00
NULLPrice7290058108879-339-202608111941.gz             prices          7290058108879 - 339 2026-08-11T19:41:00
PriceFull7290700100008-000-206-20260910-011315.xml.gz  full_prices     7290700100008 0 206 2026-09-10T01:13:15
Promo72906390-5-202608110900.gz                        promotions      72906390      - 5   2026-08-11T09:00:00
names that were really published, 2015 to 2026
Stores7290058140886-000-20250821-050500.xml            stores          7290058140886 0 -   2025-08-21T05:05:00
PromoFull7290058140886-001-202602170010                full_promotions 7290058140886 - 1   2026-02-17T00:10:00
Stores7290103152017-201507052005.xml                   stores          7290103152017 - -   2015-07-05T20:05:00
StoresFull7290172900007--202211020200                  stores          7290172900007 - -   2022-11-02T02:00:00
Stores0000072906390-202211021530.xml                   stores          72906390      - -   2022-11-02T15:30:00
StoresFull7290700100008-000-000-20250821-002217        stores          7290700100008 0 -   2025-08-21T00:22:17
PriceFull7290055700007-5304-202507081210.gz            full_prices    7290055700007 - 5304 2025-07-08T12:10:00
PriceFull7290661400001-260-202505310519-001.xml.gz     full_prices     7290661400001 - 260 2025-05-31T05:19:00
PriceFull-7290696200003-097-201608280606-001.xml       full_prices     7290696200003 - 97  2016-08-28T06:06:00
StoresFull-7290058179503-000-201507060606-000.xml      stores          7290058179503 0 -   2015-07-06T06:06:00
other layouts
Price7290492000005-004-715-20260811-1905.gz            prices          7290492000005 4 715 2026-08-11T19:05:00
Price7290696200003-001-001-20260811191500.gz           prices          7290696200003 1 1   2026-08-11T19:15:00
PromoFull7290000000003-000-079-20260811-051000         full_promotions 7290000000003 0 79  2026-08-11T05:10:00
Stores7290000000003-000-079-20260811-051000            stores          7290000000003 0 79  2026-08-11T05:10:00
"""


@pytest.mark.parametrize(
    "line", [line for line in PUBLISHED.splitlines() if len(line.split()) == 6 and "T" in line]
)
def test_a_published_name_says_kind_chain_store_and_moment(line: str) -> None:
    text, kind, chain, sub_chain, store, timestamp = line.split()

    name = FileName.parse(text)

    assert (name.kind, name.chain_id) == (FileKind(kind), chain)
    assert (name.sub_chain_id, name.store_id) == (_number(sub_chain), _number(store))
    assert name.published_at == datetime.fromisoformat(timestamp).replace(tzinfo=ISRAEL)
    assert str(name) == text


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("PromoFull0000000000000-00-1-202411010501", "zeros"),  # Yohananof's junk
        ("index.html", "not a data file"),
        ("", "not a data file"),
        ("Promo7290058197699-400-202508070927 (1).gz", "stamp"),  # a browser's second copy
        ("Stores7290058140886-000-20250821-050500-RamiLevi.xml", "stamp"),  # a collector's own suffix
        ("StoresFull7290058108879-000-202507091024.gz_20250709_154545.zip", "stamp"),
        ("PriceFull7290058140886-001.gz", "stamp"),
        ("PriceFull7290058140886-001-202613110200.gz", "not a date"),
        ("PriceFull7290058140886-001-20260811-246000.gz", "not a date"),
        ("PriceFull7290058140886-001-120101010000.gz", "year 1201"),
        ("PriceFull7290058140886-202608110200.gz", "0 parts"),
        ("Price7290058140886-1-2-3-202608110200.gz", "3 parts"),
        ("PriceFull7290058140886-001-110820260200.gz", "not a date"),
        ("Price7290058140886--202608110200.gz", "not a number"),
        ("Price7290058140886-٣-202608110200.gz", "not a number"),
        ("Price1234-001-202608110200.gz", "not a data file"),
        ("Price72900581408861-001-202608110200.gz", "not a data file"),
        ("Price7290058140886-001-202608110200.gz\nx", "not a data file"),
    ],
)
def test_an_unknown_name_says_what_it_breaks(text: str, because: str) -> None:
    with pytest.raises(UnknownFileName, match=because) as caught:
        FileName.parse(text)

    assert caught.value.code is Code.NAME_UNPARSED
    assert not caught.value.retry


def test_null_names_are_marked_and_still_name_their_store() -> None:
    name = FileName.parse("NULLPrice7290058108879-339-202608111941.gz")

    assert name.is_null
    assert (name.kind, name.store_id) == (FileKind.PRICES, 339)


def test_a_sequence_is_no_time_of_day() -> None:
    by_day = FileName.parse("Stores7290027600007-000-20260922-025.gz")
    by_minute = FileName.parse("PriceFull7290661400001-260-202505310519-001.xml.gz")

    assert (by_day.sequence, by_day.published_at.time().isoformat()) == (25, "00:00:00")
    assert (by_minute.sequence, by_minute.published_at.time().isoformat()) == (1, "05:19:00")


def test_a_blank_before_the_extension_changes_nothing() -> None:
    assert FileName.parse("Stores7290873900009-201506070100 .xml").published_at.year == 2015


def test_a_link_gives_the_name_it_ends_in() -> None:
    link = (
        "https://x.blob.core.windows.net/pricefull/PriceFull7290027600007-001-357-20260811-031500.gz?sig=a/b"
    )

    assert str(FileName.parse(link)) == "PriceFull7290027600007-001-357-20260811-031500.gz"


def test_the_repeated_hour_of_autumn_is_taken_as_its_first_passing() -> None:
    name = FileName.parse("Price7290058140886-001-202610250130.gz")

    assert name.published_at.isoformat() == "2026-10-25T01:30:00+03:00"


@given(st.text())
@example("PriceFull7290058140886-001-" + "9" * 5000)
@example("Price7290058140886-001-202608110200" + " " * 5000 + "x")
def test_any_text_is_a_name_or_an_unknown_name(text: str) -> None:
    try:
        name = FileName.parse(text)
    except UnknownFileName:
        return
    assert FileName.parse(str(name)) == name


NUMBERS = st.integers(0, 9999).flatmap(
    lambda number: st.sampled_from([f"{number}", f"{number:03}", f"{number:04}"])
)
TIMESTAMPS = st.datetimes(datetime(2014, 1, 1), datetime(2099, 12, 31))  # noqa: DTZ001 - names print naive stamps
PARTS = st.one_of(
    st.sampled_from(
        ["", "-", "--", "000", "0", ".gz", ".GZ", ".xml", ".zip", " ", " (1)", "NULL", "0" * 13, "72906"]
    ),
    NUMBERS,
    TIMESTAMPS.map(lambda published_at: published_at.strftime("%Y%m%d-%H%M%S")),
    TIMESTAMPS.map(lambda published_at: published_at.strftime("%Y%m%d%H%M")),
    st.text(max_size=3),
)


@given(
    st.sampled_from(["Price", "PriceFull", "promo", "PROMOFULL", "Stores", "storesfull", "Store"]),
    st.lists(PARTS),
)
def test_what_looks_like_a_name_is_read_the_same_twice(kind: str, parts: list[str]) -> None:
    try:
        name = FileName.parse(f"{kind}7290058140886-{''.join(parts)}")
    except UnknownFileName:
        return
    assert FileName.parse(str(name)) == name
    assert name.published_at.utcoffset() is not None
    assert name.store_id is not None or name.kind is FileKind.STORES


@given(
    null=st.sampled_from(["", "NULL", "null"]),
    kind=st.sampled_from(["Price", "PriceFull", "Promo", "promofull"]),
    chain=st.integers(10**12, 10**13 - 1),
    sub_chain=st.integers(0, 999),
    store=st.integers(0, 9999),
    published_at=TIMESTAMPS,
    extension=st.sampled_from(["", ".gz", ".GZ", ".xml", ".xml.gz", ".zip"]),
)
def test_both_generations_of_a_name_mean_the_same_store_and_moment(
    *, null: str, kind: str, chain: int, sub_chain: int, store: int, published_at: datetime, extension: str
) -> None:
    old = FileName.parse(f"{null}{kind}{chain}-{store:03}-{published_at:%Y%m%d%H%M}{extension}")
    new = FileName.parse(
        f"{null}{kind}{chain}-{sub_chain:03}-{store:03}-{published_at:%Y%m%d-%H%M%S}{extension}"
    )

    assert old.store_id == new.store_id == store
    assert (old.sub_chain_id, new.sub_chain_id) == (None, sub_chain)
    assert new.published_at.replace(tzinfo=None) == published_at.replace(microsecond=0)
    assert old.published_at == new.published_at.replace(second=0)


# Files that people saved under names of their own; the portal never published these names.
OWN_NAMES = {
    "a collector's own name": 49,
    "a browser's second copy": 3,
    "a collector's suffix": 6,
    "a chain id of zeros": 1,
}


def _why_unparsed(text: str) -> str:
    if "0000000000000" in text:
        return "a chain id of zeros"
    if text.endswith(" (1).gz"):
        return "a browser's second copy"
    if text.lower().startswith(("price", "promo", "stores7", "storesfull7")):
        return "a collector's suffix"
    return "a collector's own name"


@pytest.mark.corpus
def test_every_real_file_of_the_corpus_parses_or_was_renamed_by_a_person(corpus: Path) -> None:
    unparsed: dict[str, int] = {}
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t"))
    for row in rows:
        try:
            FileName.parse(row["path"])
        except UnknownFileName:
            reason = _why_unparsed(Path(row["path"]).name)
            unparsed[reason] = unparsed.get(reason, 0) + 1

    assert unparsed == OWN_NAMES


@pytest.mark.corpus
def test_every_name_inside_a_real_archive_parses(corpus: Path) -> None:
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as manifest:
        inner = {row["inner_name"] for row in csv.DictReader(manifest, delimiter="\t")} - {""}

    # Yohananof's junk of zeros is the one that no store can own.
    assert {name for name in inner if not _parses(name)} == {"PromoFull0000000000000-00-1-202506230505.xml"}
    assert len(inner) > 60


def _parses(text: str) -> bool:
    try:
        FileName.parse(text)
    except UnknownFileName:
        return False
    return True


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("page", "rows", "unparsed"),
    [("RamiLevi", 2976, 0), ("Keshet", 152, 0), ("yohananof", 926, 3)],  # Yohananof: three names of zeros
)
def test_every_name_of_a_recorded_listing_parses(corpus: Path, page: str, rows: int, unparsed: int) -> None:
    listing = corpus / "portals" / f"publishedprices_{page}_filelist.html"
    names = html.parse(listing).xpath("//a[@class='f']/@title")

    assert len(names) == len(set(names)) == rows
    strange = [name for name in names if not _parses(name)]
    assert len(strange) == unparsed
    assert all("0000000000000" in name for name in strange)
