"""Roles on a server of one's own: who owns the warehouse, who loads it, who reads it.

An administrator's connection makes and repairs them; nothing else in the project uses one.
"""

from collections.abc import Iterator

import psycopg
from psycopg import sql

from gogobe_dagster.postgres.roles import LOADER, OWNER, READER, create_roles

_ROLES = "select rolname from pg_roles where rolname = any(%s)"
_OWNER = """
select datname, pg_get_userbyid(datdba) from pg_database where datname = current_database()
"""
_FOREIGN = """
with ours as (
    select 'table' as kind, c.oid::regclass::text as name, c.relowner as owner,
        'pg_class'::regclass as catalog, c.oid
    from pg_class as c
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
    union all
    select 'routine', p.oid::regprocedure::text, p.proowner, 'pg_proc'::regclass, p.oid
    from pg_proc as p where p.pronamespace = current_schema()::regnamespace
    union all
    select 'type', t.oid::regtype::text, t.typowner, 'pg_type'::regclass, t.oid
    from pg_type as t where t.typnamespace = current_schema()::regnamespace and t.typtype in ('e', 'd')
)
select kind, name from ours
where pg_get_userbyid(owner) <> %s and not exists (
    select from pg_depend as d
    where d.classid = ours.catalog and d.objid = ours.oid and d.deptype = 'e' -- it belongs to an extension
)
order by kind, name
"""


def repair_roles(connection: psycopg.Connection) -> list[str]:
    """Make the three roles, and the owner the owner of the database; return what was done. Idempotent."""
    known = {name for (name,) in connection.execute(_ROLES, [[OWNER, LOADER, READER]])}
    create_roles(connection)
    done = [f"role {role}: made" for role in (OWNER, LOADER, READER) if role not in known]
    return [*done, *_give_database(connection), *_give_objects(connection)]


def _give_database(connection: psycopg.Connection) -> Iterator[str]:
    row = connection.execute(_OWNER).fetchone()
    assert row is not None, "one is connected to a database"  # noqa: S101
    name, owner = row
    if owner != OWNER:
        _change(connection, "alter database {} owner to {}", name, OWNER)
        yield f"database {name}: owned by {OWNER}, no longer by {owner}"
    for role in (LOADER, READER):
        _change(connection, "grant connect, temporary on database {} to {}", name, role)
    schema = connection.execute("select current_schema()").fetchone()
    for role, privilege in ((OWNER, "usage, create"), (LOADER, "usage"), (READER, "usage")):
        _change(connection, f"grant {privilege} on schema {{}} to {{}}", schema[0] if schema else "", role)


def _give_objects(connection: psycopg.Connection) -> Iterator[str]:
    foreign = connection.execute(_FOREIGN, [OWNER]).fetchall()
    for kind, name in foreign:
        # the name is PostgreSQL's own text of it, with quotes where it needs them
        connection.execute(f"alter {kind} {name} owner to {OWNER}".encode())
    if foreign:
        yield f"{len(foreign)} tables, views, functions and types: owned by {OWNER}"


def _change(connection: psycopg.Connection, statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
