"""The page of dialects, generated from the tables; `python -m` this module writes it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

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

PAGE = Path(__file__).parents[2] / "docs" / "dialects.md"
PARTS = {
    "start_date": "With `start_hour`, where `starts_at` is written in two fields.",
    "start_hour": "No hour: the start of the day.",
    "end_date": "With `end_hour`, where `ends_at` is written in two fields.",
    "end_hour": "No hour: the last second of the day.",
}
HEAD = """# Dialects

Every spelling of every field that chains publish, and the column of the lake that it becomes. The page is
generated from the tables in `gogobe_dagster/parsing/dialects.py` and `model.py`: a new spelling is one word
there.

Tags are compared in lower case and without a namespace. Of several spellings the first with a text that is
not blank counts. A field that is neither read nor ignored by name is reported as unknown with each file.

A dialect has the name of its layout: the elements from the root to the row, such as `Root/Items/Item`.
Reports, the ledger and `gogobe read` show it.
"""
OFFERS = """
One row of the lake is an offer: the terms of a promotion and the items that they apply to. Chains write a
promotion as one flat element, in groups with terms for each item, or once for each item. From all of them
the same offer becomes the same row with the same `content_hash`. A promotion, its group and its item may
each have a term: the innermost counts. Offers that differ only in `updated_at` are one, and their items are
merged.

The report of each file accounts for every element:

- promotion elements (`Promotion`, `Sale`) = accepted + rejected + duplicates;
- items = accepted + rejected + duplicates + without code.

A promotion element is *accepted* if it has something that no later element repeats, and an item if it is in
an offer. A *rejected* one has its reason in the report; items are rejected with their promotion. A
*duplicate* has nothing new. An offer that loses all its items is rejected, because it would apply to
nothing.
"""


def page() -> str:
    """Return the text of the page."""
    words = ", ".join(f"`{word}`" for word in sorted(NULL_TEXTS) if word)
    unknown = f"\n## Texts that mean unknown\n\nThese are null in every column: {words}.\n"
    return (
        HEAD + "".join(map(_document, (PRICES, STORES))) + _document(PROMOTIONS, OFFERS) + _nested() + unknown
    )


def _document(dialects: Dialects, words: str = "") -> str:
    schema = SCHEMAS[dialects.document]
    parts = PARTS if dialects.document is Document.PROMOTIONS else {}
    meanings = {name: _meaning(schema.field(name)) for name in dialects.columns if name not in parts} | parts
    text = f"\n## {str(dialects.document).capitalize()}\n{words}\nRows are {_places(dialects.places)}.\n"
    header = f"\nAround the rows:\n\n{_table(dialects.header, {})}"
    ignored = ", ".join(f"`{tag}`" for tag in sorted(dialects.ignored))
    return f"{text}\n{_table(dialects.columns, meanings)}{header}\nIgnored by name: {ignored}.\n"


def _nested() -> str:
    nested = PROMOTIONS.nested
    assert nested
    meanings = {name: _meaning(OFFER_ITEM.field(name)) for name in nested.item_columns}
    misplaced = ", ".join(f"`{tag}`" for tag in sorted(MISPLACED))
    return (
        f"\n### Items\n\nItems are {_places(sorted(nested.items))}, "
        f"gifts in {_places(sorted(nested.gifts))}, groups in {_places(sorted(nested.groups))}; "
        "a row with an item code of its own is its own item.\n"
        f"Wrappers: {', '.join(f'`{tag}`' for tag in sorted(nested.wrappers))}. All values are kept of "
        f"{', '.join(f'`{name}`' for name in sorted(nested.repeated))}. "
        f"Ignored in promotions: {misplaced}.\n\n"
        f"{_table(nested.item_columns, meanings)}"
    )


def _places(places: Iterable[Place]) -> str:
    return ", ".join(f"`{holder}/{row}`" for holder, row in places)


def _meaning(field: pa.Field) -> str:
    return str(field.metadata[b"meaning"].decode())


def _table(columns: Mapping[str, tuple[str, ...]], meanings: Mapping[str, str]) -> str:
    rows = "".join(
        f"| `{column}` | {', '.join(f'`{tag}`' for tag in tags)} | {meanings.get(column, '')} |\n"
        for column, tags in columns.items()
    )
    return f"| column | tags | meaning |\n|---|---|---|\n{rows}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
