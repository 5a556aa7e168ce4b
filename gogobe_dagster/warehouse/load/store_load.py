"""One transaction of store lists: names, addresses and which stores are listed.

The newest list that shows a store describes it, in whatever order lists come; of two lists with one
timestamp the one with the later name (Shufersal numbers its lists of a day). A store is listed while the
newest complete list of its feed and chain shows it; one that only price files know is not. A list of a single
store says nothing about the others. Lists are small and take turns.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.warehouse.ledger.file_claims import claim, mark_loaded
from gogobe_dagster.warehouse.ledger.file_events import clean
from gogobe_dagster.warehouse.ledger.file_rows import FILE_COLUMNS, as_file
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.file_order import published_at_of
from gogobe_dagster.warehouse.load.store_keys import lock_stores, note_lists
from gogobe_dagster.warehouse.load.store_numbers import StoreIdentity, StoreNumber
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.store_localities import find_locality_code
from gogobe_dagster.warehouse.schema.tables import chain, file, store, sub_chain

Order = tuple[datetime, str, str, int]
"""Position of a list among all lists: by timestamp, then by feed, name and revision, never by arrival."""
Row = Mapping[str, Any]
NATURAL_KEYS = {
    "chain": ("chain_id",),
    "sub_chain": ("chain_id", "sub_chain_id"),
    "store": ("chain_id", "sub_chain_id", "store_id"),
}
DESCRIPTION = {
    name: name
    for name in ("check_digit", "store_type", "name", "address", "city", "zip_code", "locality_code")
}
_RELIST = sa.text("""
with verdict as (
    select s.store_key, not exists (
        select from file n
        where n.kind = 'stores' and n.state = 'loaded' and n.is_complete and n.feed = l.feed
        and n.chain_id = l.chain_id
        and (n.store_id is null or (n.store_id = s.store_id and n.sub_chain_id in (0, s.sub_chain_id)))
        and (n.published_at, n.name, n.revision) > (l.published_at, l.name, l.revision)
    ) as is_listed
    from store s join file l on l.file_id = s.list_file_id
    where l.feed = any(:feeds) and l.chain_id = any(:chains)
    -- by key, as all loaders lock stores: they wait for each other and never deadlock
    order by s.store_key for no key update of s
)
update store s set is_listed = v.is_listed from verdict v
where s.store_key = v.store_key and s.is_listed <> v.is_listed
returning s.is_listed
""")

_UNSEEN = sa.text("""
update store set is_listed = false, first_seen_at = 'infinity', last_seen_at = '-infinity',
    last_price_at = null, last_full_price_at = null, last_promotion_at = null, last_full_promotion_at = null
where chain_id = :chain_id
""")
_SEEN = sa.text("""
with seen as (
    select sub_chain_id, store_id, min(published_at) as first, max(published_at) as last,
        max(published_at) filter (where kind in ('prices', 'full_prices')) as price,
        max(published_at) filter (where kind in ('prices', 'full_prices') and is_complete) as complete,
        max(published_at) filter (where kind in ('promotions', 'full_promotions')) as promotion,
        max(published_at) filter (where kind in ('promotions', 'full_promotions') and is_complete)
            as complete_promotion
    from file where state = 'loaded' and kind <> 'stores' and chain_id = :chain_id
    group by sub_chain_id, store_id
)
update store s set first_seen_at = least(first_seen_at, seen.first),
    last_seen_at = greatest(last_seen_at, seen.last),
    last_price_at = seen.price, last_full_price_at = seen.complete,
    last_promotion_at = seen.promotion, last_full_promotion_at = seen.complete_promotion
from seen
where s.chain_id = :chain_id and s.sub_chain_id = seen.sub_chain_id and s.store_id = seen.store_id
""")


def loaded_lists(connection: sa.Connection, chain_id: str) -> list[LedgerFile]:
    """Return the loaded lists of the feeds that list this chain: any of them may name its stores."""
    are_lists = sa.and_(file.c.state == FileState.LOADED, file.c.kind == FileKind.STORES)
    feeds = sa.select(file.c.feed).where(are_lists, file.c.chain_id == chain_id)
    query = sa.select(*FILE_COLUMNS).where(are_lists, file.c.feed.in_(feeds))
    return [as_file(row) for row in connection.execute(query)]


class StoreLoad:
    """Loads store lists, a transaction at a time."""

    def __init__(self, lake: Lake, *, now: datetime) -> None:
        self._lake, self._now = lake, now

    def load(self, connection: sa.Connection, ids: Collection[int], *, wait: bool) -> Counter[str]:
        """Load those of these lists that nobody else is loading; return the counts of a LoadReport."""
        lock(connection, AdvisoryLock.STORE_LISTS)
        claimed = {file.id: file for file in claim(connection, ids, wait=wait)}
        counts = self._apply(connection, claimed)
        mark_loaded(connection, list(claimed.values()), {}, now=self._now)
        return counts + Counter(ended=_relist(connection, list(claimed.values())))

    def replay(self, connection: sa.Connection, chain_id: str) -> Counter[str]:
        """Drop what lists say of a chain and apply its lists again; note when files spoke of its stores."""
        lock(connection, AdvisoryLock.STORE_LISTS)
        stores = stores_of_chain(connection, chain_id)
        lock_stores(connection, stores)
        # Names that no remaining list states would stay for ever if lists were only applied over them.
        for table in (chain, sub_chain, store):
            nothing = dict.fromkeys((*DESCRIPTION, "name") if table is store else ("name",))
            forget = sa.update(table).where(table.c.chain_id == chain_id)
            connection.execute(forget.values(**nothing, list_file_id=None))
        connection.execute(_UNSEEN, {"chain_id": chain_id})
        lists = {store_list.id: store_list for store_list in loaded_lists(connection, chain_id)}
        self._apply(connection, lists)
        connection.execute(_SEEN, {"chain_id": chain_id})
        _relist(connection, list(lists.values()))
        return Counter(files=len(lists), stores=len(stores))

    def _apply(self, connection: sa.Connection, claimed: Mapping[int, LedgerFile]) -> Counter[str]:
        stated = self._rows(list(claimed.values()))
        stores, new = lock_stores(connection, {_stated(row) for row in stated}, _real_zeros(stated))
        ordered = sorted(stated, key=lambda row: (_order(claimed[row["file_id"]]), row["row_number"]))
        for table, name in ((chain, "chain_name"), (sub_chain, "sub_chain_name")):
            _write(connection, table, {"name": name}, [row for row in ordered if row[name]], claimed)
        described = [
            {**row, **stores[_stated(row)].identity._asdict(), "locality_code": _locality_code(row)}
            for row in ordered
        ]
        changed = _write(connection, store, DESCRIPTION, described, claimed)
        seen = [(stores[_stated(row)].key, published_at_of(claimed[row["file_id"]])) for row in stated]
        note_lists(connection, seen)
        return Counter(
            files=len(claimed),
            rows=len(stated),
            inserted=new,
            new_stores=new,
            changed=changed - new,
        )

    def _rows(self, files: Sequence[LedgerFile]) -> list[Row]:
        frame = self._lake.read(Document.STORES, {file.id: str(file.lake_path) for file in files})
        return [
            {name: clean(value) if isinstance(value, str) else value for name, value in row.items()}
            for row in frame.iter_rows(named=True)
        ]


def stores_of_chain(connection: sa.Connection, chain_id: str) -> set[StoreIdentity]:
    """Return the identities of a chain's stores."""
    natural = sa.select(store.c.chain_id, store.c.sub_chain_id, store.c.store_id)
    return {StoreIdentity(*row) for row in connection.execute(natural.where(store.c.chain_id == chain_id))}


def _stated(row: Row) -> StoreIdentity:
    return StoreIdentity(row["chain_id"], row["sub_chain_id"], row["store_id"])


def _locality_code(row: Row) -> int | None:
    return find_locality_code(row["city"], row["address"], row["name"])


def _real_zeros(rows: Iterable[Row]) -> set[StoreNumber]:
    """Return the numbers that one list shows in sub-chain 0 and in another."""
    sub_chains: dict[tuple[int, StoreNumber], set[int]] = {}
    for row in rows:
        identity = _stated(row)
        sub_chains.setdefault((row["file_id"], identity.number), set()).add(identity.sub_chain_id)
    return {number for (_, number), known in sub_chains.items() if 0 in known and len(known) > 1}


def _order(store_list: LedgerFile) -> Order:
    return published_at_of(store_list), store_list.feed, store_list.name, store_list.revision


def _write(
    connection: sa.Connection,
    table: sa.Table,
    columns: Mapping[str, str],
    rows: Iterable[Row],
    files: Mapping[int, LedgerFile],
) -> int:
    """Write what lists say, oldest first, unless a newer one did already; count the rows that change."""
    key = NATURAL_KEYS[table.name]
    known = _known(connection, table, list(columns))
    updates, changed = [], 0
    # The dictionary keeps the last row per key, which is the newest: rows come oldest first.
    for natural, row in sorted({tuple(row[part] for part in key): row for row in rows}.items()):
        order, before = known[natural]
        if order is None or order < _order(files[row["file_id"]]):
            listed = {column: row[name] for column, name in columns.items()}
            # A list that says nothing new is still noted: an older one that comes later must not win over it.
            changed += before != tuple(listed.values())
            this = {f"this_{part}": value for part, value in zip(key, natural, strict=True)}
            updates.append({**this, **listed, "list_file_id": row["file_id"]})
    if updates:
        is_this = [table.c[part] == sa.bindparam(f"this_{part}") for part in key]
        connection.execute(sa.update(table).where(*is_this), updates)
    return changed


def _known(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str]
) -> dict[tuple[Any, ...], tuple[Order | None, tuple[Any, ...]]]:
    """Return, by natural key, the order of the newest list that shows it, and what that list says."""
    key, order = NATURAL_KEYS[table.name], (file.c.published_at, file.c.feed, file.c.name, file.c.revision)
    query = sa.select(*(table.c[name] for name in (*key, *columns)), *order)
    rows = connection.execute(query.outerjoin_from(table, file, file.c.file_id == table.c.list_file_id))
    return {
        tuple(row[: len(key)]): (None if row[-1] is None else tuple(row[-4:]), tuple(row[len(key) : -4]))
        for row in rows
    }


def _relist(connection: sa.Connection, files: Sequence[LedgerFile]) -> int:
    """Settle which stores are listed; return how many left their list."""
    scope = {"feeds": [file.feed for file in files], "chains": [file.chain_id for file in files]}
    return connection.scalars(_RELIST, scope).all().count(False)
