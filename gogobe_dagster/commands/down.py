"""`gogobe down`: stops the embedded servers that other commands left running."""

from dataclasses import replace

import click

from gogobe_dagster.postgres.server import embedded_server, uses_other_server
from gogobe_dagster.settings import Settings


@click.command()
def down() -> None:
    """Stop the embedded PostgreSQL, including that of the demo.

    Commands such as `gogobe env`, `import`, `scan` and `status` start it and leave it running, so that
    the next command starts faster. No data is lost. Do not use this while `gogobe up` is running, which
    would start the server again: stop that with Ctrl-C, which stops the server as well.

    The servers are in the folder GOGOBE_HOME (default .gogobe) and in its subfolder demo. Your own
    server, set by GOGOBE_DATABASE_URL or GOGOBE_DAGSTER_DATABASE_URL, is never stopped.
    """
    settings = Settings.read()
    if uses_other_server(settings):
        click.echo("Your settings use a PostgreSQL server of your own, which is not stopped.")
    server = embedded_server(settings)
    demo = replace(server, folder=settings.folder / "demo" / server.folder.name)
    stopped = [candidate for candidate in (server, demo) if candidate.stop()]
    for embedded in stopped:
        click.echo(f"Stopped the embedded PostgreSQL in {embedded.folder}.")
    if not stopped:
        click.echo(f"No embedded PostgreSQL was running in {settings.folder}.")
