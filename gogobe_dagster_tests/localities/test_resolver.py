"""What published words mean: spellings, abbreviations, former names, and what must not become a town."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.localities.index import How, Reason
from gogobe_dagster.localities.resolver import Resolution, resolve_place, resolve_store
from gogobe_dagster.localities.table import localities


def code_of(resolution: Resolution) -> int | None:
    return resolution.locality.code if resolution.locality else None


@pytest.mark.parametrize(
    ("text", "code", "how"),
    [
        ("5000", 5000, How.CODE),
        (" 5000 ", 5000, How.CODE),
        ("0070", 70, How.CODE),
        ("ירושלים", 3000, How.NAME),
        ("תל אביב - יפו", 5000, How.SPELLING),
        ("תל־אביב", 5000, How.ALIAS),
        ("תלאביב", 5000, How.ALIAS),
        ('ת"א', 5000, How.ALIAS),
        ("ת״א", 5000, How.ALIAS),
        ("ת``א", 5000, How.ALIAS),
        ('ראשל"צ', 8300, How.ALIAS),
        ("ראשלצ", 8300, How.ALIAS),
        ('פ"ת', 7900, How.ALIAS),
        ('ב"ש', 9000, How.ALIAS),
        ("י-ם", 3000, How.ALIAS),
        ("באר-שבע", 9000, How.SPELLING),
        ("קרית אתא", 6800, How.SPELLING),
        ("קריתמוצקין", 8200, How.SPELLING),
        ("ק. שמונה", 2800, How.SPELLING),
        ("פתח-תקוה", 7900, How.SPELLING),
        ("נהריה", 9100, How.SPELLING),
        ("באר יעקוב", 2530, How.ALIAS),
        ("אום אל פאחם", 2710, How.ALIAS),
        ("סכנין", 7500, How.ALIAS),
        ("טייבה", 2730, How.NAME),
        ("מושב נהלל", 80, How.SPELLING),
        ("קיבוץ בית זרע", 143, How.SPELLING),
        ("קיבוץ סגולה", 2046, How.SPELLING),
        ("כפר ירכא", 502, How.SPELLING),
        ("נצרת עילית", 1061, How.FORMER_NAME),
        ("חלמיש", 3573, How.FORMER_NAME),
        ("מודיעין", 1200, How.PART),
        ("רעות", 1200, How.PART),
        ("יפו", 5000, How.PART),
        ("כרכור", 7800, How.PART),
        ("קדימה", 195, How.PART),
        ("קרית חיים", 4000, How.NEIGHBOURHOOD),
        ("הרצליה פיתוח", 6400, How.NEIGHBOURHOOD),
        ("קרית ספר", 3797, How.NEIGHBOURHOOD),
        ("כפר סבא צפון", 6900, How.CONTAINED),
        ("נצרת עילית -  נוף הגליל", 1061, How.CONTAINED),
        ("Tel-Aviv", 5000, How.ALIAS),
        ("Kiryat Motzkin", 8200, How.ENGLISH_NAME),
        ("Qiryat Motzkin", 8200, How.ENGLISH_NAME),
        ("RA'ANANA", 8700, How.ENGLISH_NAME),
        ("Beit Shemesh", 2610, How.ALIAS),
        ("Jaffa", 5000, How.PART),
    ],
)
def test_a_published_city_is_found(text: str, code: int, how: How) -> None:
    resolution = resolve_place(text)

    assert (code_of(resolution), resolution.how, resolution.reason) == (code, how, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, Reason.EMPTY),
        ("", Reason.EMPTY),
        ("  ", Reason.EMPTY),
        ("-", Reason.EMPTY),
        ("0", Reason.EMPTY),
        ("לא ידוע", Reason.EMPTY),
        ("NULL", Reason.EMPTY),
        ("4", Reason.UNKNOWN_CODE),
        ("6", Reason.UNKNOWN_CODE),
        ("99999", Reason.UNKNOWN_CODE),
        ("7290027600007", Reason.UNKNOWN_CODE),
        ("אינטרנט", Reason.NOT_A_LOCALITY),
        ("רחוב ירושלים", Reason.NOT_A_LOCALITY),
        ("שדרות ירושלים", Reason.NOT_A_LOCALITY),
        ("ירושלים 13", Reason.NOT_A_LOCALITY),
        ("כביש עכו צפת", Reason.NOT_A_LOCALITY),
        ('צומת ביל"ו', Reason.NOT_A_LOCALITY),
        ("גוש עציון", Reason.NOT_A_LOCALITY),
        ("אזור תעשיה", Reason.NOT_A_LOCALITY),
        ("London", Reason.NOT_A_LOCALITY),
        ("דגניה", Reason.AMBIGUOUS),
        ("אשדות יעקב", Reason.AMBIGUOUS),
        ("גבעת חיים", Reason.AMBIGUOUS),
        ("רמות", Reason.AMBIGUOUS),
        ("נווה שאנן", Reason.AMBIGUOUS),
        ("רמת גן/ גבעתיים", Reason.AMBIGUOUS),
    ],
)
def test_what_is_no_locality_has_none_and_the_reason(text: str | None, reason: Reason) -> None:
    resolution = resolve_place(text)

    assert (resolution.locality, resolution.how, resolution.reason) == (None, None, reason)


def test_an_ambiguous_spelling_names_what_it_may_mean() -> None:
    assert [place.code for place in resolve_place("דגניה").candidates] == [62, 79]


CHAINS = (
    "שופרסל", "רמי לוי", "ויקטורי", "מגה", "יינות ביתן", "קרפור", "יוחננוף", "חצי חינם", "אושר עד", "טיב טעם",
    "קשת טעמים", "סופר-פארם", "מחסני השוק", "סופר יודה", "זול ובגדול", "שפע ברכת השם", "נתיב החסד",
    "פרש מרקט", "קינג סטור", "שוק העיר", "גוד פארם", "פוליצר", "סטופ מרקט", "סופר ספיר", "דור אלון", "פז",
    "יילו", "בר כל",
)  # fmt: skip


@pytest.mark.parametrize("name", [*CHAINS, *sorted({feed.name for feed in FEEDS})])
def test_no_chain_is_a_town(name: str) -> None:
    assert resolve_place(name).locality is None


@pytest.mark.parametrize(
    ("address", "store_name", "code", "how"),
    [
        ("היוצרים 15", "כרמיאל", 1139, How.FROM_STORE_NAME),
        ("נתניה", "", 7400, How.FROM_ADDRESS),
        ("הירדן 29, רמת גן", "", 8600, How.FROM_ADDRESS),
        ("רמים 104 כרמיאל", "מחסני מזון כרמיאל", 1139, How.FROM_ADDRESS),
        ("קיבוץ עינת ליד ראש העין", "עינת -ב מרכולית", 871, How.FROM_ADDRESS),
        ("ירושלים 13", "רעננה (ירושלים)", 8700, How.FROM_STORE_NAME),
        ("גאולים 46", "חולון (גאולים)", 6600, How.FROM_STORE_NAME),
        ("תל אביב 11", "קרית אליעזר", 4000, How.FROM_STORE_NAME),
        ("שדרות ירושלים פינת נופי חמד", "רמלה", 8500, How.FROM_STORE_NAME),
        ("", 'ת"א - אחד העם', 5000, How.FROM_STORE_NAME),
        ("", 'אקספרס ארבל כ"ס', 6900, How.FROM_STORE_NAME),
        ("", "ק.שמונה פיקאפ", 2800, How.FROM_STORE_NAME),
        ("", "02 עדן ראשל``צ*", 8300, How.FROM_STORE_NAME),
        ("", "BE רמלה נווה דורון", 8500, How.FROM_STORE_NAME),
        ("סגולה", "סגולה פתח תקווה", 7900, How.FROM_STORE_NAME),
        ("", "801 אבן שמואל TOGO - זכיין", 400, How.FROM_STORE_NAME),
    ],
)
def test_without_a_city_address_and_store_name_are_searched(
    address: str, store_name: str, code: int, how: How
) -> None:
    resolution = resolve_store("0", address, store_name)

    assert (code_of(resolution), resolution.how) == (code, how)


@pytest.mark.parametrize(
    ("address", "store_name"),
    [
        ("ירושלים 13", ""),
        ("29 ירושלים", ""),
        ("רחוב חיפה", "סניף חיפה 33"),
        ("דרך חברון 101", "יפו 212"),
        ("הרצל פינת ירושלים", ""),
        ("כביש עפולה-חדרה", ""),
        ("צומת מגידו", ""),
        ("דרך לוד 3", ""),
        ("אזור תעשיה", "אזור תעשיה"),
        ("אריאל שרון 4", "אריאל שרון"),
        ("בן יהודה 30", "Am-pm בן יהודה 30"),
        ("", "BE אור ים"),
        ("", "בית הפירות פת"),
        ("", "סניף מול שדרות"),
        ("", "אינטרנט"),
        ("https://www.ybitan.co.il/", "@ יהלומים ביתן"),
        ("", "רמות ב'"),
        ("", "סניף 4"),
        ("מרכז מסחרי", "יוחננוף ישן"),
        ("", "קולינריק חורב"),
    ],
)
def test_streets_and_other_names_are_no_town(address: str, store_name: str) -> None:
    assert resolve_store(None, address, store_name).locality is None


@pytest.mark.parametrize(
    ("city", "address", "store_name"),
    [
        ("תל אביב", "דרך יצחק רבין 53 גבעתיים", "סופר-פארם קניון גבעתיים"),
        ("ירושלים", "מרכז מסחרי", "בית שמש"),
        ("4000", "הכרמל 1", "אור עקיבא"),
        ("רמת גן", None, "אקספרס הוד השרון"),
        ("תלאביב-יפו", None, "אקספרס כפר נטר"),
        ("2600", "קיבוץ אילות אחרי המחסום ביציאה מאילת", "אילות"),
        ("9200", "כביש 71, צומת קיבוץ בית השיטה", "בית השיטה מיני סופר"),
        ("טבריה", "צומת צמח-עמק הירדן", "מתחם צמח"),
        (None, "חיפה", "אשדוד"),
    ],
)
def test_fields_that_name_two_localities_give_none(
    city: str | None, address: str | None, store_name: str
) -> None:
    resolution = resolve_store(city, address, store_name)

    assert (resolution.locality, resolution.reason) == (None, Reason.CONTRADICTORY)


@pytest.mark.parametrize(
    ("city", "address", "store_name", "code"),
    [
        ("רעננה", "ירושלים 13", "רעננה (ירושלים)", 8700),
        ("נתניה", "29 ירושלים", "מב. ירושלים נתניה", 7400),
        ("בת ים", "שדרות ירושלים 40", "אקספרס ירושלים", 6200),
        ("נצרת עילית", "עמל 1", "נצרת", 1061),
        ("5000", "בן יהודה 30", "Am-pm בן יהודה 30", 5000),
        ("מגדל העמק", "כפר החורש", "מגדל העמק", 874),
        ("1165", "א.ת שילת", "מודיעין חדש", 1165),
        ("ירושלים", "ההגנה 19", "גבעת שפירא", 3000),
        ("תל אביב", "27 דרך סלמה", "סלמה", 5000),
        ("קיבוץ דגניה", "קיבות דגניה", "דגניה א", 62),
    ],
)
def test_streets_and_quarters_do_not_take_the_city_away(
    city: str, address: str, store_name: str, code: int
) -> None:
    assert code_of(resolve_store(city, address, store_name)) == code


def test_a_town_and_a_village_in_all_fields_stay_ambiguous() -> None:
    resolution = resolve_store("אשקלון בת הדר", None, "אשקלון בת הדר")

    assert (resolution.locality, resolution.reason) == (None, Reason.AMBIGUOUS)


def test_a_place_outside_every_locality_is_not_moved_into_the_next_town() -> None:
    resolution = resolve_store("צומת בילו", "צומת בילו , רחובות", "סופר-פארם בילו סנטר")

    assert (resolution.locality, resolution.reason) == (None, Reason.NOT_A_LOCALITY)


@given(st.text(), st.text(), st.text())
def test_any_text_gives_a_locality_or_a_reason(city: str, address: str, store_name: str) -> None:
    resolution = resolve_store(city, address, store_name)

    assert (resolution.locality is None) == (resolution.reason is not None)
    assert (resolution.locality is None) == (resolution.how is None)


@given(st.sampled_from(sorted(localities())), st.sampled_from(["", "קיבוץ ", "  "]), st.sampled_from("- ־"))
def test_hyphens_and_spaces_change_nothing(code: int, before: str, hyphen: str) -> None:
    name = localities()[code].name
    written = before + name.replace(" ", hyphen)

    assert code_of(resolve_place(written)) in {code, None}


def test_the_resolver_starts_without_heavy_libraries() -> None:
    script = "import sys, gogobe_dagster.commands.places; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    assert {"polars", "pyarrow", "dagster", "sqlalchemy", "pandas"}.isdisjoint(loaded)
