"""Words in names of products that make a size mean something else than content."""

from typing import Final

CAPACITY: Final = (
    *("כוס", "כוסות", "קערה", "קערות", "קערית", "קעריות", "סיר", "סירים", "סוטאז", "מחבת", "תבנית", "תבניות"),
    *("קנקן", "תרמוס", "ספל", "ספלים", "מאג", "שקיות", "מקרר", "כד", "אשפה", "אשפתון", "לאשפה"),
    *("קומקום", "צידנית", "עציץ", "אדנית", "קלחת", "שייקר", "בלנדר", "מיקרוגל", "טוסטר", "תנור", "גיגית"),
    *("האכלה", "קוליק", "בקבוק", "בקבוקי", "סוטז", "קראף", "סווינג", "אחסון", "איחסון"),
    *("מאזניים", "משקולת", "משקולות", "נירוסטה", "פלסטיק", "זכוכית", "מכסה", "תרמי", "מזוודה", "כיסא"),
)
"""Vessels and appliances, and what they are made of: their litres are what they hold."""
WEARERS: Final = (
    *("חיתול", "חיתולי", "חיתולים", "האגיס", "טיטולים", "פמפרס", "תחתונים", "תחתוני", "תחתון", "עד"),
    *("בייביסיטר", "מידה"),
)
"""What is sold by the weight of who wears it."""
FIRST: Final = (
    *("פח", "סל", "דלי", "מג", "קופסה", "קופסא", "קופסת", "קופסאות", "צנצנת", "כלי", "מגש", "מיכל", "מתקן"),
)
"""Vessels where they begin a name; later in it they are what the product is sold in."""
ROLLS: Final = ("טואלט", "נייר", "מגבות", "מגבת")
"""Paper, where the letter ג is short for rolls as well as for grams."""
SHADED: Final = (
    *(
        "שפתון",
        "שפתיים",
        "לק",
        "פודרה",
        "מייק",
        "איפור",
        "מסקרה",
        "סומק",
        "צללית",
        "צלליות",
        "גוון",
        "קונסילר",
    ),
    *("עיפרון", "עפרון", "אינק", "פאלטה", "צבע", "גלוס", "STAY"),
)
"""Cosmetics, where a number before "pieces" is that of a shade."""
PACKS: Final = ("מארז", "מאגדת", "סט", "ערכת", "ערכה")
"""Several products together: a size is that of all or of one, and a name does not say which."""
COUNTED_PACKS: Final = (
    *("זוג", "זוגות", "צמד", "שלישיה", "שלישייה", "שלישיית", "שלישיות", "רביעיה", "רביעייה", "רביעיית"),
    *("רביעית", "רביעיות", "חמישיה", "חמישייה", "חמישיית", "שישיה", "שישייה", "שישיית", "שישיות", "תריסר"),
    *("שמיניה", "שמינייה", "שמיניית", "עשיריה", "עשירייה", "עשיריית"),
)
"""Packs named for their number: so many pieces may be in each."""
