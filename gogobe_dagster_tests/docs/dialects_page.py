"""The page of dialects, made from the tables; run it as a module (`python -m …`) to write it anew."""

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

Every spelling of every field that chains publish, and the column of the lake that it becomes.
The page is made from the tables in `gogobe_dagster/parsing/dialects.py` and `model.py`: a new spelling is one
word there. Tags are compared in lower case and without a namespace; of several spellings the first that says
something counts. What is neither read nor left out by name is reported as unknown with each file.
"""
OFFERS = """
One row of the lake is an offer: what one promotion says in the same terms. A promotion is written flat,
in groups with terms for each item, or once for each item; the same offer becomes the same row with
the same `content_hash` from all of them. A term may be said by the promotion, its group or its item: the
innermost counts. Offers that agree in everything but `updated_at` are one, and their items are united.

Every element is accounted for, in the report of each file:

- promotion elements (`Promotion`, `Sale`) = taken + rejected + duplicates;
- items = taken + rejected + duplicates + unnamed.

*Taken* is a promotion element that says something nobody says after it, and an item that stands in an offer.
*Rejected* has its reason in the report; items go with their promotion. A *duplicate* says nothing new.
An *unnamed* item has no code. An offer that loses all its items is rejected, because without items it would
hold for nothing in particular.
"""


def page() -> str:
    """Return the page as it must be."""
    words = ", ".join(f"`{word}`" for word in sorted(NULL_TEXTS) if word)
    unknown = f"\n## Words for nothing\n\nThese are null wherever they stand: {words}.\n"
    return (
        HEAD + "".join(map(_document, (PRICES, STORES))) + _document(PROMOTIONS, OFFERS) + _nested() + unknown
    )


def _document(dialects: Dialects, words: str = "") -> str:
    schema = SCHEMAS[dialects.document]
    parts = PARTS if dialects.document is Document.PROMOTIONS else {}
    meanings = {name: _meaning(schema.field(name)) for name in dialects.columns if name not in parts} | parts
    said = f"\n## {str(dialects.document).capitalize()}\n{words}\nRows stand in {_places(dialects.places)}.\n"
    header = f"\nAround the rows:\n\n{_table(dialects.header, {})}"
    ignored = ", ".join(f"`{tag}`" for tag in sorted(dialects.ignored))
    return f"{said}\n{_table(dialects.columns, meanings)}{header}\nLeft out by name: {ignored}.\n"


def _nested() -> str:
    nested = PROMOTIONS.nested
    assert nested
    meanings = {name: _meaning(OFFER_ITEM.field(name)) for name in nested.item_columns}
    misplaced = ", ".join(f"`{tag}`" for tag in sorted(MISPLACED))
    return (
        f"\n### Items\n\nItems stand in {_places(sorted(nested.items))}, "
        f"gifts in {_places(sorted(nested.gifts))}, groups in {_places(sorted(nested.groups))}; "
        "a row with an item code of its own is its own item.\n"
        f"Wrappers: {', '.join(f'`{tag}`' for tag in sorted(nested.wrappers))}. Every value counts of "
        f"{', '.join(f'`{name}`' for name in sorted(nested.repeated))}. "
        f"Left out at promotions: {misplaced}.\n\n"
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
