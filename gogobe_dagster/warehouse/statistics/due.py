"""Which days are to be found again. Every load notes the first day of its files, by chain.

Notes are rows of their own: a load waits for nobody, and a note that is written while statistics are found
stays for the next time.
"""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from gogobe_dagster.clock import day_of
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.file_order import published_at_of, store_of
from gogobe_dagster.warehouse.schema.statistics_tables import statistics_due


def note_due(connection: sa.Connection, files: Sequence[LedgerFile]) -> None:
    """Note that the days since these files are to be found again."""
    first: dict[str, date] = {}
    for file in files:
        chain_id, day = store_of(file).chain_id, day_of(published_at_of(file))
        first[chain_id] = min(first.get(chain_id, day), day)
    rows = [{"chain_id": chain_id, "since_day": day} for chain_id, day in first.items()]
    if rows:
        connection.execute(sa.insert(statistics_due), rows)
