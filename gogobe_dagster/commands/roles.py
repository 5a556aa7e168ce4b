"""`gogobe roles`: makes and repairs the database roles."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gogobe_dagster.errors import DatabaseUnavailable, SettingsError
from gogobe_dagster.settings import Settings

if TYPE_CHECKING:
    import psycopg


@click.command()
def roles() -> None:
    """Make or repair the roles of the warehouse, and print what was done.

    gogobe_owner owns the tables and changes them, gogobe_loader changes rows only, and gogobe_reader reads
    the views. On a server of your own, set GOGOBE_ADMIN_DATABASE_URL to the warehouse's database as a
    superuser, for this command only. Passwords of new roles are written to the file pgpass in GOGOBE_HOME;
    roles that have one keep it. Nothing is changed that is right already.
    """
    from gogobe_dagster.postgres.server import embedded_server, ensure_running, uses_embedded

    settings = Settings.read()
    if settings.admin_database_url:
        done = _repair(settings.admin_database_url, settings.folder / "pgpass")
    elif uses_embedded(settings):
        ensure_running(settings)
        done = _repair(embedded_server(settings).admin_url("gogobe"), None)
    else:
        raise SettingsError(
            "GOGOBE_ADMIN_DATABASE_URL is empty: only an administrator may make roles on a server of your own"
        )
    for line in done or ["Nothing to change: the roles are as they should be."]:
        click.echo(line)


def _repair(admin_url: str, passfile: Path | None) -> list[str]:
    """Repair roles and grants; give new roles passwords if there is a file to keep them in."""
    import psycopg

    from gogobe_dagster.postgres.ownership import repair_roles
    from gogobe_dagster.postgres.roles import OWNER, keep_passwords
    from gogobe_dagster.warehouse.schema.migrate import migrate

    try:
        with psycopg.connect(admin_url) as connection:
            done = repair_roles(connection)
            new = [line.split()[1].rstrip(":") for line in done if line.startswith("role ")]
            if passfile and new:
                keep_passwords(connection, passfile, new)
                done.append(f"passwords of {', '.join(new)}: in {passfile}")
            rights = _count_rights(connection)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"the administrator's database does not answer: {error}") from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseUnavailable(f"GOGOBE_ADMIN_DATABASE_URL may not make roles: {error}") from None
    migrate(admin_url, role=OWNER)
    with psycopg.connect(admin_url) as connection:
        new_rights = _count_rights(connection) - rights
    return [*done, f"rights on tables and views: {new_rights} granted"] if new_rights else done


def _count_rights(connection: "psycopg.Connection") -> int:
    from gogobe_dagster.postgres.roles import LOADER, READER

    query = "select count(*) from information_schema.role_table_grants where grantee = any(%s)"
    (count,) = connection.execute(query, [[LOADER, READER]]).fetchone() or (0,)
    return int(count)
