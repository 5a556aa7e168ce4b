"""`gogobe env`: prints the environment variables that `dagster`, `dg` and `psql` need."""

import json
import shlex

import click

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.dagster_runtime.environment import environment_with_days, process_environment
from gogobe_dagster.settings import Settings


@click.command("env")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of shell commands.")
@click.option("--no-start", is_flag=True, help="Only print; do not start the embedded PostgreSQL.")
def env_command(*, as_json: bool, no_start: bool) -> None:
    """Print variables for dagster, dg and psql.

    Use it as eval "$(gogobe env)". Also starts the embedded PostgreSQL, if it is used, and creates its
    tables, unless --no-start is given. `gogobe down` stops it.
    """
    settings = Settings.read()
    if no_start:
        environment = process_environment(settings)
    else:
        open_warehouse(settings).close()
        environment = environment_with_days(settings)
    if as_json:
        click.echo(json.dumps(environment, indent=2))
        return
    for name, value in environment.items():
        click.echo(f"export {name}={shlex.quote(value)}")
