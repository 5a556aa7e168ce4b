"""What the web UI shows of an asset beside its materializations: where it is kept, its code, its age.

The description, owners, kinds and columns are said where an asset is made; here is what follows from the
settings or is the same for all.
"""

import warnings
from collections.abc import Sequence
from datetime import timedelta

import dagster as dg
from sqlalchemy import make_url

from gogobe_dagster.postgres.server import warehouse_url
from gogobe_dagster.settings import Settings

TABLES = {"discovered": "file", "stores": "store", "prices": "price_current", "promotions": "promotion_store"}


def described(assets: Sequence[dg.AssetsDefinition], settings: Settings) -> Sequence[dg.AssetsDefinition]:
    """Add where each asset is kept, links to its code, and how old the tables may become."""

    def describe(spec: dg.AssetSpec) -> dg.AssetSpec:
        name = spec.key.to_user_string()
        with_place = spec.merge_attributes(metadata=_place(name, settings))
        if spec.group_name != "warehouse":
            return with_place
        # of the table as a whole; how old each feed is says the check `fresh`
        oldest = timedelta(hours=settings.fresh_hours)
        policy = dg.FreshnessPolicy.time_window(fail_window=oldest, warn_window=oldest / 2)
        return with_place.replace_attributes(freshness_policy=policy)

    found = dg.map_asset_specs(describe, list(assets))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # it would greet every process that loads us
        linked = dg.with_source_code_references(found)
    return [one for one in linked if isinstance(one, dg.AssetsDefinition)]


def _place(name: str, settings: Settings) -> dict[str, str]:
    folders = {"downloaded": settings.raw_store_url, "parsed": settings.lake_url}
    if name in folders:
        return {"dagster/uri": folders[name]}
    if name not in TABLES:
        return {}
    return {"dagster/uri": _without_secrets(settings), "dagster/table_name": f"public.{TABLES[name]}"}


def _without_secrets(settings: Settings) -> str:
    """Return where the warehouse is, without who logs in there: everybody may see it who sees the web UI."""
    url = make_url(warehouse_url(settings))
    port = f":{url.port}" if url.port else ""
    socket = f"?host={url.query['host']}" if "host" in url.query else ""
    return f"postgresql://{url.host or ''}{port}/{url.database}{socket}"
