"""Words of addresses and store names that are no place, or say what the next word is."""

import re

from gogobe_dagster.localities.spelling import fold


def _list(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


STREETS = frozenset(
    _list(
        "רחוב, רח, שד, שדרות, שדרת, דרך, סמטת, סימטת, סמ, ככר, כיכר, משעול, שביל, פינת, פינה, מול, ליד, "
        "לכיוון, כיוון, בין, מבוא, מעלה, עמק, נחל, הר, שכונת, בית"
    )
)
"""Words after which a name is a street, or a place nearby."""
JUNCTIONS = frozenset(_list("צומת, מחלף"))
ROAD = "כביש"
WAYS = JUNCTIONS | {ROAD} | frozenset(_list("ציר, מסעף, תחנת"))
"""Words that make a text speak of a way between places."""
VILLAGE_WORDS = frozenset(_list("קיבוץ, קיבות, קבוצת, מושב, מושבה, מושבת, ישוב, יישוב"))
"""Words in front of a village's name."""
TOWN_WORDS = frozenset(_list("העיר, עיר, עיריית, כפר, הכפר"))
"""Words in front of a town's name; כפר also where the name has it not."""
COMMON_WORDS = frozenset(
    map(
        fold,
        _list(
            "אזור, עומר, אפרת, אריאל, שלומי, זמר, ג'ת, טירה, בענה, ראמה, שעב, נחף, חורה, שוהם, מיתר, ירכא, "
            "ריינה, לקיה, עראבה, עילוט, כאבול, שדרות, אלעד"
        ),
    )
)
"""Names of towns that are first names, streets or everyday words too; they count only as a whole text."""
PLACEHOLDERS = frozenset(
    map(fold, _list("לא ידוע, לא רלוונטי, אין, ללא, כללי, אחר, null, NULL, none, unknown"))
)
"""What chains write where they say nothing."""

_STORE_WORDS = _list(
    "סופר פארם, סופר-פארם, מחסני השוק, מחסני מזון, רמי לוי בשכונה, רמי לוי, ר.בשכונה, היפר דודו, פרשמרקט, "
    "פרש מרקט, טיב טעם, מגה בעיר, עדן במגה, עדן טבע מרקט, יש חסד, גוד מרקט, טופ מרקט, שירה מרקט, שוק העיר, "
    "אושר עד, קינג סטור, נתיב החסד, סופר חסד, סופר אלונית, מיני סופר, ויקטורי, פוליצר, שופרסל, קרפור, "
    "יוחננוף, מתחם פז, פיק אפ, פיקאפ, איסוף עצמי, און ליין, אונליין, אתר אינטרנט, am-pm, am- pm, ampm, "
    "to go, togo, universe, express, you, be, bar, nh, אקספרס, יוניברס, אקסטרה, קולינריק, אלונית, ברכל, "
    'במגה, בסיטי, דוכאן, דוכן, דיל, שלי, יש, עדן, מגה, מב., ש., כ-חנ, מרקט, סופר, ליקוט, זכיין, מסעדה, ממ"ר, '
    "חנות, סניף, c, d, w"
)
_STORE_WORD = re.compile(
    r"(?<![\w\"'])(?:"
    + "|".join(re.escape(word) for word in sorted(_STORE_WORDS, key=len, reverse=True))
    + r")(?![\w\"'])",
    re.IGNORECASE,
)
_RUNNING_NUMBER = re.compile(r"^\s*\d+\b")
_EDGES = " -*@.,/"


def without_store_words(name: str) -> str:
    """Return what remains of a store name when chain, format and running number are gone."""
    rest = _RUNNING_NUMBER.sub(" ", _STORE_WORD.sub(" ", name.strip(_EDGES)))
    return " ".join(rest.split()).strip(_EDGES)
