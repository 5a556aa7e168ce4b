"""The columns in the page of data, from the comments in the database.

`python -m gogobe_dagster_tests.docs.data_page` writes them again; the text between them is written by hand.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import psycopg

from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.postgres.servers import temporary_server

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
MARK = re.compile(r"<!-- columns: (\w+) -->\n(\n\| column .*?\n(?=\n))?", re.DOTALL)
COLUMNS = """
select c.relname, a.attname, col_description(c.oid, a.attnum) from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
order by c.relname, a.attnum
"""
Columns = Mapping[str, list[tuple[str, str]]]


def columns_of(url: str) -> Columns:
    """Return the columns of every table and view with their comments."""
    found: dict[str, list[tuple[str, str]]] = {}
    with psycopg.connect(url) as connection:
        for relation, column, comment in connection.execute(COLUMNS):
            found.setdefault(relation, []).append((column, comment))
    return found


def filled(page: str, columns: Columns) -> str:
    """Return the page with the columns as they are; a relation that is not there gets none."""
    return MARK.sub(lambda mark: _table(mark[1], columns.get(mark[1], [])), page)


def _table(name: str, columns: list[tuple[str, str]]) -> str:
    rows = "".join(f"| `{column}` | {comment} |\n" for column, comment in columns)
    return f"<!-- columns: {name} -->\n\n| column | meaning |\n|---|---|\n{rows}"


if __name__ == "__main__":
    with temporary_server() as server:
        migrate(server.url("gogobe"))
        described = columns_of(server.url("gogobe"))
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), described), encoding="utf-8")
