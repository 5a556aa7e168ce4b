"""The command group `gogobe`. Expected errors are printed without a traceback; the exit code is 1."""

import importlib
import sys
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

import click

from gogobe_dagster.errors import GogobeError
from gogobe_dagster.printable import printable, without_secrets


class Entry(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    function: str
    summary: str
    """The first sentence of its help: the list is shown without importing every command."""


COMMANDS: Final = {
    "demo": Entry("demo", "demo", "Import one day of six feeds and show the results."),
    "up": Entry("up", "up", "Start PostgreSQL, the web UI and the daemon; Ctrl-C stops them."),
    "worker": Entry("worker", "worker", "Execute runs that `gogobe up` launches."),
    "down": Entry("down", "down", "Stop the embedded PostgreSQL, including that of the demo."),
    "import": Entry("import_feeds", "import_feeds", "Import feeds and days now, in this terminal."),
    "backfill": Entry("backfill", "backfill", "Queue import runs for feeds and days."),
    "scan": Entry("scan", "scan", "List the portals and show which files are new."),
    "status": Entry("status", "status", "Show the files of each feed by state."),
    "doctor": Entry("doctor", "doctor_command", "Check the installation and say what to do."),
    "retry": Entry("retry", "retry", "Put failed files back, so that the next run tries them again."),
    "register": Entry("register", "register", "Compare the register on gov.il with ours."),
    "places": Entry("places", "places", "Show which locality each SPELLING means."),
    "read": Entry("read", "read", "Read published files and show their rows."),
    "export": Entry("export", "export_command", "Export prices, promotions, stores, products or history."),
    "publish": Entry("publish", "publish_command", "Publish a dataset of Parquet files to FOLDER."),
    "serve": Entry("serve", "serve", "Serve prices over HTTP, read-only; Ctrl-C stops it."),
    "mcp": Entry("mcp", "mcp", "Offer prices as tools to language models (MCP)."),
    "rebuild": Entry("rebuild", "rebuild", "Rebuild tables from the lake."),
    "watch": Entry("watch", "watch", "Send an alert when the price of a product changes."),
    "matching": Entry("matching", "matching", "Decide which products are the same in several chains."),
    "statistics": Entry(
        "statistics", "statistics_command", "Bring daily statistics and the price index up to date."
    ),
    "retain": Entry("retain", "retain_command", "Delete data that is past its retention."),
    "backup": Entry(
        "backup", "backup_command", "Back up databases, downloaded files and the lake to FOLDER."
    ),
    "restore": Entry("restore", "restore_command", "Restore a backup from FOLDER into an empty home."),
    "roles": Entry("roles", "roles", "Make or repair the roles of the warehouse, and print what was done."),
    "replica": Entry("replica", "replica", "Run copies of the price portals on this machine."),
    "env": Entry("env", "env_command", "Print variables for dagster, dg and psql."),
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
        entry = COMMANDS[cmd_name]
        module = importlib.import_module(f"gogobe_dagster.commands.{entry.module}")
        command: click.Command = getattr(module, entry.function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

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
        except Exception as error:
            # without SQLAlchemy, whose import costs as much as a whole --help, no connection was lost
            libraries = sys.modules.get("sqlalchemy.exc")
            if libraries is None or not isinstance(error, libraries.OperationalError):
                raise
            _print_error(f"the database connection was lost: {error.orig}")
        sys.exit(1)


def _print_error(message: str) -> None:
    click.secho("gogobe: ", fg="red", nl=False, err=True)
    click.echo(printable(without_secrets(message)), err=True)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gogobe-dagster")
def gogobe() -> None:
    """Import Israel's published supermarket prices into PostgreSQL.

    Try `gogobe demo` first: it needs no network and no other programs. `gogobe up` starts the web UI with
    the real portals. Settings are environment variables named GOGOBE_...; docs/settings.md lists them.
    """
