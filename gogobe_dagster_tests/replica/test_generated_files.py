"""What is made up is read whole: every feed's documents, by the reader that imports use."""

from datetime import date, datetime

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds import FEEDS, Feed
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.files.names import FileName
from gogobe_dagster.parsing.reading import ParsedFile, read_file
from gogobe_dagster.replica.generator.market import Market
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.publication import Publication, Shelf

TODAY = date(2026, 8, 11)
EVENING = datetime(2026, 8, 11, 23, 30, tzinfo=ISRAEL)
MARKET = Market(stores=3, items=60)
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.key)


def published(feed: Feed, document: Document) -> list[Publication]:
    shelf = Shelf()
    publish_day({feed.key: shelf}, [feed], day=TODAY, market=MARKET, now=EVENING)
    return [file for file in shelf.publications() if file.kind and file.kind.document is document]


def read(file: Publication) -> ParsedFile:
    parsed = read_file(file.read(), name=file.name, limit=1 << 24)
    assert (parsed.report.rejected, parsed.report.duplicates, parsed.report.unknown) == (0, 0, {}), file.name
    return parsed


@each_feed
def test_every_price_file_says_the_prices_of_its_store(feed: Feed) -> None:
    branches = {branch.store_id: branch for branch in MARKET.branches(feed)}
    files = published(feed, Document.PRICES)

    assert {file.store_id for file in files if file.kind is FileKind.FULL_PRICES} == set(branches)
    for file in files:
        parsed, branch = read(file), branches[file.store_id or 0]
        truth = {
            priced.product.code: priced.price
            for priced in MARKET.prices(branch, FileName.parse(file.name).published_at)
        }
        said = dict(zip(parsed.rows["code"], parsed.rows["price"], strict=True))
        assert said.items() <= truth.items()
        assert file.kind is FileKind.PRICES or said == truth
        header = (parsed.header.chain_id, parsed.header.sub_chain_id, parsed.header.store_id)
        assert header == (branch.chain_id, branch.sub_chain_id, branch.store_id)


@each_feed
def test_the_stores_files_name_every_store(feed: Feed) -> None:
    said = [
        (row["chain_id"], row["sub_chain_id"], row["store_id"], row["name"])
        for file in published(feed, Document.STORES)
        for row in read(file).rows.iter_rows(named=True)
    ]

    assert sorted(said) == sorted(
        (branch.chain_id, branch.sub_chain_id, branch.store_id, branch.name)
        for branch in MARKET.branches(feed)
    )
