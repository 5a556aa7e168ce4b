"""Tables fit the terminal by leaving out columns; codes, names and dates are never cut."""

from io import StringIO

import pytest
from rich.console import Console

from gogobe_dagster.commands.tables import Column, fitted_table

COLUMNS = (
    Column("code"),
    Column("long_name", wraps=True),
    Column("price", "right"),
    Column("unit_price", "right", is_optional=True),
    Column("manufacturer", is_optional=True),
)
ROW = ("7290000042640", "חלב תנובה 3% בקרטון עם פקק של ליטר אחד", "7.10", "7.10", "תנובה מרכז שיתופי")


def printed(width: int) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(fitted_table(console, "Prices", COLUMNS, [ROW]))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (120, "code long name price unit price manufacturer"),
        (60, "code long name price unit price"),
        (40, "code long name price"),
    ],
)
def test_optional_columns_go_from_the_last(width: int, shown: str) -> None:
    text = printed(width)
    lines = text.splitlines()

    headings = text[: text.index(ROW[0])].removeprefix("Prices")
    assert sorted(headings.split()) == sorted(shown.split())
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_codes_are_whole_and_names_wrap(width: int) -> None:
    text = printed(width)

    assert ROW[0] in text
    assert "…" not in text
    words = " ".join(text.split())
    assert all(word in words for word in ROW[1].split())
