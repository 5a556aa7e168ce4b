"""Options that several commands share: which feeds, which days."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import click

from gogobe_dagster import clock
from gogobe_dagster.errors import SettingsError
from gogobe_dagster.feeds.registry import FEEDS, Feed, find_feed, known_feed
from gogobe_dagster.settings import Settings


class FeedKey(click.ParamType[Feed]):
    """A feed by its key; a wrong one names the nearest."""

    name = "feed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Feed:
        """Find it."""
        if isinstance(value, Feed):
            return value
        try:
            return find_feed(str(value))
        except SettingsError as error:
            self.fail(str(error), param, ctx)


class Day(click.ParamType[date]):
    """A calendar day in Israel: YYYY-MM-DD, today or yesterday."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it."""
        if isinstance(value, date):
            return value
        today = clock.day_of(clock.now())
        words = {"today": today, "yesterday": today - timedelta(days=1)}
        try:
            day = words.get(value) or date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; say YYYY-MM-DD, today or yesterday", param, ctx)
        first = Settings.read().first_day
        if not first <= day <= today:
            self.fail(f"{day} is not between {first} (GOGOBE_FIRST_DAY) and today, {today}", param, ctx)
        return day


class OfFeeds(click.Command):
    """A command that takes feeds as options, and says so to who gives them without."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        given = [word for word in args if known_feed(word)]
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if given and error.message.startswith("Got unexpected extra argument"):
                options = " ".join(f"--feed {word}" for word in given)
                raise click.UsageError(f"{error.message}; say {options}", ctx) from None
            raise


def feed_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--feed`, as often as wanted."""
    return click.option(
        "--feed",
        "feeds",
        type=FeedKey(),
        multiple=True,
        help="Only this feed, such as rami_levy; may be repeated.",
    )(command)


def chosen(feeds: Sequence[Feed]) -> Sequence[Feed]:
    """Return the feeds chosen, or every feed if none was."""
    return feeds or FEEDS
