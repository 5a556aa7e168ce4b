"""`gogobe down`: stop the embedded servers that other commands left running. Everything else stops itself."""

from dataclasses import replace

import click

from gogobe_dagster.postgres.server import embedded_server, uses_other_server
from gogobe_dagster.settings import Settings


@click.command()
def down() -> None:
    """Stop the embedded PostgreSQL, the demo's as well.

    `gogobe env`, `import`, `scan` and `status` start it and leave it running, so that the next command
    is quick. Nothing is lost: whatever needs it starts it again. A `gogobe up` that is at work would
    lose its database; end that with Ctrl-C, which stops the server too.

    The servers are those in the folder GOGOBE_HOME (.gogobe unless set) and in the folder demo inside it.
    A server of your own, named by GOGOBE_DATABASE_URL or GOGOBE_DAGSTER_DATABASE_URL, is never stopped.
    """
    settings = Settings.read()
    if uses_other_server(settings):
        click.echo("Your settings name a PostgreSQL of your own; only embedded servers are stopped here.")
    server = embedded_server(settings)
    demo = replace(server, folder=settings.folder / "demo" / server.folder.name)
    ran = [one for one in (server, demo) if one.stop()]
    for one in ran:
        click.echo(f"Stopped the embedded PostgreSQL in {one.folder}.")
    if not ran:
        click.echo(f"No embedded PostgreSQL was running in {settings.folder}.")
