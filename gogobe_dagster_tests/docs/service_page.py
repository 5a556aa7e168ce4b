"""The table of codes in docs/service.md, from the codes themselves."""

from gogobe_dagster.questions.answer_code import AnswerCode
from gogobe_dagster_tests.docs.pages import DOCS, table, write

PAGE = DOCS / "service.md"


def parts() -> dict[str, str]:
    """Make the table of codes."""
    rows = [(f"`{code.value}`", str(code.status.value), code.meaning) for code in AnswerCode]
    return {"answer_codes": table({"code": "---", "status": "---", "meaning": "---"}, rows)}


if __name__ == "__main__":
    write(PAGE, parts())
