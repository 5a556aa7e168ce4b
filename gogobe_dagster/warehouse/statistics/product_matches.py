"""Which products of chains' own codes are products of other chains: what is proposed, and what people decide.

Proposals are found again with the statistics; those that are no more true go. What somebody has accepted or
rejected stays, whatever chains write later, until somebody decides otherwise.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.errors import GogobeError
from gogobe_dagster.warehouse.bulk_io.pg_copy import stage
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.enums import Decision
from gogobe_dagster.warehouse.schema.tables import product
from gogobe_dagster.warehouse.schema.watch_tables import product_match
from gogobe_dagster.warehouse.statistics.match_candidates import CANDIDATES, PRODUCTS, find_candidates

AT_ONCE: Final = 50_000
"""Rows that are fetched at a time."""
_STAGED: Final = (
    "product_key integer, other_key integer, is_end_of_gtin boolean, shared_words text, base_unit text,"
    " base_quantity numeric(14, 6), brand text"
)
_EVIDENCE: Final = CANDIDATES[2:]
_COLUMNS: Final = ", ".join(CANDIDATES)
# A chain that sells the GTIN under its own barcode means another product by the code. Of several GTINs with
# the same words, the one of the same brand, or that most chains sell, stands for all.
_LEAVE_OUT: Final = """
delete from candidate using product own, chain_product sold
where own.product_key = candidate.product_key
    and sold.chain_id = own.chain_id and sold.product_key = candidate.other_key;
delete from candidate using (
    select c.product_key, c.other_key, row_number() over (
        partition by c.product_key order by c.brand is null, p.chains desc nulls last, p.gtin
    ) as place
    from candidate c join product p on p.product_key = c.other_key where not c.is_end_of_gtin
) ranked
where ranked.place > 1
    and (ranked.product_key, ranked.other_key) = (candidate.product_key, candidate.other_key)
"""
_WRITE: Final = f"""
delete from product_match m where decision = 'proposed' and not exists (
    select from candidate c where (c.product_key, c.other_key) = (m.product_key, m.other_key)
);
insert into product_match as m ({_COLUMNS}) select {_COLUMNS} from candidate order by product_key, other_key
on conflict (product_key, other_key) do update set
    ({", ".join(_EVIDENCE)}) = row({", ".join(f"excluded.{name}" for name in _EVIDENCE)})
where ({", ".join(f"m.{name}" for name in _EVIDENCE)})
    is distinct from ({", ".join(f"excluded.{name}" for name in _EVIDENCE)})
"""  # noqa: S608 - columns of ours
_LIST: Final = sa.text("""
select * from product_matches
where (cast(:decision as text) is null or decision = :decision)
    and (cast(:chain as text) is null or chain_id = :chain)
    and (cast(:text as text) is null or concat_ws(' ', code, product_name, other_gtin, other_code, other_name)
        ilike :text)
order by is_end_of_gtin desc, base_unit is null, brand is null, other_chains desc nulls last, match_key
limit :limit
""")


class MatchError(GogobeError):
    """A decision about matches that cannot be taken."""


def propose_matches(engine: sa.Engine) -> None:
    """Find what may be matched, in the tables as they are. Decisions stay. Idempotent."""
    with engine.begin() as connection:
        lock(connection, AdvisoryLock.STATISTICS)
        stage(connection, "candidate", _STAGED, find_candidates(_products(connection)))
        for statement in (_LEAVE_OUT, _WRITE):
            for part in statement.split(";"):
                connection.execute(sa.text(part))


def _products(connection: sa.Connection) -> pl.DataFrame:
    columns = [product.c[name] for name in PRODUCTS]
    named = sa.select(*columns).where(product.c.name.is_not(None)).order_by(product.c.product_key)
    rows = connection.execute(named, execution_options={"yield_per": AT_ONCE})
    parts = [
        pl.DataFrame([tuple(row) for row in part], schema=PRODUCTS, orient="row")
        for part in rows.partitions()
    ]
    return pl.concat([pl.DataFrame(schema=PRODUCTS), *parts])


def matches(
    engine: sa.Engine, *, decision: Decision | None, chain_id: str | None, text: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return rows of the view product_matches, those with the most evidence first."""
    pattern = None if text is None else f"%{text}%"
    wanted = {"decision": decision, "chain": chain_id, "text": pattern, "limit": limit}
    with engine.connect() as connection:
        return [row._asdict() for row in connection.execute(_LIST, wanted)]


def decide(engine: sa.Engine, match_keys: Sequence[int], decision: Decision, *, now: datetime) -> None:
    """Accept or reject matches, all or none. Idempotent.

    Raises `MatchError` if there is none with such a key, or if a product has been accepted as another.
    """
    with engine.begin() as connection:
        lock(connection, AdvisoryLock.STATISTICS)
        chosen = sa.select(product_match).where(product_match.c.match_key.in_(match_keys))
        rows = connection.execute(chosen).all()
        if unknown := sorted(set(match_keys) - {row.match_key for row in rows}):
            raise MatchError(f"there is no match {unknown[0]}; `gogobe matching list` shows the numbers")
        changed = product_match.c.decision != decision
        update = sa.update(product_match).where(product_match.c.match_key.in_(match_keys), changed)
        try:
            connection.execute(update.values(decision=decision, decided_at=now))
        except sa.exc.IntegrityError as error:
            raise MatchError(
                "one of these products is accepted as another product already: "
                "reject that match first (`gogobe matching list --decision accepted`)"
            ) from error
