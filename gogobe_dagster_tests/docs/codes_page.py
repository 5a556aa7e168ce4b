"""The tables of docs/codes.md, from the enums of codes and notes."""

from gogobe_dagster.errors import Code, Fault, Trait
from gogobe_dagster.files.notes import Note
from gogobe_dagster_tests.docs.pages import DOCS, table, write

PAGE = DOCS / "codes.md"
COLUMNS = {"code": "---", "meaning": "---", "retry": "---", "what to do": "---"}


def parts() -> dict[str, str]:
    """Make a table of codes for each fault, and one of notes."""
    return {fault.value: _codes(fault) for fault in Fault} | {"notes": _notes()}


def _codes(fault: Fault) -> str:
    codes = sorted(code for code in Code if code.fault is fault)
    return table(COLUMNS, [(f"`{code}`", code.meaning, _retry(code), code.action) for code in codes])


def _notes() -> str:
    return table({"note": "---", "meaning": "---"}, [(f"`{note}`", note.meaning) for note in sorted(Note)])


def _retry(code: Code) -> str:
    """Say what the program does by itself."""
    if Trait.EXPECTED in code.traits:
        return "expected"
    said = ["yes" if code.retry else "no"]
    if Trait.OTHER_TRANSPORT in code.traits:
        said.append("FTP")
    return ", ".join(said)


if __name__ == "__main__":
    write(PAGE, parts())
