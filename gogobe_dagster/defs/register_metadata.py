"""The register of feeds as metadata of the asset `discovered`: all feeds, and the disabled ones."""

import dagster as dg

from gogobe_dagster.defs.metadata_tables import metadata_table, table_schema
from gogobe_dagster.feeds.registry import DISABLED, FEEDS

FEED_COLUMNS = table_schema(
    {
        "feed": "Key of the feed",
        "chain": "Name of the chain, in English and Hebrew",
        "portal": "Portal family",
        "stores": "Stores counted when the register was made",
        "note": "What is special about the feed",
    },
    integers=["stores"],
)
DISABLED_COLUMNS = table_schema(
    {
        "feed": "Key of the feed",
        "chain": "Name of the chain, in English and Hebrew",
        "former portal": "Where its files were published",
        "reason": "Why it is not imported",
    }
)


def register_metadata() -> dict[str, dg.TableMetadataValue]:
    """Show the feeds, and the disabled ones, which have no partitions and would be missing otherwise."""
    feeds = [
        {
            "feed": feed.key,
            "chain": f"{feed.name} {feed.hebrew_name}",
            "portal": feed.family.value,
            "stores": feed.stores,
            "note": feed.note,
        }
        for feed in FEEDS
    ]
    disabled = [
        {
            "feed": feed.key,
            "chain": f"{feed.name} {feed.hebrew_name}",
            "former portal": feed.former_address,
            "reason": feed.reason,
        }
        for feed in DISABLED
    ]
    return {
        "feeds": metadata_table(FEED_COLUMNS, feeds),
        "disabled feeds": metadata_table(DISABLED_COLUMNS, disabled),
    }
