"""Runs commands in this process."""

from click.testing import CliRunner

from gogobe_dagster.commands.main import gogobe


def run_gogobe(*arguments: str, typed: str | None = None) -> tuple[int, str]:
    """Run `gogobe` with these arguments, on a terminal of 80 columns; return exit code and output."""
    result = CliRunner(env={"COLUMNS": "80"}).invoke(gogobe, list(arguments), input=typed)
    return result.exit_code, result.output
