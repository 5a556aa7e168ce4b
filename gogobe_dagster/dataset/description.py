"""datapackage.json (https://datapackage.org) and README.md of a dataset, from the comments of columns."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.dataset.manifest import Manifest
from gogobe_dagster.dataset.tables import CHAIN, DAY, MONTH, TABLES, DatasetTable

NAME = "israel-supermarket-prices"
TITLE = "Prices of Israel's supermarkets"
SOURCE = (
    "Price files that chains publish under Israel's Promotion of Competition in the Food Sector Law, 2014"
)
FOLDERS = {
    DAY: "Day in Israel, in the name of the folder.",
    MONTH: "Month in which the period ended, in the name of the folder.",
    CHAIN: "Chain id, in the name of the folder; readers take it for a number.",
}
_TYPES = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_integer, "integer"),
    (pa.types.is_decimal, "number"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "datetime"),
)


def describe(manifest: Manifest, schemas: Mapping[DatasetTable, pa.Schema]) -> dict[str, str]:
    """Return the texts of the documents, by name."""
    package = json.dumps(_package(manifest, schemas), ensure_ascii=False, indent=1)
    return {"datapackage.json": package, "README.md": _readme(manifest, schemas)}


def _package(manifest: Manifest, schemas: Mapping[DatasetTable, pa.Schema]) -> dict[str, Any]:
    resources = [_resource(table, manifest, schemas[table]) for table in TABLES]
    return {
        "name": NAME,
        "title": TITLE,
        "created": manifest.made_at and manifest.made_at.isoformat(),
        "version": str(manifest.schema_version),
        "sources": [{"title": SOURCE}],
        "resources": [resource for resource in resources if resource["path"]],
    }


def _resource(table: DatasetTable, manifest: Manifest, schema: pa.Schema) -> dict[str, Any]:
    paths = [path for path, entry in manifest.files.items() if entry.table == table.name]
    return {
        "name": table.name.replace("_", "-"),
        "title": table.title,
        "path": paths,
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "schema": {"fields": [_field(table, column) for column in schema]},
    }


def _field(table: DatasetTable, column: pa.Field) -> dict[str, str]:
    type_ = next((name for fits, name in _TYPES if fits(column.type)), "string")
    return {"name": column.name, "type": type_, "description": table.meanings[column.name]}


def _readme(manifest: Manifest, schemas: Mapping[DatasetTable, pa.Schema]) -> str:
    return "\n".join([*_head(manifest), *_examples(), *_columns(schemas)])


def _head(manifest: Manifest) -> Iterator[str]:
    yield f"# {TITLE}\n"
    yield "What supermarkets in Israel charged, by product, store and day, with their promotions. Chains"
    yield "publish these data by law; nobody vouches for them, and the price at the till counts. Neither the"
    yield "chains nor an authority made or checked this dataset.\n"
    if manifest.made_at:
        yield f"Made on {manifest.made_at.astimezone(ISRAEL):%Y-%m-%d %H:%M} (Israel) by gogobe_dagster.\n"
    yield "| table | files | rows | |\n|---|--:|--:|---|"
    for table in TABLES:
        entries = [entry for entry in manifest.files.values() if entry.table == table.name]
        rows = sum(entry.rows for entry in entries)
        folders = "".join(f"{part}=…/" for part in table.parts)
        yield f"| `{table.name}/{folders}` | {len(entries):,} | {rows:,} | {table.title} |"
    yield "\n`manifest.json` has rows and SHA-256 of every file, `datapackage.json` describes every column."
    yield "Money is decimal, in ILS with VAT; times are in UTC. Rows are sorted by `gtin`, so that a question"
    yield "about one product reads little.\n"


def _examples() -> Iterator[str]:
    yield "DuckDB:\n"
    yield "```sql"
    yield "select chain_id, store_name, price"
    yield "from read_parquet('current_prices/*/*.parquet', hive_partitioning = true)"
    yield "where gtin = '7290000000015' order by price limit 10;"
    yield "```\n"
    yield "Polars:\n"
    yield "```python"
    yield "import polars as pl\n"
    yield 'prices = pl.scan_parquet("prices/*/*/*.parquet", hive_partitioning=True)'
    yield 'print(prices.filter(gtin="7290000000015").group_by("day").agg(pl.col("price").min()).collect())'
    yield "```\n"
    yield "pandas:\n"
    yield "```python"
    yield "import pandas as pd\n"
    yield 'print(pd.read_parquet("stores/data.parquet").groupby("district").size())'
    yield 'print(pd.read_parquet("current_prices", filters=[("gtin", "==", "7290000000015")]))'
    yield "```\n"
    yield "R:\n"
    yield "```r"
    yield 'prices <- arrow::open_dataset("current_prices")'
    yield 'dplyr::collect(dplyr::filter(prices, gtin == "7290000000015"))'
    yield "```\n"
    yield "Elsewhere, put the address before the paths: `s3://BUCKET/dataset/current_prices/*/*.parquet`. A"
    yield "web server lists no files, so the manifest has to:\n"
    yield "```python"
    yield "import json"
    yield "from urllib.request import urlopen\n"
    yield "import polars as pl\n"
    yield 'root = "https://example.org/dataset"'
    yield 'files = json.load(urlopen(f"{root}/manifest.json"))["files"]'
    yield 'current = [f"{root}/{path}" for path in files if path.startswith("current_prices/")]'
    yield 'milk = pl.scan_parquet(current, hive_partitioning=True).filter(gtin="7290000000015")'
    yield 'print(milk.select("chain_id", "store_name", "price").sort("price").collect())'
    yield "```\n"


def _columns(schemas: Mapping[DatasetTable, pa.Schema]) -> Iterator[str]:
    for table, schema in schemas.items():
        yield f"## {table.name}\n\n{table.title}\n\n| column | type | meaning |\n|---|---|---|"
        yield from (f"| `{part}` | | {FOLDERS[part]} |" for part in table.parts)
        yield from (
            f"| `{column.name}` | {column.type} | {table.meanings[column.name]} |" for column in schema
        )
        yield ""
