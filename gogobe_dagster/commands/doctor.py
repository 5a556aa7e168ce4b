"""`gogobe doctor`: checks the installation, and says what to do."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.monitoring.doctor import Finding, Level, examine
from gogobe_dagster.printable import printable, without_secrets
from gogobe_dagster.settings import Settings

COLORS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}


@click.command("doctor")
@click.option("--portals", is_flag=True, help="Ask every portal for a page now: up to a minute or two.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per finding and line.")
def doctor_command(*, portals: bool, as_json: bool) -> None:
    """Check the installation and say what to do.

    Checks settings, disks, backups, server, clock, schema, locks, raw store and lake, quarantined files,
    places and portals. Starts the embedded PostgreSQL; changes nothing else. Each line is ok, warning or
    problem. Exit code 1 if there is a problem.
    """
    levels = set[Level]()
    for finding in _findings(ask_portals=portals):
        levels.add(finding.level)
        if as_json:
            click.echo(json.dumps(asdict(finding), ensure_ascii=False))
        else:
            _print(finding)
    if Level.PROBLEM in levels:
        raise SystemExit(1)


def _findings(*, ask_portals: bool) -> Iterator[Finding]:
    try:
        settings = Settings.read()
    except SettingsError as error:
        yield Finding(
            check="settings", level=Level.PROBLEM, text=str(error), action="docs/settings.md lists all"
        )
        return
    yield from examine(settings, ask_portals=ask_portals)


def _print(finding: Finding) -> None:
    click.secho(f"{finding.level:<8}", fg=COLORS[finding.level], nl=False)
    click.echo(f"{finding.check:<12}{printable(without_secrets(finding.text))}")
    if finding.action:
        click.echo(f"{'':<20}→ {printable(without_secrets(finding.action))}")
