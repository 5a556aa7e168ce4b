"""Rebuild tables from the lake: a document's rows are deleted and its files applied again.

Each store is rebuilt in a transaction of its own, under the locks that loads take. A killed rebuild has
therefore done whole stores, a second one does no harm, and loads go on meanwhile. A store without all of its
lake files is reported and left as it is. The rebuild of a document type is one entry of `REBUILDERS`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.warehouse.history.retention_watermark import HISTORY, LEDGER, removed_until
from gogobe_dagster.warehouse.load.loader import MOST_ROWS
from gogobe_dagster.warehouse.load.price_load import PriceLoad
from gogobe_dagster.warehouse.load.product_attributes import delete_unset, reset_days
from gogobe_dagster.warehouse.load.promotion_load import PromotionLoad
from gogobe_dagster.warehouse.load.store_keys import lock_stores
from gogobe_dagster.warehouse.load.store_load import StoreLoad, loaded_lists
from gogobe_dagster.warehouse.load.store_numbers import StoreIdentity
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to rebuild; empty: everything."""

    feeds: Sequence[str] = ()
    """Every store that these feeds published about, whichever feed its files are from."""
    chain_ids: Sequence[str] = ()
    store_ids: Sequence[int] = ()
    since: datetime | None = None
    """Prices and promotions from this time on only; earlier history stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A store, or a chain's lists, that cannot be rebuilt."""

    what: str
    reason: str
    code: Code = Code.LAKE_FILE_MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild did."""

    stores: int = 0
    files: int = 0
    missing: Sequence[Missing] = field(default_factory=list)


def rebuild_prices(engine: sa.Engine, lake: Lake, scope: Scope, *, now: datetime, tell: Tell) -> Rebuilt:
    """Rebuild the prices, history and product names of the scope's stores.

    Raises `ContentError` (`late_beyond_retention`) if history since then is no longer complete.
    """
    stores, missing = _divided(engine, Document.PRICES, scope, lake)
    whole = [] if scope.since else _whole_chains(engine, stores)
    with engine.begin() as connection:
        reset_days(connection, whole)
    load, counts = PriceLoad(lake, now=now, rows_at_once=MOST_ROWS), Counter[str]()
    for store in stores:
        counts += _replay(engine, load, store, scope.since)
        tell(_describe(store))
    with engine.begin() as connection:
        delete_unset(connection, whole)
    return Rebuilt(stores=len(stores), files=counts["files"], missing=missing)


def rebuild_promotions(engine: sa.Engine, lake: Lake, scope: Scope, *, now: datetime, tell: Tell) -> Rebuilt:
    """Rebuild the promotion periods of the scope's stores, and the offers of those promotions.

    Raises `ContentError` as `rebuild_prices` does.
    """
    stores, missing = _divided(engine, Document.PROMOTIONS, scope, lake)
    load, counts = PromotionLoad(lake, now=now, rows_at_once=MOST_ROWS), Counter[str]()
    for store in stores:
        counts += _replay(engine, load, store, scope.since)
        tell(_describe(store))
    return Rebuilt(stores=len(stores), files=counts["files"], missing=missing)


def _replay(
    engine: sa.Engine, load: PriceLoad | PromotionLoad, store: StoreIdentity, since: datetime | None
) -> Counter[str]:
    with engine.begin() as connection:
        connection.execute(sa.text("set local synchronous_commit = off"))
        lock_stores(connection, {store})  # before the lock of the past, as loaders do
        _check_kept(connection, since)
        return load.replay(connection, store, since=since or BEGINNING)


def rebuild_stores(engine: sa.Engine, lake: Lake, scope: Scope, *, now: datetime, tell: Tell) -> Rebuilt:
    """Rebuild the store lists of whole chains, and the first and last file seen per store."""
    load, counts, missing = StoreLoad(lake, now=now), Counter[str](), []
    for chain_id in _chains(engine, scope):
        what = f"store lists of chain {chain_id}"
        with engine.begin() as connection:
            paths = {str(store_list.lake_path) for store_list in loaded_lists(connection, chain_id)}
            lost = sorted(path for path in paths if not lake.has(path))
            if lost:
                missing.append(Missing(what=what, reason=_not_there(lost[0])))
                continue
            counts += load.replay(connection, chain_id)
        tell(what)
    return Rebuilt(stores=counts["stores"], files=counts["files"], missing=missing)


REBUILDERS: Mapping[Document, Callable[..., Rebuilt]] = {
    Document.STORES: rebuild_stores,
    Document.PRICES: rebuild_prices,
    Document.PROMOTIONS: rebuild_promotions,
}
"""How the tables of each document are rebuilt, in this order."""


_IS_LOADED = file.c.state == FileState.LOADED
_ARE_OF = {
    document: _IS_LOADED & file.c.kind.in_([kind for kind in FileKind if kind.document is document])
    for document in Document
}
_NATURAL = (file.c.chain_id, file.c.sub_chain_id, file.c.store_id)


def _chains(engine: sa.Engine, scope: Scope) -> list[str]:
    query = sa.select(file.c.chain_id).where(_IS_LOADED, *_within(scope)).distinct()
    with engine.connect() as connection:
        return sorted(connection.scalars(query))


def _divided(
    engine: sa.Engine, document: Document, scope: Scope, lake: Lake
) -> tuple[list[StoreIdentity], list[Missing]]:
    """Return the stores to rebuild, and those that cannot be."""
    with engine.connect() as connection:
        _check_kept(connection, scope.since)
    stores = _select_stores(engine, document, scope)
    lost = _missing(engine, document, stores, lake, scope.since)
    missing = [Missing(what=_describe(store), reason=why) for store, why in sorted(lost.items())]
    return [store for store in stores if store not in lost], missing


def _select_stores(engine: sa.Engine, document: Document, scope: Scope) -> list[StoreIdentity]:
    query = sa.select(*_NATURAL).where(_ARE_OF[document], *_within(scope)).distinct()
    if scope.store_ids:
        query = query.where(file.c.store_id.in_(scope.store_ids))
    with engine.connect() as connection:
        return sorted(StoreIdentity(*row) for row in connection.execute(query))


def _within(scope: Scope) -> list[sa.ColumnElement[bool]]:
    limits = ((file.c.feed, scope.feeds), (file.c.chain_id, scope.chain_ids))
    return [column.in_(values) for column, values in limits if values]


def _is_about(document: Document, store: StoreIdentity) -> sa.ColumnElement[bool]:
    is_it = (column == value for column, value in zip(_NATURAL, store, strict=True))
    return sa.and_(_ARE_OF[document], *is_it)


def _check_kept(connection: sa.Connection, since: datetime | None) -> None:
    """Check that every period valid at that time, which has to be opened again, and every file are known."""
    if since is None:
        return
    until = removed_until(connection, HISTORY, LEDGER)
    if until is not None and since <= until:
        reason = f"history or files until {until} are removed; rebuild from a later day, or everything"
        raise ContentError(Code.LATE_BEYOND_RETENTION, reason)


def _missing(
    engine: sa.Engine, document: Document, stores: Sequence[StoreIdentity], lake: Lake, since: datetime | None
) -> dict[StoreIdentity, str]:
    """Return the stores that lack a file of the lake, and which."""
    is_there: dict[str, bool] = {}
    missing = {}
    with engine.connect() as connection:
        for store in stores:
            query = sa.select(file.c.lake_path).where(_is_about(document, store)).distinct()
            if since is not None:
                query = query.where(file.c.published_at >= since)
            for path in connection.scalars(query):
                if path not in is_there:
                    is_there[path] = lake.has(path)
                if not is_there[path]:
                    missing[store] = _not_there(path)
    return missing


def _not_there(path: str) -> str:
    return f"{path} is not in the lake"


def _whole_chains(engine: sa.Engine, stores: Sequence[StoreIdentity]) -> list[str]:
    """Return the chains whose stores are all rebuilt: only then are all product names read again."""
    chain_ids = sorted({store.chain_id for store in stores})
    every = _select_stores(engine, Document.PRICES, Scope(chain_ids=chain_ids)) if chain_ids else []
    partly = {store.chain_id for store in set(every) - set(stores)}
    return [chain_id for chain_id in chain_ids if chain_id not in partly]


def _describe(store: StoreIdentity) -> str:
    return f"chain {store.chain_id}, sub-chain {store.sub_chain_id}, store {store.store_id}"
