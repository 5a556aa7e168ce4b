"""The asset `feed_register`: the feeds that this project imports, and the disabled ones with the reason.

It is changed in its source files by a person and never materialized.
"""

import dagster as dg

from gogobe_dagster.defs.asset_metadata import OWNERS
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


@dg.definitions
def feed_register() -> dg.Definitions:
    """Define the asset."""
    spec = dg.AssetSpec(
        "feed_register",
        group_name="register",
        owners=OWNERS,
        kinds={"python"},
        description="All feeds of this version, and those that are disabled, which have no partitions: "
        "`gogobe_dagster/feeds`. The check of `official_register` compares it with gov.il.",
        metadata=register_metadata(),
    )
    return dg.Definitions(assets=[spec])


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
