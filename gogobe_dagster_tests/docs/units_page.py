"""The tables of docs/units.md, from the table of units and the reasons."""

from gogobe_dagster.units.content import LIMITS
from gogobe_dagster.units.reasons import MEANINGS
from gogobe_dagster.units.table import UNITS
from gogobe_dagster_tests.docs.pages import DOCS, table, write

PAGE = DOCS / "units.md"


def parts() -> dict[str, str]:
    """Make the tables of units, of the smallest and largest contents, and of reasons."""
    units = [
        (unit.name, f"{unit.factor:f} {unit.base_unit}", ", ".join(f"`{word}`" for word in unit.spellings))
        for unit in UNITS
    ]
    limits = [(f"`{unit}`", f"{low:f}", f"{high:f}") for unit, (low, high) in LIMITS.items()]
    reasons = [(f"`{reason}`", meaning) for reason, meaning in MEANINGS.items()]
    return {
        "units": table({"unit": "---", "is": "--:", "spellings, without quotes": "---"}, units),
        "limits": table({"base unit": "---", "smallest": "--:", "largest": "--:"}, limits),
        "reasons": table({"reason": "---", "meaning": "---"}, reasons),
    }


if __name__ == "__main__":
    write(PAGE, parts())
