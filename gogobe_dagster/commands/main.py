"""The command group `gogobe`. Expected errors are printed without a traceback; the exit code is 1."""

import importlib
import sys
from difflib import get_close_matches
from typing import Any

import click
from sqlalchemy.exc import OperationalError

from gogobe_dagster.errors import GogobeError

COMMANDS = {
    "demo": ("gogobe_dagster.commands.demo", "demo"),
    "up": ("gogobe_dagster.commands.up", "up"),
    "down": ("gogobe_dagster.commands.down", "down"),
    "import": ("gogobe_dagster.commands.import_feeds", "import_feeds"),
    "backfill": ("gogobe_dagster.commands.backfill", "backfill"),
    "scan": ("gogobe_dagster.commands.scan", "scan"),
    "status": ("gogobe_dagster.commands.status", "status"),
    "doctor": ("gogobe_dagster.commands.doctor", "doctor_command"),
    "retry": ("gogobe_dagster.commands.retry", "retry"),
    "register": ("gogobe_dagster.commands.register", "register"),
    "places": ("gogobe_dagster.commands.places", "places"),
    "read": ("gogobe_dagster.commands.read", "read"),
    "export": ("gogobe_dagster.commands.export", "export_command"),
    "rebuild": ("gogobe_dagster.commands.rebuild", "rebuild"),
    "retain": ("gogobe_dagster.commands.retain", "retain_command"),
    "backup": ("gogobe_dagster.commands.backup", "backup_command"),
    "restore": ("gogobe_dagster.commands.restore", "restore_command"),
    "roles": ("gogobe_dagster.commands.roles", "roles"),
    "replica": ("gogobe_dagster.commands.replica", "replica"),
    "env": ("gogobe_dagster.commands.env", "env_command"),
}


class LazyGroup(click.Group):
    """Imports the module of a command only when it is used, so that commands start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order in which new users need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command by its name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, suggest the most similar."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := get_close_matches(args[0], COMMANDS, n=1):
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Warn about variables that look like settings but are not, then run the command."""
        from gogobe_dagster.settings import unknown_variables

        for name, near in unknown_variables().items():
            hint = f"; did you mean {near}?" if near else "; docs/settings.md lists them"
            click.secho(f"{name} is not a setting{hint}", fg="yellow", err=True)
        return super().invoke(ctx)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Print expected errors as a message; other exceptions are bugs and have a traceback."""
        try:
            return super().main(*args, **kwargs)
        except GogobeError as error:
            _print_error(str(error))
        except OperationalError as error:
            _print_error(f"the database connection was lost: {error.orig}")
        sys.exit(1)


def _print_error(message: str) -> None:
    click.secho("gogobe: ", fg="red", nl=False, err=True)
    click.echo(message, err=True)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gogobe-dagster")
def gogobe() -> None:
    """Import Israel's published supermarket prices into PostgreSQL.

    Try `gogobe demo` first: it needs no network and no other programs. `gogobe up` starts the web UI with
    the real portals. Settings are environment variables named GOGOBE_...; docs/settings.md lists them.
    """
