"""The corpus of real files: its manifest, and its files as a portal would publish them on one day."""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.names import FileName
from gogobe_dagster.replica.publication import Publication

KINDS = {"Price", "PriceFull", "NULLPrice", "Stores", "StoresFull"}
PROMOTIONS = {"Promo", "PromoFull"}


@dataclass(frozen=True, slots=True)
class RealFile:
    """A line of the manifest."""

    path: Path
    chain_id: str
    kind: str
    items: int
    note: str

    def publication(self, feed: Feed, at: datetime, number: int) -> Publication:
        """Give the bytes as they are a name of this day; many were collected under names of their own."""
        store_id = "000" if "Stores" in self.kind else f"{900 + number:03d}"
        extension = "".join(self.path.suffixes[-1:]) if self.path.suffix in {".gz", ".xml"} else ".gz"
        name = FileName.parse(f"{self.kind}{feed.chain_id}-{store_id}-{at:%Y%m%d%H%M}{extension}")
        return Publication(
            name=name.text,
            content=self.path.read_bytes(),
            published_at=at,
            kind=name.kind,
            store_id=name.store_id,
        )


def real_files(corpus: Path, feed: Feed, kinds: Collection[str]) -> list[RealFile]:
    """Every file of these kinds that a feed's chain really published, as the manifest knows them."""
    return [real for real in _manifest(corpus) if feed.owns(real.chain_id) and real.kind in kinds]


def _manifest(corpus: Path) -> Iterator[RealFile]:
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            yield RealFile(
                path=corpus / "files" / row["path"],
                chain_id=row["chain_id"].rstrip("*"),
                kind=row["kind"].partition("(")[0],
                items=int(row["items"] or 0),
                note=row["note"] or "",
            )


def publish(
    corpus: Path, feed: Feed, day: date, kinds: Collection[str] = KINDS
) -> dict[Publication, RealFile]:
    """Spread a chain's real files over one day, a minute each."""
    midnight = datetime.combine(day, time(0, 1), tzinfo=ISRAEL)
    return {
        real.publication(feed, midnight + timedelta(minutes=number), number): real
        for number, real in enumerate(real_files(corpus, feed, kinds))
    }
