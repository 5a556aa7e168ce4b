"""Keys under which different spellings of one place name meet. Knows letters, and no place.

`clean` changes nothing a reader would notice. `fold` removes what people write in two ways: quotes,
hyphens, spaces, doubled yod and vav. `skeleton` removes vowel letters as well (ktiv male and haser).
The English keys do the same for transliterations: Petah Tikva and Petah Tiqwa have one key.
"""

import re
import unicodedata
from functools import lru_cache

HEBREW_POINTS = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]")
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
DOUBLE_QUOTES = re.compile("[\u05f4\u201c\u201d\u201e\u201f]|''|``|’’|׳׳")
SINGLE_QUOTES = re.compile("[\u05f3\u2018\u2019\u201a\u201b`\u00b4]")
HYPHENS = re.compile("[\u05be\u2010-\u2015\u2212]")
SPACES = re.compile(r"\s+")
NOT_WORD = re.compile(r"[\W_]+")
FINAL_LETTERS = str.maketrans("ךםןףץ", "כמנפצ")
WITHOUT_QUOTES = str.maketrans("", "", "\"'")
VOWEL_LETTERS = str.maketrans("", "", "אוי")
PARENTHESES = re.compile(r"\(.*?(?:\)|$)")
LATIN = re.compile(r"[a-z]", re.IGNORECASE)
SHORTEST_SKELETON = 5
"""Shorter skeletons mean too many things: ערבה and עראבה have the same."""

TRANSLITERATIONS = (
    ("tz", "z"), ("ts", "z"), ("ch", "h"), ("kh", "h"), ("ph", "f"), ("ck", "k"), ("q", "k"), ("c", "k"),
    ("w", "v"), ("y", "i"), ("j", "g"), ("oo", "u"), ("ee", "i"), ("ei", "e"), ("ai", "a"),
)  # fmt: skip
"""Letters for which transliterations differ, and the one that stands for them. The order matters."""


@lru_cache(maxsize=65_536)
def clean(text: str) -> str:
    """Use one kind of quote, hyphen and space; drop vowel points and direction marks."""
    text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = HYPHENS.sub("-", HEBREW_POINTS.sub("", text))
    text = SINGLE_QUOTES.sub("'", DOUBLE_QUOTES.sub('"', text))
    return SPACES.sub(" ", text).strip()


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Return the key of a Hebrew spelling: letters and digits, in their plain forms.

    Letters are doubled inside a word only: בן יהודה is not בני יהודה.
    """
    words = NOT_WORD.split(clean(text).translate(WITHOUT_QUOTES))
    plain = (word.translate(FINAL_LETTERS).replace("יי", "י").replace("וו", "ו") for word in words)
    return "".join(plain)


def skeleton(folded: str) -> str:
    """Return the key without vowel letters; empty where too little is left to know a place by."""
    bones = folded[:1] + folded[1:].translate(VOWEL_LETTERS)
    return bones if len(bones) >= SHORTEST_SKELETON else ""


def fold_english(text: str) -> str:
    """Return the key of a name in Latin letters; empty where there are none."""
    if not LATIN.search(text):
        return ""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower().replace("'", "")
    letters = "".join(map(_fold_english_word, NOT_WORD.split(plain)))
    return re.sub(r"(.)\1+", r"\1", letters)


def _fold_english_word(word: str) -> str:
    for written, meant in TRANSLITERATIONS:
        word = word.replace(written, meant)
    return re.sub("(?<=[aeiou])h$", "", word)


def skeleton_english(folded: str) -> str:
    """Return the consonants of an English key; empty where they are few."""
    bones = folded[:1] + re.sub("[aeiou]", "", folded[1:])
    return bones if len(bones) >= SHORTEST_SKELETON else ""


def without_parentheses(text: str) -> str:
    """Drop what stands in parentheses, also where they are not closed."""
    return clean(PARENTHESES.sub(" ", text))
