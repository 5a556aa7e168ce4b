"""Late files: those that are not newer than all of their document that their store already has.

The store's prices, or its promotions, are taken back to what they were just before the oldest of them, by
undoing the history since then; the files that followed are applied again together with the late ones. History
before is final, and the lake has the rows of the files since. The locks of `store_keys` keep other
loaders away meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.errors import Code
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.warehouse.history.retention_watermark import HISTORY, LAKE, removed_until
from gogobe_dagster.warehouse.ledger.file_claims import quarantine
from gogobe_dagster.warehouse.ledger.file_rows import FILE_COLUMNS, as_file
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.file_order import chunks, published_at_of, store_of
from gogobe_dagster.warehouse.load.store_keys import Stores
from gogobe_dagster.warehouse.load.store_numbers import StoreIdentity
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file

_UNDO = {
    Document.PRICES: (
        """
        delete from price_current
        using unnest(cast(:keys as int[]), cast(:timestamps as timestamptz[])) as late (key, since)
        where store_key = late.key and valid_from >= late.since
        """,
        # A period that had begun before, and ended since, is the current one again.
        """
        with undone as (
            delete from price_past
            using unnest(cast(:keys as int[]), cast(:timestamps as timestamptz[])) as late (key, since)
            where store_key = late.key and valid_to >= late.since and valid_to >= :oldest
            returning store_key, product_key, price, published_unit_price, price_set_at, valid_from, file_id,
                late.since
        )
        insert into price_current
            (store_key, product_key, price, published_unit_price, price_set_at, valid_from, file_id)
        select store_key, product_key, price, published_unit_price, price_set_at, valid_from, file_id
        from undone where valid_from < since
        """,
    ),
    Document.PROMOTIONS: (
        """
        delete from promotion_store
        using unnest(cast(:keys as int[]), cast(:timestamps as timestamptz[])) as late (key, since)
        where store_key = late.key and valid_from >= late.since
        """,
        """
        update promotion_store set valid_to = null, closed_by_file_id = null
        from unnest(cast(:keys as int[]), cast(:timestamps as timestamptz[])) as late (key, since)
        where store_key = late.key and valid_to >= late.since
        """,
    ),
}


def late_since(
    document: Document, files: Sequence[LedgerFile], stores: Stores
) -> dict[StoreIdentity, datetime]:
    """Return the stores for which some of these files are late, with the timestamp of the oldest late one."""
    since: dict[StoreIdentity, datetime] = {}
    for candidate in files:
        if _is_late(document, candidate, stores):
            identity, at = store_of(candidate), published_at_of(candidate)
            since[identity] = min(since.get(identity, at), at)
    return since


def _is_late(document: Document, file: LedgerFile, stores: Stores) -> bool:
    newest = stores[store_of(file)].newest[document]
    # An equal timestamp is late too: which of two such files counts is decided by name, not by arrival.
    return newest is not None and published_at_of(file) <= newest


def quarantine_too_late(
    connection: sa.Connection,
    document: Document,
    claimed: Sequence[LedgerFile],
    stores: Stores,
    *,
    now: datetime,
) -> list[LedgerFile]:
    """Quarantine late files if what followed them is not kept any more; return the others."""
    late = [file for file in claimed if _is_late(document, file, stores)]
    until = removed_until(connection, LAKE, HISTORY) if late else None
    too_late = [file for file in late if until is not None and published_at_of(file) <= until]
    if too_late:
        reason = (
            f"its store has newer {document}, and what is needed to change them goes back to {until} only"
        )
        quarantine(connection, too_late, Code.LATE_BEYOND_RETENTION, reason, now=now)
    ids = {file.id for file in too_late}
    return [file for file in claimed if file.id not in ids]


def undo_since(
    connection: sa.Connection,
    document: Document,
    since: Mapping[StoreIdentity, datetime],
    stores: Stores,
) -> list[LedgerFile]:
    """Undo the history of these stores since a timestamp; return the loaded files to apply again."""
    if not since:
        return []
    late = {
        "keys": [stores[identity].key for identity in since],
        "timestamps": list(since.values()),
        "oldest": min(since.values()),  # so that the months before it are not looked at
    }
    for statement in _UNDO[document]:
        connection.execute(sa.text(statement), late)
    kinds = [kind for kind in FileKind if kind.document is document]
    loaded = sa.select(*FILE_COLUMNS).where(file.c.state == FileState.LOADED, file.c.kind.in_(kinds))
    are_theirs = [
        sa.tuple_(file.c.chain_id, file.c.sub_chain_id, file.c.store_id) == sa.tuple_(*identity)
        for identity in since
    ]
    is_since = [
        theirs & (file.c.published_at >= at) for theirs, at in zip(are_theirs, since.values(), strict=True)
    ]
    return [as_file(row) for row in connection.execute(loaded.where(sa.or_(*is_since)))]


def apply_with_followers(
    claimed: Sequence[LedgerFile],
    rows: pl.DataFrame,
    followers: Sequence[LedgerFile],
    *,
    read: Callable[[Sequence[LedgerFile]], pl.DataFrame],
    apply: Callable[[Sequence[LedgerFile], pl.DataFrame], Counter[str]],
    max_rows: int,
) -> Counter[str]:
    """Apply claimed files, whose rows these are, together with the loaded files that follow a late one.

    In order, in chunks that memory bears; only the rows of the followers are read again.
    """
    if not followers:
        return apply(claimed, rows)
    counts: Counter[str] = Counter()
    loaded = {file.id for file in followers}
    for chunk in chunks([*claimed, *followers], max_rows):
        of_claimed = rows.filter(pl.col("file_id").is_in([file.id for file in chunk]))
        of_followers = read([file for file in chunk if file.id in loaded])
        counts += apply(chunk, pl.concat([of_claimed, of_followers]))
    return counts
