"""Columns reach PostgreSQL exactly as they are, in binary form and as text, and come back so."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gogobe_dagster.parsing.column_types import DECIMAL, TIMESTAMP
from gogobe_dagster.warehouse.bulk_io.pg_binary import (
    BLOCK_ROWS,
    FORMS,
    Array,
    has_form,
    money,
)
from gogobe_dagster.warehouse.bulk_io.pg_copy import copy_in, execute

TYPES = {
    "truth": (pl.Boolean(), "boolean", st.booleans()),
    "small": (pl.Int32(), "integer", st.integers(-(2**31), 2**31 - 1)),
    "large": (pl.Int64(), "bigint", st.integers(-(2**63), 2**63 - 1)),
    "money": (DECIMAL, "numeric(14, 4)", st.decimals("-9999999999.9999", "9999999999.9999", places=4)),
    "moment": (
        TIMESTAMP,
        "timestamptz",
        st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
}
ROWS = st.lists(st.tuples(*(st.none() | values for _, _, values in TYPES.values())), max_size=20)
A_ROW = (True, 1, 1, Decimal("5.9"), datetime(2026, 11, 23, tzinfo=UTC))
NULL = -(2**63)
ON_A_SERVER = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def frame_of(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={name: type_ for name, (type_, *_) in TYPES.items()}, orient="row")


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction with a temporary table of all types, which a test undoes."""
    columns = ", ".join(f"{name} {type_}" for name, (_, type_, _) in TYPES.items())
    with engine.connect() as connection:
        connection.execute(sa.text(f"create temporary table copied ({columns}, word text)"))
        yield connection
        connection.rollback()


def copied(connection: sa.Connection, columns: str = ", ".join(TYPES)) -> list[tuple[Any, ...]]:
    rows = connection.execute(sa.text(f"select {columns} from copied order by ctid"))
    return [tuple(row) for row in rows]


def test_every_type_has_a_form() -> None:
    assert {type_ for type_, *_ in TYPES.values()} == FORMS.keys()
    assert has_form(frame_of([]).schema)
    assert not has_form(pl.Schema({"word": pl.String()}))


@ON_A_SERVER
@given(ROWS)
@example([(None,) * 5])
@example([(False, 0, 0, Decimal(0), datetime(2000, 1, 1, tzinfo=UTC))])
@example([(True, -1, -1, Decimal("-0.0001"), datetime(1999, 12, 31, tzinfo=UTC))])
def test_rows_are_copied_exactly(connection: sa.Connection, rows: list[tuple[Any, ...]]) -> None:
    connection.execute(sa.text("truncate copied"))
    copy_in(connection, "copied", frame_of(rows))

    assert copied(connection) == rows


@ON_A_SERVER
@given(ROWS)
@example([])
def test_columns_are_arrays_in_a_query(connection: sa.Connection, rows: list[tuple[Any, ...]]) -> None:
    casts = ", ".join(f"%({name})s::{type_.split('(')[0]}[]" for name, (_, type_, _) in TYPES.items())
    connection.execute(sa.text("truncate copied"))
    query = f"insert into copied ({', '.join(TYPES)}) select * from unnest({casts})"
    assert execute(connection, query, **frame_of(rows).to_dict()) == []

    assert copied(connection) == rows


@ON_A_SERVER
@given(st.lists(TYPES["money"][2]))
def test_money_comes_back_as_whole_numbers(connection: sa.Connection, amounts: list[Decimal]) -> None:
    prices = pl.Series(amounts, dtype=DECIMAL)
    scaled = "coalesce(array_agg((price * 10000)::bigint), '{}')"
    ((array,),) = execute(
        connection, f"select {scaled} from unnest(%(prices)s::numeric[]) price", prices=prices
    )

    assert money(Array(array).integers(), null=NULL).equals(prices)


def test_a_number_stands_for_nothing() -> None:
    assert money(np.array([59_000, NULL, -1]), null=NULL).to_list() == [
        Decimal("5.9"),
        None,
        Decimal("-0.0001"),
    ]


@pytest.mark.parametrize("query", ["select array[1, null]", "select array[array[1]]", "select array['x']"])
def test_what_is_no_array_of_integers_is_refused(connection: sa.Connection, query: str) -> None:
    ((array,),) = execute(connection, query)
    with pytest.raises(ValueError, match="no array of integers"):
        Array(array).integers()


def test_more_rows_than_a_block_are_copied_in_order(connection: sa.Connection) -> None:
    numbers = range(2 * BLOCK_ROWS + 1)
    nothing = pl.Series([None if number % 3 else number for number in numbers], dtype=pl.Int64)
    copy_in(
        connection, "copied", pl.DataFrame({"small": pl.Series(numbers, dtype=pl.Int32), "large": nothing})
    )

    assert copied(connection, "small, large") == list(zip(numbers, nothing, strict=True))


def test_a_price_takes_no_more_bytes_than_one_that_came_as_text(connection: sa.Connection) -> None:
    copy_in(connection, "copied", frame_of([A_ROW]))

    connection.execute(sa.text("insert into copied (money) values (5.9)"))
    assert copied(connection, "pg_column_size(money)") == [(7,), (7,)]


def test_words_are_copied_as_text(connection: sa.Connection) -> None:
    words = ['חלב 3% "תנובה"', "a,b\n", "\\N", "", None]
    copy_in(connection, "copied", pl.DataFrame({"word": words}), empty_is_null=[])
    assert copied(connection, "word") == [(word,) for word in words]

    connection.execute(sa.text("truncate copied"))
    copy_in(connection, "copied", pl.DataFrame({"word": ["", "x"]}), empty_is_null=["word"])
    assert copied(connection, "word") == [(None,), ("x",)]


def test_a_column_of_another_type_is_refused_and_never_stored(connection: sa.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidBinaryRepresentation):
        copy_in(connection, "copied", pl.DataFrame({"small": [1, 2]}))
