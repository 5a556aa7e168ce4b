"""The register in the web UI, on the asset `discovered`: the feeds there are, and those that are disabled."""

from collections.abc import Mapping, Sequence

import dagster as dg

from gogobe_dagster.feeds.registry import DISABLED, FEEDS


def register_tables() -> dict[str, dg.TableMetadataValue]:
    """Make the metadata of an asset definition: a disabled feed is no partition, and is seen all the same."""
    feeds = [
        {
            "feed": feed.key,
            "chain": f"{feed.name} {feed.hebrew}",
            "portal": feed.family.value,
            "stores": feed.stores,
            "note": feed.note,
        }
        for feed in FEEDS
    ]
    disabled = [
        {"feed": feed.key, "chain": f"{feed.name} {feed.hebrew}", "was at": feed.was_at, "why": feed.reason}
        for feed in DISABLED
    ]
    return {"feeds": _table(feeds), "disabled feeds": _table(disabled)}


def _table(rows: Sequence[Mapping[str, str | int]]) -> dg.TableMetadataValue:
    columns = [dg.TableColumn(name, "int" if type(rows[0][name]) is int else "string") for name in rows[0]]
    return dg.TableMetadataValue([dg.TableRecord(dict(row)) for row in rows], dg.TableSchema(columns))
