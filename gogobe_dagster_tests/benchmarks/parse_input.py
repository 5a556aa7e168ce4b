"""What the benchmark of parsing reads: generated files of the real sizes, and real ones of the corpus.

They are written into a folder once, as a raw store would have them. Nothing is measured here.
"""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.styles import style_of

NOON = datetime(2026, 11, 23, 12, tzinfo=ISRAEL)
FEEDS = ("rami_levy", "shufersal", "king_store", "tiv_taam")
"""They write four dialects; a full file of theirs has 5,000 to 10,000 items."""
FULL_ITEMS = 9_000  # of which a store sells four in five
STORES = 6
DELTA_ITEMS = 20
LARGE = 1_000_000  # bytes unpacked, of real files that are worth measuring one by one


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file as served, and its name."""

    name: str
    path: Path

    @property
    def size(self) -> int:
        """Bytes as served."""
        return self.path.stat().st_size

    def read(self) -> bytes:
        """Return the bytes as served."""
        return self.path.read_bytes()


def full_files(folder: Path, *, scale: float) -> list[InputFile]:
    """Write full price files of four chains, 24 at scale 1."""
    market = SyntheticMarket(stores=STORES, items=FULL_ITEMS)
    wanted = max(len(FEEDS), round(STORES * len(FEEDS) * scale))
    files = []
    for number in range(wanted):
        feed = find_feed(FEEDS[number % len(FEEDS)])
        stores = [store for store in market.stores(feed) if not store.is_online]  # that one is a zip
        store = stores[number // len(FEEDS) % len(stores)]
        style = style_of(feed, store, NOON.date())
        name = style.name(FileKind.FULL_PRICES, store, NOON)
        document = style.prices.write(store, market.prices(store, NOON))
        files.append(_write(folder / f"full-{number}", name, style.pack(document, name)))
    return files


def delta_files(folder: Path, *, number: int) -> list[InputFile]:
    """Write this number of delta files, of twenty rows each."""
    market, rng, files = SyntheticMarket(stores=STORES, items=FULL_ITEMS // 4), random.Random(1), []
    for entry in range(number):
        feed = find_feed(FEEDS[entry % len(FEEDS)])
        store = rng.choice(market.stores(feed))
        style = style_of(feed, store, NOON.date())
        name = style.name(FileKind.PRICES, store, NOON)
        items = rng.sample(market.stocked(store), DELTA_ITEMS)
        document = style.prices.write(store, [item.at(NOON) for item in items])
        files.append(_write(folder / f"delta-{entry}", name, style.pack(document, name)))
    return files


def real_price_files(corpus: Path) -> list[InputFile]:
    """Return the large price files of the corpus that came as gzip, if there is a corpus."""
    return [file for file, row in _real(corpus) if row["kind"] in {"Price", "PriceFull"} and not row["note"]]


def largest_promotions(corpus: Path) -> InputFile | None:
    """Return the promotion file that unpacks to the most bytes, 116 MB, if there is a corpus."""
    found = [(int(row["bytes_raw"]), file) for file, row in _real(corpus) if "Promo" in row["kind"]]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _real(corpus: Path) -> Iterator[tuple[InputFile, dict[str, str]]]:
    manifest = corpus / "MANIFEST.tsv"
    if not manifest.is_file():
        return
    with manifest.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if row["container"] == "gzip" and int(row["bytes_raw"] or 0) > LARGE:
                path = corpus / "files" / row["path"]
                yield InputFile(path.name, path), row


def _write(path: Path, name: str, content: bytes) -> InputFile:
    path.write_bytes(content)
    return InputFile(name, path)
