"""The tables of docs/dialects.md, from the tables of the parser."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import SCHEMAS
from gogobe_dagster.parsing.dialects import (
    MISPLACED,
    NULL_TEXTS,
    PRICES,
    PROMOTIONS,
    STORES,
    Dialects,
    Place,
)
from gogobe_dagster.parsing.model import OFFER_ITEM
from gogobe_dagster_tests.docs.pages import DOCS, table, write

PAGE = DOCS / "dialects.md"
SPLIT_TIMES = {
    "start_date": "With `start_hour`, where `starts_at` is written in two fields.",
    "start_hour": "No hour: the start of the day.",
    "end_date": "With `end_hour`, where `ends_at` is written in two fields.",
    "end_hour": "No hour: the last second of the day.",
}
COLUMNS = {"column": "---", "tags": "---", "meaning": "---"}


def parts() -> dict[str, str]:
    """Make the tables of each document type, of items, and the list of texts that mean unknown."""
    documents = {str(dialects.document): _document(dialects) for dialects in (PRICES, STORES, PROMOTIONS)}
    return documents | {"items": _items(), "null_texts": f"{_quoted(sorted(NULL_TEXTS))}.\n"}


def _document(dialects: Dialects) -> str:
    schema = SCHEMAS[dialects.document]
    split = SPLIT_TIMES if dialects.document is Document.PROMOTIONS else {}
    meanings = {name: _meaning(schema.field(name)) for name in dialects.columns if name not in split} | split
    return (
        f"Rows are {_elements(dialects.places)}.\n\n{_columns(dialects.columns, meanings)}\n"
        f"Around the rows:\n\n{_columns(dialects.header, {})}\n"
        f"Ignored by name: {_quoted(sorted(dialects.ignored))}.\n"
    )


def _items() -> str:
    nested = PROMOTIONS.nested
    assert nested
    meanings = {name: _meaning(OFFER_ITEM.field(name)) for name in nested.item_columns}
    return (
        f"Items are {_elements(sorted(nested.items))}, gifts in {_elements(sorted(nested.gifts))}, groups in "
        f"{_elements(sorted(nested.groups))}; a row with an item code of its own is its own item.\n"
        f"Wrappers: {_quoted(sorted(nested.wrappers))}. All values are kept of "
        f"{_quoted(sorted(nested.repeated))}. Ignored in promotions: {_quoted(sorted(MISPLACED))}.\n\n"
        f"{_columns(nested.item_columns, meanings)}"
    )


def _elements(places: Iterable[Place]) -> str:
    return _quoted(f"{parent}/{row}" for parent, row in places)


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts if text)


def _meaning(field: pa.Field) -> str:
    return str(field.metadata[b"meaning"].decode())


def _columns(columns: Mapping[str, tuple[str, ...]], meanings: Mapping[str, str]) -> str:
    return table(
        COLUMNS, [(f"`{name}`", _quoted(tags), meanings.get(name, "")) for name, tags in columns.items()]
    )


if __name__ == "__main__":
    write(PAGE, parts())
