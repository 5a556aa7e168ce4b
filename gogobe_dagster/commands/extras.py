"""Tells what to install for a command that needs an extra."""

from importlib.util import find_spec

import click


def need_extra(extra: str, module: str) -> None:
    """Raise `UsageError` if the packages of an extra are not installed."""
    if find_spec(module) is None:
        raise click.UsageError(f"this needs the extra `{extra}`: pip install 'gogobe-dagster[{extra}]'")
