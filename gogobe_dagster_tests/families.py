"""One feed of each portal family, for tests of what every family does; feeds of the recorded register."""

from typing import Final

from gogobe_dagster.feeds.registry import FEEDS, Family

FEED_OF_EACH_FAMILY: Final = [next(feed.key for feed in FEEDS if feed.family is family) for family in Family]
"""The first registered feed of each: a new family is covered without further work."""

NEWER_THAN_THE_RECORDED_REGISTER: Final[frozenset[str]] = frozenset()
"""Keys of feeds that the page of gov.il did not list when it was recorded, on 22 June 2026."""
RECORDED_FEEDS: Final = [feed for feed in FEEDS if feed.key not in NEWER_THAN_THE_RECORDED_REGISTER]
