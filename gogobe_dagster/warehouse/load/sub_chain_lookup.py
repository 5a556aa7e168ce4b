"""Which sub-chain a store belongs to, as the names of its feed's price files tell.

For files that print sub-chain 0 of a chain that numbers its stores once: the promotions of Netiv HaHesed
(docs/portals.md, Netiv HaHesed). A listing shows them together with the price files and is recorded before
any file is fetched, so the answer does not depend on the order in which files are read or loaded.
"""

from datetime import date

import sqlalchemy as sa

from gogobe_dagster.feeds.registry import Feed

_SUB_CHAINS = sa.text("""
select distinct on (store_id) store_id, sub_chain_id from file
where feed = :feed and chain_id = any(:chains) and kind in ('prices', 'full_prices')
and store_id is not null and sub_chain_id > 0
order by store_id, abs(publication_day - :day), published_at, name, revision
""")


def sub_chains(engine: sa.Engine, feed: Feed, day: date) -> dict[int, int]:
    """Return the sub-chain of each store; of a store that changed it, the one nearest to that day."""
    if not feed.has_unique_store_numbers:
        return {}
    asked = {"feed": feed.key, "chains": list(feed.chain_ids), "day": day}
    with engine.connect() as connection:
        return {row.store_id: row.sub_chain_id for row in connection.execute(_SUB_CHAINS, asked)}
