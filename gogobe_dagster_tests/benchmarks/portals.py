"""Portals for the benchmarks, in a process of their own: `portals.serve(…)` starts it and gives its address.

Feeds publish about as many files as in August 2026 (docs/chains.md), times a scale; the contents are random
bytes.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from random import Random

from gogobe_dagster import clock
from gogobe_dagster.feeds.registry import FEEDS, Feed, find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.publication import Publication, Publications
from gogobe_dagster.replica.server import Replica

DAY = clock.day_of(clock.now()) - timedelta(days=1)
EVENING = datetime.combine(DAY, time(23, 59), tzinfo=clock.ISRAEL)
WORDS = {
    FileKind.FULL_PRICES: "PriceFull",
    FileKind.FULL_PROMOTIONS: "PromoFull",
    FileKind.PRICES: "Price",
    FileKind.PROMOTIONS: "Promo",
}
DELTAS_A_STORE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler(Publication):
    """A file of its own bytes, made when it is asked for: 4,000 of them would not fit into the memory."""

    content: bytes = field(repr=False)
    """What all files share; each has its name's hash before it."""

    @property
    def size(self) -> int:
        """Bytes as served."""
        return 32 + len(self.content)

    def read(self) -> bytes:
        """Return the bytes as served."""
        return blake2b(self.name.encode(), digest_size=32).digest() + self.content


def usual(feed: Feed) -> int:
    """How many files the feed publishes on a day: as counted, or as its stores let expect."""
    fulls = 2 * feed.stores if feed.full_files_per_day is None else feed.full_files_per_day
    return fulls + (
        DELTAS_A_STORE * feed.stores if feed.delta_files_per_day is None else feed.delta_files_per_day
    )


def publications(feed: Feed, content: bytes) -> Iterator[Publication]:
    """Make files without end: a full one of each kind a store first, then changes, a minute apart."""
    morning = datetime.combine(DAY, time(3), tzinfo=clock.ISRAEL)
    for minute in range(20 * 60):
        kinds = (FileKind.FULL_PRICES, FileKind.FULL_PROMOTIONS)
        for kind in kinds if minute == 0 else (FileKind.PRICES, FileKind.PROMOTIONS):
            for store in range(1, feed.stores + 1):
                at = morning + timedelta(minutes=minute)
                yield Filler(
                    name=f"{WORDS[kind]}{feed.chain_id}-001-{store:03d}-{at:%Y%m%d-%H%M%S}.gz",
                    content=content,
                    published_at=at,
                    kind=kind,
                    store_id=store,
                    store_label=f"{store} - סניף",
                )


@contextmanager
def serve(counts: dict[str, int], *, size: int) -> Iterator[str]:
    """Serve these numbers of files of `size` bytes by feed, until the block ends."""
    wanted = [f"{key}={number}" for key, number in counts.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", __spec__.name, str(size), *wanted],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdin
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(30)


def main(size: int, wanted: Sequence[str]) -> None:
    """Publish, print the address, and end when the other process has ended."""
    content = Random(1).randbytes(size - 32)
    numbers = {key: int(number) for key, _, number in (item.partition("=") for item in wanted)}
    publications_by_feed = {
        key: Publications(islice(publications(find_feed(key), content), number))
        for key, number in numbers.items()
    }
    with Replica(publications_by_feed, clock=lambda: EVENING) as replica:
        print(replica.url, flush=True)
        sys.stdin.read()


def all_feeds(scale: float) -> dict[str, int]:
    """How many files each feed publishes, by a scale; at least one, or its listing would be a failure."""
    return {feed.key: max(1, round(usual(feed) * scale)) for feed in FEEDS}


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
