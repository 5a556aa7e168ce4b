"""One comparison has the result of the definition of history, for prices and for promotions."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe_dagster.warehouse.history.diff import find_changes
from gogobe_dagster.warehouse.history.periods import PRICES, PROMOTIONS, Changes, HistorySpec, apply_files
from gogobe_dagster_tests.warehouse.test_periods import BREAD, EGGS, MILK, File, Tables, load, rows_of

WHAT_IT_SAYS = {
    "prices": st.dictionaries(
        st.sampled_from([MILK, BREAD, EGGS]),
        st.sampled_from(["5", "6", ("6", "0.6"), ("6", None), "-6", None]),
    ),
    "is_full": st.booleans(),
    "store": st.sampled_from([7, 8, 9]),
}
KNOWN = st.lists(st.builds(File, hour=st.integers(0, 3), **WHAT_IT_SAYS), max_size=6)
NEXT = st.builds(
    File, hour=st.integers(4, 6), is_complete=st.sampled_from([None, None, False]), **WHAT_IT_SAYS
)
NEXT_OF_EACH = st.lists(NEXT, max_size=3, unique_by=lambda file: file.store)


def as_promotions(frame: pl.DataFrame) -> pl.DataFrame:
    """The same statements of promotions: an id for each product, a content for each price."""
    content = pl.col("price").cast(pl.Int32) * 10 + pl.col("published_unit_price").is_not_null()
    renamed = {"promotion_id": pl.format("{}1", "product_key"), "promotion_key": content.cast(pl.Int32)}
    return frame.with_columns(**renamed)


def comparable(found: Changes) -> dict[str, tuple[object, object]]:
    frames = {name: getattr(found, name) for name in Changes.__slots__}
    return {name: (frame.schema, sorted(frame.rows(), key=str)) for name, frame in frames.items()}


@pytest.mark.parametrize("spec", [PRICES, PROMOTIONS], ids=["prices", "promotions"])
@given(known=KNOWN, following=NEXT_OF_EACH | st.lists(NEXT, max_size=3))
@settings(deadline=None)
def test_any_files_change_what_the_definition_says(
    spec: HistorySpec, known: list[File], following: list[File]
) -> None:
    tables = Tables()
    load(tables, list(enumerate(known, 1)))
    files = list(enumerate(following, 20))
    current, rows = tables.frame(), rows_of(files)
    if spec is PROMOTIONS:
        current, rows = as_promotions(current), as_promotions(rows)
    current, rows = current.select(spec.current.names()), rows.select(spec.file_rows.names())
    statements = [file.statement(number) for number, file in files]

    assert comparable(find_changes(spec, current, statements, rows)) == comparable(
        apply_files(spec, current, statements, rows)
    )
