"""Real files from a folder are published as they are."""

import gzip
from pathlib import Path

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.folder import fill_from_folder
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import ShufersalVisitor, name_in

CONTENT = gzip.compress("<Root><ItemName>חלב</ItemName></Root>".encode())


@pytest.fixture
def publications_by_feed() -> dict[str, Publications]:
    return {feed.key: Publications() for feed in FEEDS}


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)


def test_a_flat_file_goes_to_the_feed_that_owns_its_chain_id(
    tmp_path: Path, publications_by_feed: dict[str, Publications]
) -> None:
    write(tmp_path, "PriceFull7290058140886-028-202506250010.gz", "deep/er/Stores72906390-202211021530.xml")

    strangers = fill_from_folder(publications_by_feed, tmp_path, FEEDS)

    assert strangers == []
    (milk,) = publications_by_feed["rami_levy"].all()
    assert (milk.kind, milk.store_id, milk.read()) == (FileKind.FULL_PRICES, 28, CONTENT)
    assert milk.published_at.astimezone(ISRAEL).isoformat() == "2025-06-25T00:10:00+03:00"
    assert len(publications_by_feed["stop_market"]) == 1


def test_a_file_in_a_feeds_folder_is_published_whatever_its_name(
    tmp_path: Path, publications_by_feed: dict[str, Publications]
) -> None:
    write(tmp_path, "yohananof/PromoFull0000000000000-00-1-202506230505.gz", "yohananof/index.html")

    fill_from_folder(publications_by_feed, tmp_path, FEEDS)

    assert [file.kind for file in publications_by_feed["yohananof"].all()] == [None, None]


def test_files_of_no_feed_are_named(tmp_path: Path, publications_by_feed: dict[str, Publications]) -> None:
    write(tmp_path, "PriceFull7291029710008-260-202505310519.gz", "notes.txt", ".hidden")

    strangers = fill_from_folder(publications_by_feed, tmp_path, FEEDS)

    assert [path.name for path in strangers] == ["PriceFull7291029710008-260-202505310519.gz", "notes.txt"]


@pytest.mark.corpus
def test_real_files_are_served_exactly(corpus: Path, publications_by_feed: dict[str, Publications]) -> None:
    fill_from_folder(publications_by_feed, corpus / "files", FEEDS)

    with Replica(publications_by_feed) as replica:
        visitor = ShufersalVisitor(replica.url)
        links = visitor.links(1, category=0)

        assert len(links) == 20
        for link in links:
            lies_at = publications_by_feed["shufersal"].get(name_in(link))
            assert lies_at is not None
            assert visitor.fetch(link).content == lies_at.read()
