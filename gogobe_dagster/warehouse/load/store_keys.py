"""Chains, sub-chains and stores as keys: made when they are missing, locked while a load writes about them.

Every loader makes and locks in the same order: chains, sub-chains, store numbers, stores, each sorted. So two
loaders wait for each other and never deadlock, and a store has one writer at a time. Names are `store_load`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.file_order import published_at_of, store_of
from gogobe_dagster.warehouse.load.store_numbers import StoreIdentity, StoreNumber, attribute, set_sub_chain
from gogobe_dagster.warehouse.schema.tables import chain, store, sub_chain


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedStore:
    """A store that nobody else can write about until this transaction ends."""

    key: int
    identity: StoreIdentity
    newest: Mapping[Document, datetime | None]
    """Newest timestamp of a loaded file of prices, and of promotions; an older file is late."""


Stores = Mapping[StoreIdentity, LockedStore]
"""Locked stores by their own identity, and by those that files state."""


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
    connection: sa.Connection,
    stated: Collection[StoreIdentity],
    real_zeros: Collection[StoreNumber] = (),
) -> tuple[Stores, int]:
    """Make what is missing, lock the stores that are stated, and return them with the number of new ones.

    `real_zeros` as in `store_numbers.attribute`.
    """
    _make_sub_chains(connection, {identity[:2] for identity in stated})
    attributed = attribute(connection, stated, real_zeros)
    identities = sorted(set(attributed.values()))
    natural = (store.c.chain_id, store.c.sub_chain_id, store.c.store_id)
    are_these = sa.tuple_(*natural).in_(identities)
    known = {StoreIdentity(*row) for row in connection.execute(sa.select(*natural).where(are_these))}
    new = _make_stores(connection, sorted(set(identities) - known))
    # FOR NO KEY UPDATE: who only inserts rows that refer to the store need not wait.
    query = sa.select(*natural, store.c.store_key, store.c.last_price_at, store.c.last_promotion_at)
    rows = connection.execute(
        query.where(are_these).order_by(store.c.store_key).with_for_update(key_share=True)
    )
    locked = {StoreIdentity(*row[:3]): _locked(StoreIdentity(*row[:3]), *row[3:]) for row in rows}
    return locked | {identity: locked[own] for identity, own in attributed.items()}, new


def lock_stores_of(
    connection: sa.Connection, files: Sequence[LedgerFile]
) -> tuple[list[LedgerFile], Stores, int]:
    """Lock the stores of claimed files; return the files, each with the sub-chain of its store."""
    stores, new = lock_stores(connection, {store_of(file) for file in files})
    inferred: dict[int, list[int]] = {}
    attributed = []
    for file in files:
        sub_chain_id = stores[store_of(file)].identity.sub_chain_id
        # Noted per file: if the number turns out to be ambiguous, just these files have to leave the store.
        if sub_chain_id != file.sub_chain_id:
            inferred.setdefault(sub_chain_id, []).append(file.id)
        attributed.append(replace(file, sub_chain_id=sub_chain_id))
    for sub_chain_id, ids in inferred.items():
        set_sub_chain(connection, ids, sub_chain_id)
    return attributed, stores, new


def _locked(
    identity: StoreIdentity, key: int, price_at: datetime | None, promotion_at: datetime | None
) -> LockedStore:
    newest = {Document.PRICES: price_at, Document.PROMOTIONS: promotion_at}
    return LockedStore(key=key, identity=identity, newest=newest)


def _make_sub_chains(connection: sa.Connection, stated: AbstractSet[tuple[Any, ...]]) -> None:
    """Make also sub-chain 0 of files that state none, wherever they belong: later files may not tell."""
    natural = (sub_chain.c.chain_id, sub_chain.c.sub_chain_id)
    query = sa.select(*natural).where(sa.tuple_(*natural).in_(sorted(stated)))
    missing = sorted(stated - {tuple(row) for row in connection.execute(query)})
    if missing:
        _insert(connection, chain, [{"chain_id": chain_id} for chain_id in dict(missing)])
        _insert(connection, sub_chain, [{"chain_id": row[0], "sub_chain_id": row[1]} for row in missing])


def _make_stores(connection: sa.Connection, identities: Sequence[StoreIdentity]) -> int:
    """Insert in sorted order; another loader may do the same at the same time."""
    if not identities:
        return 0
    never = {
        "first_seen_at": sa.text("'infinity'"),
        "last_seen_at": sa.text("'-infinity'"),
    }  # until `note_lists` or `note_files`
    return _insert(connection, store, [identity._asdict() for identity in identities], **never)


def _insert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], **values: Any
) -> int:
    insert_missing = insert(table).values(**{name: sa.bindparam(name) for name in rows[0]}, **values)
    made = insert_missing.on_conflict_do_nothing().returning(*table.primary_key)
    return len(connection.execute(made, rows).all())


@dataclass(slots=True, kw_only=True)
class _Seen:
    """Timestamps of files about a store."""

    first: datetime
    last: datetime
    price: datetime | None = None
    full_price: datetime | None = None
    promotion: datetime | None = None
    full_promotion: datetime | None = None


def note_lists(connection: sa.Connection, lists: Iterable[tuple[int, datetime]]) -> None:
    """Note that store lists of these timestamps show these stores, by key."""
    _note(connection, [(key, _Seen(first=at, last=at)) for key, at in lists])


def note_files(
    connection: sa.Connection, document: Document, files: Sequence[LedgerFile], stores: Stores
) -> None:
    """Note that these files are in the tables."""
    seen = []
    for file in files:
        key, at = stores[store_of(file)].key, published_at_of(file)
        complete_at = at if file.is_complete else None
        if document is Document.PRICES:
            seen.append((key, _Seen(first=at, last=at, price=at, full_price=complete_at)))
        else:
            seen.append((key, _Seen(first=at, last=at, promotion=at, full_promotion=complete_at)))
    _note(connection, seen)


def _note(connection: sa.Connection, sightings: Iterable[tuple[int, _Seen]]) -> None:
    seen: dict[int, _Seen] = {}
    for key, sighting in sightings:
        so_far = seen.setdefault(key, sighting)
        so_far.first, so_far.last = min(so_far.first, sighting.first), max(so_far.last, sighting.last)
        for name in _Seen.__slots__[2:]:
            setattr(so_far, name, _newer(getattr(so_far, name), getattr(sighting, name)))
    columns = {name: [getattr(seen_file, name) for seen_file in seen.values()] for name in _Seen.__slots__}
    connection.execute(_SEEN, {"keys": list(seen), **columns})


def _newer(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((at for at in (first, second) if at is not None), default=None)
