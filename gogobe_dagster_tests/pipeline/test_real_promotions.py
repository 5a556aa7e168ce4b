"""Real promotion files go through every chapter, and the tables hold all that the lake has of them."""

from pathlib import Path

import polars as pl
import pytest

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster_tests.corpus import PROMOTIONS, RealFile, publish
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import import_all

pytestmark = pytest.mark.slow

FEEDS = ("rami_levy", "yohananof", "keshet", "shufersal", "king_store", "good_pharm")
CONTENT = ["chain_id", "promotion_id", "content_hash"]
CONTENTS = "select chain_id, promotion_id, replace(content_hash::text, '-', '') from promotion"
ITEMS = """
select r.chain_id, promotion_id, replace(content_hash::text, '-', ''), is_gift,
    ltrim(coalesce(p.gtin, p.code), '0')
from promotion r join promotion_item using (promotion_key) join product p using (product_key)
"""
CARRIED = """
select distinct f.chain_id, f.sub_chain_id, f.store_id, ps.promotion_id
from promotion_store ps join store s using (store_key)
join file f on f.chain_id = s.chain_id and f.sub_chain_id = s.sub_chain_id and f.store_id = s.store_id
"""


@pytest.mark.corpus
@pytest.mark.timeout(500)
def test_the_tables_hold_every_promotion_and_item_of_the_real_files(
    import_env: ImportEnv, corpus: Path
) -> None:
    published: dict[tuple[str, str], RealFile] = {}
    for key in FEEDS:
        files = publish(corpus, find_feed(key), yesterday(), PROMOTIONS)
        import_env.replica.publications(key).put(*files)
        published |= {(key, publication.name): real for publication, real in files.items()}
        import_all(import_env, key)

    ledger = [file for key in FEEDS for file in import_env.resources.ledger.of_days(key, [yesterday()])]
    assert {(file.feed, file.name) for file in ledger} == set(published)
    ends = {f"{published[file.feed, file.name].path.name}: {file.state} {file.code or ''}" for file in ledger}
    assert {end for end in ends if not end.endswith("loaded ")} == set()
    lake_paths = {file.id: str(file.lake_path) for file in ledger}
    stores = [(file.id, file.chain_id, file.sub_chain_id, file.store_id) for file in ledger]
    schema = ["file_id", "chain_id", "sub_chain_id", "store_id"]
    offers = import_env.resources.lake.read(Document.PROMOTIONS, lake_paths).join(
        pl.DataFrame(stores, schema=schema, orient="row"), on="file_id"
    )

    assert sorted(import_env.query(CONTENTS)) == rows(offers, *CONTENT)
    items = offers.explode("items").drop_nulls("items").unnest("items")
    items = items.with_columns(pl.col("code").str.strip_chars_start("0"))
    assert sorted(import_env.query(ITEMS)) == rows(items, *CONTENT, "is_gift", "code")
    assert sorted(import_env.query(CARRIED)) == rows(offers, *schema[1:], "promotion_id")
    assert len(published) > 20


def rows(frame: pl.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return sorted(frame.select(columns).unique().iter_rows())
