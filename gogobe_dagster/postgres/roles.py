"""The roles of an embedded server, and the passwords with which two of them may use its TCP port.

The superuser sets the server up and is used for nothing else; it cannot come in by TCP. Through the socket,
whose folder only the server's account and root can enter, no password is asked for.
"""

import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

SUPERUSER: Final = "postgres"
OWNER: Final = "gogobe_owner"
"""Owns the databases; imports, maintenance and Dagster use it."""
LOADER: Final = "gogobe_loader"
"""May change the rows of the warehouse, and nothing else of it."""
READER: Final = "gogobe_reader"
"""May read the views for people, for a limited time per statement."""
DATABASES: Final = ("gogobe", "dagster")
HOST: Final = "127.0.0.1"

HBA: Final = f"""\
# Overwritten at every start.
local all all trust
host {",".join(DATABASES)} {OWNER} {HOST}/32 scram-sha-256
host {DATABASES[0]} {LOADER},{READER} {HOST}/32 scram-sha-256
"""
"""pg_hba.conf: the first line that fits decides, and who fits none is refused."""

_SETUP: Final = f"""
do $$ begin
    if not exists (select from pg_roles where rolname = '{OWNER}') then
        create role {OWNER} login;
        grant pg_stat_scan_tables, pg_read_all_stats to {OWNER};
    end if;
    if not exists (select from pg_roles where rolname = '{LOADER}') then
        create role {LOADER} login;
    end if;
    if not exists (select from pg_roles where rolname = '{READER}') then
        create role {READER} login connection limit 20;
        alter role {READER} set statement_timeout = '30s';
        alter role {READER} set default_transaction_read_only = on;
    end if;
end $$
"""  # noqa: S608 - names of ours


def create_roles(connection: psycopg.Connection) -> None:
    """Create missing roles, as the superuser. Idempotent."""
    connection.execute(_SETUP.encode())


def create_databases(connection: psycopg.Connection) -> list[str]:
    """Create missing databases and return their names; `connection` commits each statement."""
    existing = {name for (name,) in connection.execute("select datname from pg_database")}
    missing = [name for name in DATABASES if name not in existing]
    for name in missing:
        statement = sql.SQL("create database {} owner {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(OWNER)))
    return missing


def set_passwords(connection: psycopg.Connection, passfile: Path, port: int) -> None:
    """Give the roles that may use the TCP port passwords, and keep them in a libpq passfile. Idempotent.

    The passwords of an existing file stay. Only the current user can read it.
    """
    _set_passwords(connection, passfile, f"{HOST}:{port}", (OWNER, LOADER, READER))


def keep_passwords(connection: psycopg.Connection, passfile: Path, roles: Iterable[str]) -> None:
    """Do the same for some roles of another server, the one of the connection."""
    info = connection.info
    _set_passwords(connection, passfile, f"{info.host}:{info.port}", roles)


def _set_passwords(connection: psycopg.Connection, passfile: Path, server: str, roles: Iterable[str]) -> None:
    passwords = _known_passwords(passfile)
    lines = []
    for role in roles:
        password = passwords.get(role) or secrets.token_urlsafe(24)
        # the server gets the SCRAM verifier only, so the password is in no log of statements
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
        statement = sql.SQL("alter role {} password {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Literal(verifier.decode())))
        lines.append(f"{server}:*:{role}:{password}\n")
    _write_private(passfile, "".join(lines))


def _known_passwords(passfile: Path) -> dict[str, str]:
    with suppress(FileNotFoundError):
        return dict(
            re.findall(r"^[^:\n]*:[^:\n]*:[^:\n]*:(\w+):([\w-]+)$", passfile.read_text(), re.MULTILINE)
        )
    return {}


def _write_private(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
