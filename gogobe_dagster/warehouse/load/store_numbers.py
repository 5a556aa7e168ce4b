"""Which sub-chain a store number belongs to, for files that state none.

Sub-chain 0, blank or missing means unknown. The store of such a file is the one that the chain's other files
and lists show under its number, if they show it in one sub-chain only. If they show it in several, or if one
store list shows it in sub-chain 0 and in another, an unknown sub-chain is ambiguous, and sub-chain 0 is a
store of its own. The answer depends on what files state, never on their order.

A number's first known sub-chain renames the store that was made without one, so its history stays with it.
When a number becomes ambiguous, files that were attributed to its sub-chain have to leave it again: that is
`ambiguous_numbers`. A transaction locks its numbers before its stores, so that no other one can learn of a
sub-chain meanwhile.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file, store_number


class StoreNumber(NamedTuple):
    """A store's number in its chain, whatever its sub-chain."""

    chain_id: str
    store_id: int


class StoreIdentity(NamedTuple):
    """The natural key of a store. As a file states it, sub-chain 0 means unknown."""

    chain_id: str
    sub_chain_id: int
    store_id: int

    @property
    def number(self) -> StoreNumber:
        """The key without the sub-chain."""
        return StoreNumber(self.chain_id, self.store_id)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where files without a sub-chain belong: a row of `store_number`."""

    sub_chain_id: int
    """The only known sub-chain; 0 if none or several are known."""
    is_ambiguous: bool

    def learn(self, stated: Collection[int], *, is_zero_real: bool) -> "Attribution":
        """Return the attribution after these sub-chains were stated too."""
        known = ({*stated, self.sub_chain_id}) - {0}
        is_ambiguous = self.is_ambiguous or len(known) > 1 or (is_zero_real and bool(known))
        return Attribution(0 if is_ambiguous else max(known, default=0), is_ambiguous)


_UPDATE = sa.text("""
update store_number n set sub_chain_id = l.sub_chain_id, is_ambiguous = l.is_ambiguous,
    is_settled = n.is_settled and (n.sub_chain_id = 0 or not l.is_ambiguous)
from unnest(cast(:chain_ids as text[]), cast(:store_ids as int[]), cast(:sub_chain_ids as int[]),
    cast(:ambiguous as boolean[])) as l (chain_id, store_id, sub_chain_id, is_ambiguous)
where n.chain_id = l.chain_id and n.store_id = l.store_id
""")
_NAME_SUB_CHAINS = sa.text("""
update store s set sub_chain_id = l.sub_chain_id
from unnest(cast(:chain_ids as text[]), cast(:store_ids as int[]), cast(:sub_chain_ids as int[]))
    as l (chain_id, store_id, sub_chain_id)
where s.chain_id = l.chain_id and s.sub_chain_id = 0 and s.store_id = l.store_id and l.sub_chain_id <> 0
returning s.chain_id, s.sub_chain_id, s.store_id
""")
"""Gives stores that were made without a sub-chain their own."""


def attribute(
    connection: sa.Connection,
    stated: Collection[StoreIdentity],
    real_zeros: Collection[StoreNumber] = (),
) -> dict[StoreIdentity, StoreIdentity]:
    """Lock these numbers until the transaction ends, and return the store of each stated identity.

    `real_zeros`: numbers that one store list shows in sub-chain 0 and in another.
    """
    sub_chains: dict[StoreNumber, set[int]] = defaultdict(set)
    for identity in stated:
        sub_chains[identity.number].add(identity.sub_chain_id)
    before = _lock(connection, sub_chains.keys())
    after = {
        number: known.learn(sub_chains[number], is_zero_real=number in real_zeros)
        for number, known in before.items()
    }
    learned = {number: now for number, now in after.items() if now != before[number]}
    if learned:
        _write(connection, learned)
    return {
        identity: identity._replace(sub_chain_id=identity.sub_chain_id or after[identity.number].sub_chain_id)
        for identity in stated
    }


def _lock(connection: sa.Connection, numbers: Collection[StoreNumber]) -> dict[StoreNumber, Attribution]:
    natural = (store_number.c.chain_id, store_number.c.store_id)
    are_these = sa.tuple_(*natural).in_(sorted(numbers))
    known = {StoreNumber(*row) for row in connection.execute(sa.select(*natural).where(are_these))}
    if missing := sorted(set(numbers) - known):
        # sorted, like the locks: another loader may make the same ones at the same time
        new = [number._asdict() for number in missing]
        connection.execute(insert(store_number).on_conflict_do_nothing(), new)
    columns = (*natural, store_number.c.sub_chain_id, store_number.c.is_ambiguous)
    rows = connection.execute(
        sa.select(*columns).where(are_these).order_by(*natural).with_for_update(key_share=True)
    )
    return {StoreNumber(*row[:2]): Attribution(*row[2:]) for row in rows}


def _write(connection: sa.Connection, learned: Mapping[StoreNumber, Attribution]) -> None:
    values = {
        "chain_ids": [number.chain_id for number in learned],
        "store_ids": [number.store_id for number in learned],
        "sub_chain_ids": [known.sub_chain_id for known in learned.values()],
    }
    ambiguous = [known.is_ambiguous for known in learned.values()]
    connection.execute(_UPDATE, {**values, "ambiguous": ambiguous})
    is_loaded = (file.c.state == FileState.LOADED) & (file.c.kind != FileKind.STORES)
    natural = sa.tuple_(file.c.chain_id, file.c.sub_chain_id, file.c.store_id)
    for chain_id, sub_chain_id, store_id in connection.execute(_NAME_SUB_CHAINS, values).all():
        are_its = natural == sa.tuple_(chain_id, 0, store_id)
        set_sub_chain(connection, sa.select(file.c.file_id).where(are_its, is_loaded), sub_chain_id)


def set_sub_chain(
    connection: sa.Connection, file_ids: sa.Select[tuple[int]] | Iterable[int], sub_chain_id: int
) -> None:
    """Note to which sub-chain files without one are attributed; 0: to none."""
    # locked in the order in which listings lock them
    in_order = sa.select(file.c.file_id).where(file.c.file_id.in_(file_ids)).order_by(file.c.file_id)
    ids = connection.scalars(in_order.with_for_update(key_share=True)).all()
    values = {"sub_chain_id": sub_chain_id, "is_sub_chain_inferred": sub_chain_id != 0}
    connection.execute(sa.update(file).where(file.c.file_id.in_(ids)).values(values))
