"""Four queries on the views, with their results, which the demo prints."""

from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
import sqlalchemy as sa
from rich import box
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from gogobe_dagster.commands.tables import add_row


@dataclass(frozen=True, slots=True)
class DemoQuery:
    """A question and the SQL that answers it, to be pasted into psql."""

    title: str
    sql: str


DEMO_QUERIES = (
    DemoQuery(
        "Which products differ most in price between stores?",
        """select gtin, max(product_name) as product, count(*) as stores,
       min(price) as lowest, max(price) as highest
from current_prices where gtin is not null
group by gtin having count(distinct chain_id) > 2
order by max(price) / nullif(min(price), 0) desc, gtin limit 3""",
    ),
    DemoQuery(
        "Where is that product cheapest?",
        """select chain_name as chain, store_name as store, city, price
from current_prices where gtin = (
    select gtin from current_prices where gtin is not null
    group by gtin having count(distinct chain_id) > 2
    order by max(price) / nullif(min(price), 0) desc, gtin limit 1)
order by price, chain_id, store_id limit 3""",
    ),
    DemoQuery(
        "Which promotions save the most?",
        """select product_name as product, chain_name as chain, description as promotion,
       min(regular_price) as regular, min(effective_unit_price) as promoted
from promotions_now
where effective_unit_price < regular_price
    and not (needs_coupon or needs_club or coalesce(min_purchase_amount, 0) > 0)
group by product_key, product_name, chain_name, description
order by min(effective_unit_price / regular_price), product limit 3""",
    ),
    DemoQuery(
        "Which prices changed last?",
        """select changed_at at time zone 'Asia/Jerusalem' as changed, store_name as store,
       product_name as product, old_price, new_price
from price_changes order by changed_at desc, store_key, product_key limit 3""",
    ),
)


def show_demo_queries(engine: sa.Engine, console: Console) -> None:
    """Run each query and print its title, SQL and result."""
    for query in DEMO_QUERIES:
        console.print(f"\n[bold]{query.title}[/bold]")
        console.print(Syntax(query.sql, "sql", theme="ansi_dark", background_color="default"))
        with engine.connect() as connection:
            console.print(_table(pd.read_sql(sa.text(query.sql), connection, coerce_float=False)))


def _table(result: pd.DataFrame) -> Table:
    table = Table(*result.columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in result.itertuples(index=False):
        add_row(table, *map(_text, row))
    return table


def _text(value: object) -> str:
    """Format prices with agorot, times to the minute, and null as an empty text."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None or value is pd.NaT else str(value)
