"""Numbers for people about the ledger and the tables."""

from datetime import date

import sqlalchemy as sa

from gogobe_dagster.warehouse.ledger.summaries import rejects_by_reason, table_rows
from gogobe_dagster.warehouse.schema.tables import file

DAY = date(2026, 11, 23)
FILE = """
insert into file
    (feed, name, revision, publication_day, link, state, reject_reasons, first_seen_at, last_seen_at)
values ('keshet', :name, 1, :day, '', 'discovered', cast(:reasons as jsonb), now(), now())
"""


def test_rejects_are_summed_by_reason_over_the_files_of_the_days(engine: sa.Engine) -> None:
    reasons = ['{"no_price": 2, "bad_code": 1}', '{"no_price": 3}', "null", None]
    with engine.begin() as connection:
        for number, reason in enumerate(reasons):
            values = {"name": str(number), "day": DAY, "reasons": reason}
            connection.execute(sa.text(FILE), values)

    assert rejects_by_reason(engine, "keshet", [DAY]) == {"no_price": 5, "bad_code": 1}
    assert rejects_by_reason(engine, "rami_levy", [DAY]) == {}
    assert table_rows(engine, file) == 4
