"""`gogobe env`: print what a shell needs before `dagster`, `dg` and `psql` work."""

import json
import shlex

import click

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.environment import process_environment
from gogobe_dagster.settings import Settings


@click.command("env")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of shell.")
@click.option("--no-start", is_flag=True, help="Do not start the embedded PostgreSQL, only print.")
def env_command(*, as_json: bool, no_start: bool) -> None:
    """Print the variables for dagster, dg and psql: eval "$(gogobe env)".

    Starts the embedded PostgreSQL if that is used and not running, and makes its tables, so that every
    command works right away; --no-start only prints. `gogobe down` stops it.
    """
    settings = Settings.read()
    if not no_start:
        open_warehouse(settings).close()
    environment = process_environment(settings)
    if as_json:
        click.echo(json.dumps(environment, indent=2))
        return
    for name, value in environment.items():
        click.echo(f"export {name}={shlex.quote(value)}")
