"""Metadata of asset definitions: where the data is stored, links to the code, freshness policies.

Descriptions, owners, kinds and columns are given where an asset is defined; this module adds what depends on
the settings or is the same for all assets.
"""

import warnings
from collections.abc import Sequence
from datetime import timedelta

import dagster as dg
from sqlalchemy import make_url

from gogobe_dagster.postgres.server import warehouse_url
from gogobe_dagster.settings import Settings

OWNERS = ["team:gogobe"]
TABLES = {"discovered": "file", "stores": "store", "prices": "price_current", "promotions": "promotion_store"}


def with_asset_metadata(
    assets: Sequence[dg.AssetsDefinition], settings: Settings
) -> Sequence[dg.AssetsDefinition]:
    """Add to each asset where it is stored, a link to its code and, for tables, a freshness policy."""

    def add_metadata(spec: dg.AssetSpec) -> dg.AssetSpec:
        stored = spec.merge_attributes(metadata=_storage_metadata(spec.key.to_user_string(), settings))
        if spec.group_name != "warehouse":
            return stored
        # for the table as a whole; the check `all_feeds_fresh` looks at each feed
        limit = timedelta(hours=settings.freshness_hours)
        policy = dg.FreshnessPolicy.time_window(fail_window=limit, warn_window=limit / 2)
        return stored.replace_attributes(freshness_policy=policy)

    described = dg.map_asset_specs(add_metadata, list(assets))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # every process that loads us would print it
        linked = dg.with_source_code_references(described)
    return [asset for asset in linked if isinstance(asset, dg.AssetsDefinition)]


def _storage_metadata(asset: str, settings: Settings) -> dict[str, str]:
    folders = {"downloaded": settings.raw_store_url, "parsed": settings.lake_url}
    if asset in folders:
        return {"dagster/uri": folders[asset]}
    if asset not in TABLES:
        return {}
    return {"dagster/uri": _public_url(settings), "dagster/table_name": f"public.{TABLES[asset]}"}


def _public_url(settings: Settings) -> str:
    """Return the warehouse's URL without user and password: everybody with access to the web UI sees it."""
    url = make_url(warehouse_url(settings))
    port = f":{url.port}" if url.port else ""
    socket = f"?host={url.query['host']}" if "host" in url.query else ""
    return f"postgresql://{url.host or ''}{port}/{url.database}{socket}"
