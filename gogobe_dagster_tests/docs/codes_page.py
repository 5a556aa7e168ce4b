"""The tables of docs/codes.md, from the enums of codes, notes and reject reasons."""

from gogobe_dagster.errors import Code, Fault, Trait
from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.reject import RejectReason
from gogobe_dagster_tests.docs.pages import DOCS, table, write

PAGE = DOCS / "codes.md"
COLUMNS = {"code": "---", "meaning": "---", "retry": "---", "what to do": "---"}


def parts() -> dict[str, str]:
    """Make a table of codes for each fault, one of notes, and one of reject reasons."""
    return {fault.value: _codes(fault) for fault in Fault} | {"notes": _notes(), "rejects": _reject_reasons()}


def _codes(fault: Fault) -> str:
    codes = sorted(code for code in Code if code.fault is fault)
    return table(COLUMNS, [(f"`{code}`", code.meaning, _retry(code), code.action) for code in codes])


def _notes() -> str:
    rows = [(f"`{note}`", note.meaning, "lxml" if note.is_reason_for_lxml else "") for note in sorted(Note)]
    return table({"note": "---", "meaning": "---", "reader": "---"}, rows)


def _reject_reasons() -> str:
    rows = [(f"`{reason}`", reason.meaning) for reason in sorted(RejectReason)]
    return table({"reason": "---", "meaning": "---"}, rows)


def _retry(code: Code) -> str:
    """Say what the program does by itself."""
    if Trait.EXPECTED in code.traits:
        return "expected"
    answers = ["yes" if code.retry else "no"]
    if Trait.OTHER_TRANSPORT in code.traits:
        answers.append("FTP")
    return ", ".join(answers)


if __name__ == "__main__":
    write(PAGE, parts())
