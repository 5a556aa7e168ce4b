"""The part of `load` about real rows: large full price files of the corpus, as if more stores had them.

Every file is published by some stores of its chain, with nothing changed but the store's number, and again a
day later; one process, feed after feed. So every dialect is there, and nothing that a generator thought of.
"""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.files.content import open_content
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster_tests.benchmarks.price_loads import (
    CHANGED_DAY,
    FIRST_DAY,
    LoadSetup,
    Published,
    at,
    copy_day,
    import_day,
    new_warehouse,
    publish,
)
from gogobe_dagster_tests.benchmarks.runner import Contender, run_in_turn, show
from gogobe_dagster_tests.corpus import RealFile, real_files

LARGE = 2_000
"""Rows of a file that is worth measuring."""
STORES = 10
BASELINE, FIRST, UNCHANGED = (
    "baseline: copy every row",
    "ours, first load",
    "ours, a day later, nothing changed",
)
REAL, LOADED, WORK = "real", "real_loaded", "work"
STORE_ID = re.compile(rb"(<store_?id>\s*)\d+", re.IGNORECASE)


def real(setup: LoadSetup, corpus: Path, *, scale: float, rounds: int) -> dict[str, float | int | str]:
    """Load real full price files, if there is a corpus, against copying every row."""
    files = list(_published(corpus, max(round(STORES * scale), 1)))
    if not files:
        print(f"no real files at {corpus}")
        return {}
    new_warehouse(setup, REAL)
    publish(setup, REAL, iter(files))
    feeds = sorted({file.feed.key for file in files})
    setup.copy(REAL, LOADED)
    for key in feeds:
        import_day(key, setup, LOADED, FIRST_DAY)
    setup.vacuum(LOADED)
    results = run_in_turn(
        [
            Contender(
                name=name,
                prepare=lambda start=start: setup.copy(start, WORK),  # type: ignore[misc]
                run=lambda way=way, day=day: sum(way(key, setup, WORK, day) for key in feeds),  # type: ignore[misc]
            )
            for name, way, day, start in (
                (BASELINE, copy_day, FIRST_DAY, REAL),
                (FIRST, import_day, FIRST_DAY, REAL),
                (UNCHANGED, import_day, CHANGED_DAY, LOADED),
            )
        ],
        rounds=rounds,
    )
    show(f"{len(files) // 2} real full files of {len(feeds)} feeds", results, unit="prices", against=BASELINE)
    baseline = results[BASELINE].rate
    return {
        "real_prices": results[FIRST].units,
        "real_first_to_baseline": round(results[FIRST].rate / baseline, 3),
        "real_unchanged_to_baseline": round(results[UNCHANGED].rate / baseline, 3),
    }


def _published(corpus: Path, stores: int) -> Iterator[Published]:
    """Yield whole files that came as gzip, each for some stores of its chain, on both days."""
    if not (corpus / "MANIFEST.tsv").is_file():
        return
    for feed in FEEDS:
        for number, real_file in enumerate(real_files(corpus, feed, {"PriceFull"})):
            if real_file.items < LARGE or real_file.path.suffix != ".gz" or "truncated" in real_file.note:
                continue
            for store in range(stores):
                store_id = 100 * (number + 1) + store
                content = _of_store(real_file, store_id)
                for day in (FIRST_DAY, CHANGED_DAY):
                    published_at = at(day, hour=3)
                    name = f"PriceFull{feed.chain_id}-{store_id}-{published_at:%Y%m%d%H%M}.gz"
                    yield Published(
                        feed=feed, name=name, kind=FileKind.FULL_PRICES, published_at=published_at,
                        chain_id=feed.chain_id, sub_chain_id=None, store_id=store_id, content=content,
                    )  # fmt: skip


def _of_store(file: RealFile, store_id: int) -> bytes:
    xml = open_content(file.path.read_bytes(), name=file.path.name, limit=1 << 30).xml
    return gzip.compress(STORE_ID.sub(rb"\g<1>%d" % store_id, xml, count=1), compresslevel=6)
