"""Options and types of values shared by several commands: feeds, days, numbers."""

import socket
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from math import isfinite
from typing import Any

import click

from gogobe_dagster import clock
from gogobe_dagster.errors import GogobeError, SettingsError
from gogobe_dagster.feeds.registry import FEEDS, Feed, find_feed, known_feed
from gogobe_dagster.settings import Settings

HOST = "127.0.0.1"


class FeedType(click.ParamType[Feed]):
    """Converts the key of a feed; the error for an unknown key suggests the most similar."""

    name = "feed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Feed:
        """Return the feed with this key."""
        if isinstance(value, Feed):
            return value
        try:
            return find_feed(str(value))
        except SettingsError as error:
            self.fail(str(error), param, ctx)


class Day(click.ParamType[date]):
    """Converts a calendar day in Israel: YYYY-MM-DD, today or yesterday."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the date."""
        if isinstance(value, date):
            return value
        today = clock.day_of(clock.now())
        names = {"today": today, "yesterday": today - timedelta(days=1)}
        try:
            day = names.get(value) or date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a valid day: use YYYY-MM-DD, today or yesterday", param, ctx)
        first = Settings.read().first_day
        if first and day < first:
            self.fail(f"{day} is before {first}, which GOGOBE_FIRST_DAY sets", param, ctx)
        if day > today:
            self.fail(f"{day} is after today, {today}", param, ctx)
        return day


class WholeNumber(click.IntRange):
    """A whole number within limits; errors name it as a number."""

    name = "number"


class FiniteNumber(click.FloatRange):
    """A number within limits; nan and inf are none."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class FeedCommand(click.Command):
    """A command with --feed; the error for a feed given as an argument explains the option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line."""
        feeds = [argument for argument in args if known_feed(argument)]
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if feeds and error.message.startswith("Got unexpected extra argument"):
                options = " ".join(f"--feed {feed}" for feed in feeds)
                raise click.UsageError(f"{error.message}; use {options}", ctx) from None
            raise


def feed_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option `--feed`, which may be repeated."""
    return click.option(
        "--feed",
        "feeds",
        type=FeedType(),
        multiple=True,
        help="Only this feed, such as rami_levy; may be repeated.",
    )(command)


port_option = click.option(
    "--port",
    default=3000,
    show_default=True,
    type=WholeNumber(1, 65535),
    help="Port of the web UI.",
)


def selected_feeds(feeds: Sequence[Feed]) -> Sequence[Feed]:
    """Return the selected feeds, or all feeds if none was selected."""
    return feeds or FEEDS


def check_port_is_free(port: int, host: str = HOST) -> None:
    """Raise `GogobeError` if nothing can listen on this port of an address or host name."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise GogobeError(
            f"port {port} of {host} cannot be used ({error.strerror}): choose another with --port"
        ) from None
