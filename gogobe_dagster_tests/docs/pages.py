"""Pages of docs/ that are written by hand around generated parts.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`. Each module `<page>_page` has the path of
its page and a function that makes its parts; run as a program, the module brings the page up to date.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: Path, parts: Mapping[str, str]) -> str:
    """Return the text of a page with its parts made again. Raises `ValueError` if it has other parts."""
    text = page.read_text(encoding="utf-8")
    marked = [mark[2] for mark in PART.finditer(text)]
    if sorted(marked) != sorted(parts):
        missing, extra = sorted(set(parts) - set(marked)), sorted(set(marked) - set(parts))
        marks = "<!-- generated: NAME --> and <!-- end -->"
        raise ValueError(f"docs/{page.name}: write {marks} for {missing}, remove those for {extra}")
    return PART.sub(lambda mark: f"{mark[1]}\n{parts[mark[2]]}\n{mark[3]}", text)


def write(page: Path, parts: Mapping[str, str]) -> None:
    """Bring a page up to date."""
    page.write_text(filled(page, parts), encoding="utf-8")


def table(columns: Mapping[str, str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table in Markdown; `columns` are headings, each with its rule, such as `---` or `--:`."""
    lines = [list(columns), list(columns.values()), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
