"""A file that no reader can take costs nobody but itself: the rest of its batch is loaded."""

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest

from gogobe_dagster import pipeline
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.corruption import unpacked
from gogobe_dagster_tests.import_env import yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import OpenScene, Scene

pytestmark = pytest.mark.slow

Poison = Callable[[bytes], bytes]
EMPTY_MEMBER = gzip.compress(b"")
NAME_FLAG = b"\x1f\x8b\x08\x08"


def in_first_name(text: bytes) -> Poison:
    return lambda document: gzip.compress(document.replace(b"</ItemName>", text + b"</ItemName>", 1))


def with_long_gzip_name(document: bytes) -> bytes:
    """RFC 1952: with this flag the name follows the ten bytes of the header, up to a NUL."""
    packed = gzip.compress(document)
    return NAME_FLAG + packed[4:10] + b"n" * (512 << 10) + b"\0" + packed[10:]


POISONS: dict[str, tuple[Poison, str]] = {
    "a broken emoji": (in_first_name(b"&#xD83D;&#xDE00;"), "loaded"),
    "half of an emoji": (in_first_name(b"&#xD83D;"), "loaded"),
    "a NUL by number": (in_first_name(b"&#0;"), "loaded"),
    "a name of 512 KB in the gzip header": (with_long_gzip_name, "loaded"),
    "a million empty gzip members": (lambda _: EMPTY_MEMBER * 1_000_000, "quarantined hostile_content"),
    "elements in elements": (
        lambda _: gzip.compress(b"<a>" * 1_000_000),
        "quarantined hostile_content",
    ),
    "a thousand empty gzip members": (
        lambda document: EMPTY_MEMBER * 1000 + gzip.compress(document),
        "loaded",
    ),
}


def import_with(poison: Poison, scene: Scene) -> str:
    scene.publish(stores=3)
    poisoned = scene.full()
    scene.publications.put(replace(poisoned, content=poison(unpacked(poisoned.read()))))
    scene.poll()
    scene.take()
    for document in Document:
        pipeline.load(document, scene.feed, [yesterday()], scene.resources)
    return poisoned.name


@pytest.mark.parametrize("name", POISONS)
def test_the_other_files_of_the_batch_are_loaded(name: str, scene: OpenScene) -> None:
    poison, expected = POISONS[name]
    feed = scene("keshet")

    poisoned = import_with(poison, feed)

    states = feed.states()
    assert states.pop(poisoned) == expected
    assert len(states) == 3
    assert set(states.values()) == {"loaded"}


@pytest.mark.parametrize(("written", "meant"), [("&#xD83D;&#xDE00;", "😀"), ("&#55357;", "�")])
def test_a_product_whose_name_has_a_broken_emoji_is_in_the_lake(
    written: str, meant: str, scene: OpenScene
) -> None:
    feed = scene("keshet")

    poisoned = import_with(in_first_name(written.encode()), feed)

    ((file_id, lake_path, rejected),) = feed.of(poisoned, "file_id", "lake_path", "rejected")
    rows = feed.resources.lake.read(Document.PRICES, {file_id: lake_path})
    assert rows["name"].str.ends_with(meant).sum() == 1
    assert rejected == 0
