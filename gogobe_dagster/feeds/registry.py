"""All feeds, and finding a feed by its key.

A feed is a portal account that publishes; its key is the unit of partitioning. Two feeds can share a
chain id and one feed can have several, so nothing is keyed by chain id.
"""

from difflib import get_close_matches

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.feeds.bina_feeds import BINA
from gogobe_dagster.feeds.cerberus_feeds import CERBERUS
from gogobe_dagster.feeds.disabled_feeds import DISABLED
from gogobe_dagster.feeds.model import DisabledFeed, Family, Feed
from gogobe_dagster.feeds.other_feeds import LARGEST, OTHERS

__all__ = ["DISABLED", "FEEDS", "DisabledFeed", "Family", "Feed", "find_feed", "known_feed"]

FEEDS: tuple[Feed, ...] = (*LARGEST, *CERBERUS, *BINA, *OTHERS)


def find_feed(key: str) -> Feed:
    """Return the feed with this key.

    Raises `SettingsError` with the reason if it is disabled, with the most similar key, or with all keys.
    """
    known = {feed.key: feed for feed in FEEDS}
    if key in known:
        return known[key]
    for disabled in DISABLED:
        if disabled.key == key:
            raise SettingsError(f"the feed {key!r} is disabled: {disabled.reason}")
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
    raise SettingsError(f"there is no feed {key!r}: {hint}")


def known_feed(key: str) -> Feed | None:
    """Return the feed, or None: the ledger keeps feeds that were removed from the register."""
    return next((feed for feed in FEEDS if feed.key == key), None)
