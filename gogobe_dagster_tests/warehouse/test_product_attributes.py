"""In whatever order files are loaded, the greatest attributes of the newest day are stored."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogobe_dagster.parsing.column_types import DECIMAL
from gogobe_dagster.parsing.model import PRODUCT_TEXT
from gogobe_dagster.warehouse.load.product_attributes import (
    ATTRIBUTES,
    ATTRIBUTES_HASH,
    KEY,
    hash_of,
    lookup_by_hash,
    reset_days,
    touch,
    upsert,
)

pytestmark = pytest.mark.slow

NUMBERS = {"quantity": DECIMAL, "quantity_in_package": DECIMAL, "is_weighted": pl.Boolean()}
SCHEMA: dict[str, pl.DataType] = {
    "chain_id": pl.String(),
    "product_key": pl.Int32(),
    "attributes_as_of": pl.Date(),
    **{name: NUMBERS.get(name, pl.String()) for name in ATTRIBUTES},
}
FIRST, SECOND = date(2026, 11, 23), date(2026, 11, 24)
WORDINGS = st.lists(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(["7", "07"]),
            "name": st.sampled_from([None, "a", "B", "a-b", "ab", "a b", "חלב", "é"]),
            "country": st.sampled_from([None, "IL", "il"]),
            "quantity": st.sampled_from([None, Decimal(9), Decimal(10), Decimal("-0.5")]),
            "is_weighted": st.sampled_from([None, False, True]),
        }
    ),
    min_size=1,
    max_size=4,
)
ABOUT = st.tuples(st.sampled_from(["1", "2"]), st.sampled_from([1, 2]), st.sampled_from([FIRST, SECOND]))
STATEMENTS = WORDINGS.flatmap(
    lambda wordings: st.lists(st.builds(_statement, ABOUT, st.sampled_from(wordings)), max_size=12)
)
Attributes = Mapping[str, Any]


def _statement(about: tuple[str, int, date], texts: Attributes) -> Attributes:
    return {**dict(zip((*KEY, "attributes_as_of"), about, strict=True)), **texts}


@pytest.fixture
def products(engine: sa.Engine) -> sa.Engine:
    """A warehouse with two chains and two products."""
    with engine.begin() as connection:
        connection.execute(sa.text("insert into chain (chain_id) values ('1'), ('2')"))
        gtins = "insert into product (gtin) values ('7290000000015'), ('7290000000022')"
        connection.execute(sa.text(gtins))
    return engine


def frame_of(rows: Sequence[Attributes]) -> pl.DataFrame:
    """Rows as a load has them: with the hash of their attributes."""
    frame = pl.DataFrame([{name: item.get(name) for name in SCHEMA} for item in rows], schema=SCHEMA)
    return frame.with_columns(pl.struct(ATTRIBUTES).hash().alias(ATTRIBUTES_HASH))


def greatness(attributes: Attributes) -> tuple[Any, ...]:
    texts = [_text(attributes.get(name)).encode() for name in ATTRIBUTES]
    return attributes["attributes_as_of"], sum(attributes.get(name) is not None for name in ATTRIBUTES), texts


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:.4f}"
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def load(connection: sa.Connection, rows: pl.DataFrame) -> None:
    """Write as a load does: of known attributes only the day."""
    hash_columns = ["chain_id", ATTRIBUTES_HASH, "product_key"]
    is_known = lookup_by_hash(connection, rows.drop("product_key")).select(hash_columns).unique()
    repeated = rows.join(is_known, on=hash_columns, how="semi")
    altered = touch(connection, repeated.select(*KEY, "attributes_as_of", ATTRIBUTES_HASH))
    assert altered.is_empty()
    upsert(connection, rows.join(is_known, on=hash_columns, how="anti"))


def stored(engine: sa.Engine) -> dict[tuple[str, int], Attributes]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text(f"select {', '.join(SCHEMA)} from chain_product")).mappings()
        return {(row["chain_id"], row["product_key"]): dict(row) for row in rows}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=STATEMENTS, data=st.data())
def test_rule_03_the_greatest_statement_holds_in_whatever_order_they_are_told(
    products: sa.Engine, rows: list[Attributes], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(rows))
    with products.begin() as connection:
        connection.execute(sa.text("truncate chain_product cascade"))
        while order:
            size = data.draw(st.integers(1, len(order)))
            load(connection, frame_of(order[:size]))
            order = order[size:]

    by_product = {(item["chain_id"], item["product_key"]): item for item in sorted(rows, key=greatness)}
    assert stored(products) == {
        key: {name: item.get(name) for name in SCHEMA} for key, item in by_product.items()
    }


def test_who_tells_of_a_chain_has_it_alone_until_the_end(products: sa.Engine) -> None:
    milk = {"chain_id": "1", "product_key": 1, "attributes_as_of": FIRST, "code": "7"}

    def tell_more() -> None:
        with products.begin() as connection:
            upsert(connection, frame_of([milk | {"name": "a"}, milk | {"chain_id": "2"}]))

    with ThreadPoolExecutor(1) as pool, products.begin() as connection:
        upsert(connection, frame_of([milk | {"name": "b"}]))
        other = pool.submit(tell_more)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.3)
        connection.commit()
        other.result()
    assert {key: item["name"] for key, item in stored(products).items()} == {("1", 1): "b", ("2", 1): None}


def test_words_that_are_altered_while_a_load_reads_are_told_again(products: sa.Engine) -> None:
    milk = {"chain_id": "1", "product_key": 1, "attributes_as_of": FIRST, "code": "7", "name": "a"}
    next_day, fuller = (
        milk | {"attributes_as_of": SECOND},
        milk | {"attributes_as_of": SECOND, "country": "IL"},
    )
    with products.begin() as connection:
        upsert(connection, frame_of([milk]))
    with products.connect() as connection:
        met = lookup_by_hash(connection, frame_of([next_day]).drop("product_key"))
        with products.begin() as other:
            upsert(other, frame_of([fuller]))
        altered = touch(connection, met)
        connection.commit()

    assert met["product_key"].to_list() == [1]
    assert altered.equals(met)
    assert [(item["attributes_as_of"], item["country"]) for item in stored(products).values()] == [
        (SECOND, "IL")
    ]


def test_a_chain_that_is_rebuilt_has_every_word_read_and_looked_up_again(products: sa.Engine) -> None:
    milk = {"chain_id": "1", "product_key": 1, "attributes_as_of": FIRST, "code": "7"}
    with products.begin() as connection:
        upsert(connection, frame_of([milk, milk | {"chain_id": "2"}]))
        reset_days(connection, ["1"])
        met = lookup_by_hash(connection, frame_of([milk, milk | {"chain_id": "2"}]).drop("product_key"))

    assert met["chain_id"].to_list() == ["2"]


def test_rows_with_the_same_product_text_have_the_same_hash() -> None:
    milk = {"code": "1", "name": "חלב"}
    rows = pl.DataFrame([milk, {**milk, "code": "2"}, milk], schema=dict.fromkeys(PRODUCT_TEXT, pl.String()))

    first, other_code, again = hash_of(rows)

    assert first == again != other_code
