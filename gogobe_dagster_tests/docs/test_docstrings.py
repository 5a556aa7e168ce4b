"""What docstrings name exists: modules in the lists of their packages, names between backticks anywhere."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "gogobe_dagster"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PACKAGES = sorted(source.parent for source in SOURCES if source.name == "__init__.py")
REVISIONS = PACKAGE / "warehouse" / "schema" / "migrations" / "versions"
NOT_OURS = {"delete_run", "dg", "dtDisplayLength", "Id", "load_from_defs_folder", "ls", "psql", "scaffold"}
NOT_OURS |= {"HHmm", "ss", "yyyyMMdd"}
"""Names of programs, protocols and libraries."""
FILE_NAME = re.compile("[A-Za-z]+[0-9]{13}")


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: str(folder.relative_to(PACKAGE.parent)))
def test_a_package_lists_what_is_in_it_and_nothing_else(folder: Path) -> None:
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    inside = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/*.py")
    }
    listed = {name for line in docstring.splitlines() for name in entries_of(line)}

    assert inside - {"__init__"} - names_in(docstring) == set() or folder == REVISIONS
    assert [name for name in listed if not list(folder.glob(f"{name}*"))] == []


def test_names_between_backticks_exist() -> None:
    texts = {source: prose_and_code(source) for source in SOURCES}
    known = known_names() | {name for _, code in texts.values() for name in names_in(code)}
    known |= {name.lower() for name in known}
    unknown = {str(source): quoted_in(prose) - known for source, (prose, _) in texts.items()}

    assert {source: names for source, names in unknown.items() if names} == {}


def quoted_in(prose: str) -> set[str]:
    """Return the names between backticks that look like ours: neither constants nor names of files."""
    quoted = names_in(" ".join(re.findall(r"`([^`]+)`", prose)))
    return {name for name in quoted if not name.isupper() and not FILE_NAME.match(name)}


def entries_of(line: str) -> list[str]:
    """Return the names that a line of a list explains: those before two spaces, or alone on the line."""
    entry = re.match(r"^ *((?:[a-z_0-9]+, )*[a-z_0-9]+)(?:  .*|,|:)?$", line)
    return entry[1].split(", ") if entry and ("  " in line.strip() or "_" in entry[1]) else []


def names_in(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_][A-Za-z_0-9]+", text))


def known_names() -> set[str]:
    """Return all names in paths, in SQL, in tests and in Dagster's configuration."""
    names = NOT_OURS | {name for source in SOURCES for name in names_in(str(source))}
    tests = Path(__file__).parents[1].glob("*/test_*.py")
    for other in (*PACKAGE.rglob("*.sql"), *tests, PACKAGE.parent / "dagster.yaml"):
        names |= names_in(other.read_text(encoding="utf-8"))
    return names


def prose_and_code(source: Path) -> tuple[str, str]:
    """Return comments and docstrings, also those of fields, and everything else."""
    text = source.read_text(encoding="utf-8")
    docstrings = {
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and is_text(node.value)
    }
    prose, code = list[str](), list[str]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_prose = token.type == tokenize.STRING and token.start[0] in docstrings
        (prose if is_prose or token.type == tokenize.COMMENT else code).append(token.string)
    return " ".join(prose), " ".join(code)


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
