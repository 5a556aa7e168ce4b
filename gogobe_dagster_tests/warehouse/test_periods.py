"""The pure definition of price history: named cases, and comparison with the oracle."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe_dagster.warehouse.history.periods import PRICES as SPEC
from gogobe_dagster.warehouse.history.periods import Changes, StoreFile, apply_files
from gogobe_dagster_tests.warehouse.oracle import Period, Value, history_of

DAWN = datetime(2026, 11, 23, 5, tzinfo=UTC)
MILK, BREAD, EGGS = 1, 2, 3
STORE = 7


@dataclass
class File:
    """A file as a test writes it: hour, kind, and what it lists. None: a price that cannot be read."""

    hour: int
    prices: dict[int, str | tuple[str, str | None] | None]
    is_full: bool = False
    is_complete: bool | None = None
    store: int = STORE
    name: str = ""
    revision: int = 1

    def statement(self, file_id: int) -> StoreFile:
        return StoreFile(
            file_id=file_id,
            store_key=self.store,
            published_at=DAWN + timedelta(hours=self.hour),
            is_complete=self.is_full if self.is_complete is None else self.is_complete,
            tie_break=(not self.is_full, "rami_levy", self.name or f"{file_id:03}", self.revision),
        )

    def values(self) -> dict[int, Value | None]:
        return {product: _value(price) for product, price in self.prices.items()}


def _value(price: str | tuple[str, str | None] | None) -> Value | None:
    if price is None:
        return None
    shelf, unit = price if isinstance(price, tuple) else (price, None)
    return Decimal(shelf), None if unit is None else Decimal(unit)


@dataclass
class Tables:
    """The history, and what holds now, as dictionaries."""

    history: dict[tuple[int, int, datetime], Period] = field(default_factory=dict)
    current: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)

    def apply(self, done: Changes) -> None:
        for row in done.started.iter_rows(named=True):
            period = _period(row)
            assert (
                self.history.setdefault((period.store, period.product, period.valid_from), period) is period
            )
        for row in done.ended.iter_rows(named=True):
            product = (row["store_key"], row["product_key"])
            key = (*product, self.current[product]["valid_from"])
            assert self.history[key].valid_to is None
            self.history[key] = Period(
                **{
                    **vars(self.history[key]),
                    "valid_to": row["valid_to"],
                    "closed_by_file_id": row["closed_by_file_id"],
                }
            )
        for row in done.removed.iter_rows(named=True):
            del self.current[row["store_key"], row["product_key"]]
        for frame, is_there in ((done.inserted, False), (done.updated, True)):
            for row in frame.iter_rows(named=True):
                assert ((row["store_key"], row["product_key"]) in self.current) is is_there
                self.current[row["store_key"], row["product_key"]] = row

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(list(self.current.values()), schema=SPEC.open_period).select(SPEC.current.names())


def _period(row: dict[str, Any]) -> Period:
    names = {"store_key": "store", "product_key": "product"}
    return Period(**{names.get(key, key): value for key, value in row.items() if key != "price_set_at"})


def rows_of(files: Sequence[tuple[int, File]]) -> pl.DataFrame:
    rows = [(i, p, *(value or (None, None)), None) for i, file in files for p, value in file.values().items()]
    return pl.DataFrame(rows, schema=SPEC.file_rows, orient="row")


def load(tables: Tables, files: Sequence[tuple[int, File]]) -> Changes:
    done = apply_files(SPEC, tables.frame(), [file.statement(i) for i, file in files], rows_of(files))
    tables.apply(done)
    return done


def story(*files: File) -> list[tuple[int, str, int | None, int | None]]:
    """Load files together; return product, price, and the hours from and to of every period."""
    tables = Tables()
    load(tables, list(enumerate(files, 1)))
    return sorted(
        (p.product, str(p.price.normalize()), _hour(p.valid_from), _hour(p.valid_to))
        for p in tables.history.values()
    )


def _hour(timestamp: datetime | None) -> int | None:
    return None if timestamp is None else round((timestamp - DAWN) / timedelta(hours=1))


def test_a_price_holds_from_the_file_that_first_says_it_until_one_says_otherwise() -> None:
    periods = story(File(0, {MILK: "7.1"}, is_full=True), File(1, {MILK: "7.1"}), File(2, {MILK: "6.9"}))
    assert periods == [(MILK, "6.9", 2, None), (MILK, "7.1", 0, 2)]


def test_a_product_that_a_full_file_lists_without_a_readable_price_keeps_its_price() -> None:
    periods = story(
        File(0, {MILK: "7.1", BREAD: "9"}, is_full=True),
        File(1, {MILK: None}, is_full=True),
        File(2, {MILK: "6.9", BREAD: None}, is_full=True),
    )
    assert periods == [(MILK, "6.9", 2, None), (MILK, "7.1", 0, 2), (BREAD, "9", 0, 1)]


def test_a_product_that_had_left_does_not_come_back_without_a_price() -> None:
    periods = story(
        File(0, {MILK: "7.1"}, is_full=True), File(1, {BREAD: "9"}, is_full=True), File(2, {MILK: None})
    )
    assert periods == [(MILK, "7.1", 0, 1), (BREAD, "9", 1, None)]


def test_a_delta_says_nothing_about_what_it_does_not_list() -> None:
    periods = story(File(0, {MILK: "7.1", BREAD: "9"}, is_full=True), File(1, {BREAD: "8"}))
    assert periods == [(MILK, "7.1", 0, None), (BREAD, "8", 1, None), (BREAD, "9", 0, 1)]


def test_a_product_absent_from_a_full_file_is_gone_from_then_on() -> None:
    periods = story(File(0, {MILK: "7.1", BREAD: "9"}, is_full=True), File(5, {MILK: "7.1"}, is_full=True))
    assert periods == [(MILK, "7.1", 0, None), (BREAD, "9", 0, 5)]


def test_a_damaged_full_file_adds_and_never_delists() -> None:
    damaged = File(5, {BREAD: "8"}, is_full=True, is_complete=False)
    periods = story(File(0, {MILK: "7.1", BREAD: "9"}, is_full=True), damaged)
    assert periods == [(MILK, "7.1", 0, None), (BREAD, "8", 5, None), (BREAD, "9", 0, 5)]


def test_a_product_that_comes_back_at_the_same_price_begins_a_new_period() -> None:
    full, without = File(0, {MILK: "7.1", BREAD: "9"}, is_full=True), File(1, {BREAD: "9"}, is_full=True)
    periods = story(full, without, File(2, {MILK: "7.1"}))
    assert periods == [(MILK, "7.1", 0, 1), (MILK, "7.1", 2, None), (BREAD, "9", 0, None)]


def test_a_changed_unit_price_is_a_change() -> None:
    periods = story(
        File(0, {MILK: ("7.1", "0.71")}), File(1, {MILK: ("7.1", "0.7")}), File(2, {MILK: ("7.1", "0.7")})
    )
    assert periods == [(MILK, "7.1", 0, 1), (MILK, "7.1", 1, None)]


def test_of_one_stamp_the_delta_comes_after_the_full_file() -> None:
    delta, full = File(1, {MILK: "6.9"}), File(1, {MILK: "7.1", BREAD: "9"}, is_full=True)
    expected = [(MILK, "6.9", 1, None), (BREAD, "9", 1, None)]
    assert story(delta, full) == expected
    assert story(full, delta) == expected


def test_of_one_stamp_and_name_the_later_revision_holds() -> None:
    first = File(1, {MILK: "7.1", BREAD: "9"}, is_full=True, name="PriceFull", revision=1)
    again = File(1, {MILK: "6.9"}, is_full=True, name="PriceFull", revision=2)
    assert story(again, first) == story(first, again) == [(MILK, "6.9", 1, None)]


def test_a_product_that_leaves_and_returns_at_one_instant_never_left() -> None:
    periods = story(
        File(0, {MILK: "7.1", BREAD: "9"}, is_full=True),
        File(1, {BREAD: "9"}, is_full=True),
        File(1, {MILK: "7.1"}),
    )
    assert periods == [(MILK, "7.1", 0, None), (BREAD, "9", 0, None)]


def test_stores_do_not_know_each_other() -> None:
    periods = story(File(0, {MILK: "7.1"}, is_full=True), File(1, {BREAD: "9"}, is_full=True, store=8))
    assert periods == [(MILK, "7.1", 0, None), (BREAD, "9", 1, None)]


def test_without_files_nothing_changes() -> None:
    tables = Tables()
    load(tables, [(1, File(0, {MILK: "7.1"}, is_full=True))])
    nothing = apply_files(SPEC, tables.frame(), [], pl.DataFrame(schema=SPEC.file_rows))
    assert all(getattr(nothing, name).is_empty() for name in Changes.__slots__)


PRICES = st.sampled_from(["5", "6", ("6", "0.6"), ("6", None), "0", None])
FILES = st.lists(
    st.builds(
        File,
        hour=st.integers(0, 6),
        prices=st.dictionaries(st.sampled_from([MILK, BREAD, EGGS]), PRICES),
        is_full=st.booleans(),
        is_complete=st.sampled_from([None, None, None, False]),
        store=st.sampled_from([7, 8]),
        name=st.sampled_from(["", "a", "b"]),
    ),
    max_size=9,
)


def _expected(files: Sequence[tuple[int, File]]) -> list[Period]:
    return history_of([file.statement(i) for i, file in files], {i: file.values() for i, file in files})


def _check(tables: Tables, expected: list[Period]) -> None:
    assert sorted(tables.history.values(), key=lambda p: (p.store, p.product, p.valid_from)) == expected
    assert {(p.store, p.product) for p in expected if p.valid_to is None} == set(tables.current)


@given(FILES)
@settings(deadline=None, max_examples=150)
def test_all_files_at_once_give_the_history_of_the_oracle(files: list[File]) -> None:
    numbered = list(enumerate(files, 1))
    tables = Tables()
    load(tables, numbered)
    _check(tables, _expected(numbered))


@pytest.mark.slow
@given(FILES, st.sets(st.integers(1, 6)))
@settings(deadline=None, max_examples=150)
def test_the_same_files_in_several_rounds_give_the_same_history(files: list[File], cuts: set[int]) -> None:
    numbered = list(enumerate(files, 1))
    tables = Tables()
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), 99], strict=True):
        load(tables, [(i, file) for i, file in numbered if first <= file.hour < last])
    _check(tables, _expected(numbered))


@given(FILES)
def test_no_period_is_empty_and_no_two_neighbours_say_the_same(files: list[File]) -> None:
    tables = Tables()
    load(tables, list(enumerate(files, 1)))
    periods = sorted(tables.history.values(), key=lambda p: (p.store, p.product, p.valid_from))
    assert all(p.valid_to is None or p.valid_to > p.valid_from for p in periods)
    for period, other in pairwise(periods):
        if (period.store, period.product) == (other.store, other.product):
            assert period.valid_to is not None
            assert period.valid_to <= other.valid_from
            is_same = (period.price, period.published_unit_price) == (other.price, other.published_unit_price)
            assert not (period.valid_to == other.valid_from and is_same)
