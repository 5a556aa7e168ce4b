"""One feed of each portal family, for tests of what every family does."""

from typing import Final

from gogobe_dagster.feeds.registry import FEEDS, Family

FEED_OF_EACH_FAMILY: Final = [next(feed.key for feed in FEEDS if feed.family is family) for family in Family]
"""The first registered feed of each: a new family is covered without further work."""
