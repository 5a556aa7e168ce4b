"""Chains, sub-chains and stores as keys: made when they are missing, locked while a load writes about them.

Every loader makes and locks in the same order: chains, sub-chains, stores, each sorted. So two loaders wait
for each other and never lock each other out, and a store has one writer at a time. Names are `store_load`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.warehouse.schema.tables import chain, store, sub_chain


class StoreIdentity(NamedTuple):
    """The natural key of a store."""

    chain_id: str
    sub_chain_id: int
    store_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedStore:
    """A store that nobody else can write about until this transaction ends."""

    key: int
    newest: Mapping[Document, datetime | None]
    """Newest stamp of a loaded file of prices, and of promotions; an older file is late."""


_SEEN = sa.text("""
update store set
    first_seen_at = least(first_seen_at, seen.first), last_seen_at = greatest(last_seen_at, seen.last),
    last_price_at = greatest(last_price_at, seen.price),
    last_full_price_at = greatest(last_full_price_at, seen.full_price),
    last_promotion_at = greatest(last_promotion_at, seen.promotion),
    last_full_promotion_at = greatest(last_full_promotion_at, seen.full_promotion)
from unnest(
    cast(:keys as int[]), cast(:first as timestamptz[]), cast(:last as timestamptz[]),
    cast(:price as timestamptz[]), cast(:full_price as timestamptz[]),
    cast(:promotion as timestamptz[]), cast(:full_promotion as timestamptz[])
) as seen (store_key, first, last, price, full_price, promotion, full_promotion)
where store.store_key = seen.store_key
""")


def lock_stores(
    connection: sa.Connection, places: Collection[StoreIdentity]
) -> tuple[dict[StoreIdentity, LockedStore], int]:
    """Make what is missing, lock these stores, and return them with the number of new ones."""
    natural = (store.c.chain_id, store.c.sub_chain_id, store.c.store_id)
    are_these = sa.tuple_(*natural).in_(sorted(places))
    known = {StoreIdentity(*row) for row in connection.execute(sa.select(*natural).where(are_these))}
    new = _make(connection, sorted(set(places) - known))
    query = sa.select(*natural, store.c.store_key, store.c.last_price_at, store.c.last_promotion_at).where(
        are_these
    )
    rows = connection.execute(query.order_by(store.c.store_key).with_for_update(key_share=True))
    return {StoreIdentity(*row[:3]): _locked(*row[3:]) for row in rows}, new


def _locked(key: int, price_at: datetime | None, promotion_at: datetime | None) -> LockedStore:
    return LockedStore(key=key, newest={Document.PRICES: price_at, Document.PROMOTIONS: promotion_at})


def _make(connection: sa.Connection, places: Sequence[StoreIdentity]) -> int:
    """Insert in sorted order; another loader may do the same at the same time."""
    if not places:
        return 0
    sub_chains = dict.fromkeys(place[:2] for place in places)
    chains = dict.fromkeys(place[0] for place in places)
    never = {
        "first_seen_at": sa.text("'infinity'"),
        "last_seen_at": sa.text("'-infinity'"),
    }  # until `note_lists` or `note_files`
    _insert(connection, chain, [{"chain_id": chain_id} for chain_id in chains])
    _insert(
        connection, sub_chain, [{"chain_id": sub_chain, "sub_chain_id": two} for sub_chain, two in sub_chains]
    )
    return _insert(connection, store, [place._asdict() for place in places], **never)


def _insert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], **values: Any
) -> int:
    insert_missing = insert(table).values(**{name: sa.bindparam(name) for name in rows[0]}, **values)
    made = insert_missing.on_conflict_do_nothing().returning(*table.primary_key)
    return len(connection.execute(made, rows).all())


@dataclass(slots=True, kw_only=True)
class _Seen:
    """In which time files spoke of a store."""

    first: datetime
    last: datetime
    price: datetime | None = None
    full_price: datetime | None = None
    promotion: datetime | None = None
    full_promotion: datetime | None = None


def note_lists(connection: sa.Connection, lists: Iterable[tuple[int, datetime]]) -> None:
    """Note that store lists of these moments show these stores, by key."""
    _note(connection, [(key, _Seen(first=at, last=at)) for key, at in lists])


def note_files(
    connection: sa.Connection, document: Document, files: Iterable[tuple[int, datetime, bool]]
) -> None:
    """Note that files of these moments, complete or not, are in the tables for these stores, by key."""
    seen = []
    for key, at, is_complete in files:
        complete_at = at if is_complete else None
        if document is Document.PRICES:
            seen.append((key, _Seen(first=at, last=at, price=at, full_price=complete_at)))
        else:
            seen.append((key, _Seen(first=at, last=at, promotion=at, full_promotion=complete_at)))
    _note(connection, seen)


def _note(connection: sa.Connection, each: Iterable[tuple[int, _Seen]]) -> None:
    seen: dict[int, _Seen] = {}
    for key, item in each:
        so_far = seen.setdefault(key, item)
        so_far.first, so_far.last = min(so_far.first, item.first), max(so_far.last, item.last)
        for name in _Seen.__slots__[2:]:
            setattr(so_far, name, _newer(getattr(so_far, name), getattr(item, name)))
    columns = {name: [getattr(seen_file, name) for seen_file in seen.values()] for name in _Seen.__slots__}
    connection.execute(_SEEN, {"keys": list(seen), **columns})


def _newer(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)
