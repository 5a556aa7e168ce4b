"""One transaction of store lists: names, addresses and which stores are listed.

The newest list that shows a store describes it, in whatever order lists come; of one stamp the later name
(Shufersal numbers its lists of a day). A store is listed while the newest complete list of its feed and
chain shows it; one that only price files know is not. A list of one store alone says nothing of the others.
Lists are small and take turns.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.lake import Lake
from gogobe_dagster.warehouse.claims import claim, mark_loaded
from gogobe_dagster.warehouse.journal import clean
from gogobe_dagster.warehouse.ledger import LedgerFile
from gogobe_dagster.warehouse.order import stamp_of
from gogobe_dagster.warehouse.places import Place, lock_stores, note_lists
from gogobe_dagster.warehouse.tables import chain, file, store, sub_chain

Order = tuple[datetime, str, str, int]
"""Place of a list among all lists: by stamp, then by feed, name and revision, never by arrival."""
Row = Mapping[str, Any]
NATURAL_KEYS = {
    "chain": ("chain_id",),
    "sub_chain": ("chain_id", "sub_chain_id"),
    "store": ("chain_id", "sub_chain_id", "store_id"),
}
DESCRIPTION = {name: name for name in ("check_digit", "store_type", "name", "address", "city", "zip_code")}
_TURNS = 0x60_60_BE_02
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
)
update store s set is_listed = v.is_listed from verdict v
where s.store_key = v.store_key and s.is_listed <> v.is_listed
returning s.is_listed
""")


class StoreLoad:
    """Loads store lists, a transaction at a time."""

    def __init__(self, lake: Lake, *, now: datetime) -> None:
        self._lake, self._now = lake, now

    def load(self, connection: sa.Connection, ids: Collection[int], *, wait: bool) -> Counter[str]:
        """Load those of these lists that nobody else is loading; return the counts of a LoadReport."""
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURNS)))
        claimed = {one.id: one for one in claim(connection, ids, wait=wait)}
        rows = self._rows(list(claimed.values()))
        stores, new = lock_stores(connection, {_place(row) for row in rows})
        ordered = sorted(rows, key=lambda row: (_order(claimed[row["file_id"]]), row["row_number"]))
        for table, name in ((chain, "chain_name"), (sub_chain, "sub_chain_name")):
            _write(connection, table, {"name": name}, [row for row in ordered if row[name]], claimed)
        changed = _write(connection, store, DESCRIPTION, ordered, claimed)
        seen = [(stores[_place(row)].key, stamp_of(claimed[row["file_id"]])) for row in rows]
        note_lists(connection, seen)
        mark_loaded(connection, list(claimed.values()), {}, now=self._now)
        ended = _relist(connection, list(claimed.values()))
        return Counter(
            files=len(claimed),
            rows=len(rows),
            inserted=new,
            new_stores=new,
            changed=changed - new,
            ended=ended,
        )

    def _rows(self, files: Sequence[LedgerFile]) -> list[Row]:
        frame = self._lake.read(Document.STORES, {one.id: str(one.lake_path) for one in files})
        return [
            {name: clean(value) if isinstance(value, str) else value for name, value in row.items()}
            for row in frame.iter_rows(named=True)
        ]


def _place(row: Row) -> Place:
    return Place(row["chain_id"], row["sub_chain_id"], row["store_id"])


def _order(one: LedgerFile) -> Order:
    return stamp_of(one), one.feed, one.name, one.revision


def _write(
    connection: sa.Connection,
    table: sa.Table,
    columns: Mapping[str, str],
    rows: Iterable[Row],
    files: Mapping[int, LedgerFile],
) -> int:
    """Write what lists say, oldest first, where no newer one has spoken; count the rows that change by it."""
    key = NATURAL_KEYS[table.name]
    known = _known(connection, table, list(columns))
    updates, changed = [], 0
    for natural, row in sorted({tuple(row[part] for part in key): row for row in rows}.items()):
        order, before = known[natural]
        if order is None or order < _order(files[row["file_id"]]):
            said = {column: row[name] for column, name in columns.items()}
            changed += before != tuple(said.values())
            this = {f"this_{part}": value for part, value in zip(key, natural, strict=True)}
            updates.append({**this, **said, "list_file_id": row["file_id"]})
    if updates:
        is_this = [table.c[part] == sa.bindparam(f"this_{part}") for part in key]
        connection.execute(sa.update(table).where(*is_this), updates)
    return changed


def _known(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str]
) -> dict[tuple[Any, ...], tuple[Order | None, tuple[Any, ...]]]:
    """Return, by natural key, the place of the list that spoke last, and what it said."""
    key, order = NATURAL_KEYS[table.name], (file.c.published_at, file.c.feed, file.c.name, file.c.revision)
    query = sa.select(*(table.c[name] for name in (*key, *columns)), *order)
    rows = connection.execute(query.outerjoin_from(table, file, file.c.file_id == table.c.list_file_id))
    return {
        tuple(row[: len(key)]): (None if row[-1] is None else tuple(row[-4:]), tuple(row[len(key) : -4]))
        for row in rows
    }


def _relist(connection: sa.Connection, files: Sequence[LedgerFile]) -> int:
    """Settle which stores are listed; return how many left their list."""
    scope = {"feeds": [one.feed for one in files], "chains": [one.chain_id for one in files]}
    return connection.scalars(_RELIST, scope).all().count(False)
