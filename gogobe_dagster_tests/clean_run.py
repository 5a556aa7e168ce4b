"""What people see in the tables, and an import without faults to compare it with."""

from collections.abc import Iterable
from contextlib import closing

import psycopg

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.import_env import yesterday
from gogobe_dagster_tests.pipeline.import_process import STAGES, run_stage

Tables = dict[str, list[str]]
VIEWS = {
    "price_periods": "chain_id, sub_chain_id, store_id, store_name, city, gtin, code, product_name, price, "
    "published_unit_price, price_set_at, valid_from, valid_to",
    "promotions_now": "chain_id, sub_chain_id, store_id, promotion_id, description, code, "
    "effective_unit_price, price_basis, starts_at, ends_at, valid_from, offer_number, group_id",
    "store_coverage": "chain_id, sub_chain_id, store_id",
}


def tables(url: str) -> Tables:
    """The rows that people see, without keys, which depend on the order of loads."""
    with psycopg.connect(url) as connection:
        return {
            view: sorted(str(row) for row in connection.execute(f"select {columns} from {view}".encode()))
            for view, columns in VIEWS.items()
        }


def import_cleanly(settings: Settings, feeds: Iterable[str]) -> None:
    """Import yesterday's files of these feeds in this process, stage by stage; the tables exist."""
    with closing(Resources(settings)) as resources:
        for feed in map(find_feed, feeds):
            for stage in STAGES:
                run_stage(stage, feed, yesterday(), resources)
