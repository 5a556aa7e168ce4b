"""The tables of columns in docs/data.md, from the comments in the database."""

from collections.abc import Mapping

import psycopg

from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.docs.pages import DOCS, table, write
from gogobe_dagster_tests.postgres.servers import temporary_server

PAGE = DOCS / "data.md"
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


def parts(columns: Columns) -> dict[str, str]:
    """Make a table of columns for each table and view."""
    return {
        relation: table(
            {"column": "---", "meaning": "---"}, [(f"`{name}`", text) for name, text in described]
        )
        for relation, described in columns.items()
    }


if __name__ == "__main__":
    with temporary_server() as server:
        migrate(server.url("gogobe"))
        write(PAGE, parts(columns_of(server.url("gogobe"))))
