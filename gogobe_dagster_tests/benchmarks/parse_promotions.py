"""Promotion documents: the largest, in a process of its own, and short ones, together and alone.

Of the largest: item rows per second, and peak memory.

    python -m gogobe_dagster_tests.benchmarks.parse_promotions FILE

With a corpus it is the real one, 3.7 MB that unpack to 116 MB; without, one of that size is made up.
"""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster.replica.generator.documents import gzipped
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.promotions import promotions
from gogobe_dagster.replica.generator.promotions_xml import CLASSIC_PROMOTIONS
from gogobe_dagster_tests.benchmarks.parse_input import NOON, InputFile
from gogobe_dagster_tests.benchmarks.runner import Contender, run_in_turn, show

PROMOTIONS_MADE, ITEMS_EACH = 1_400, 540
NAME = "PromoFull7290055700007-5304-202511230511.gz"
DELTAS, MIN_DELTAS = 500, 50
LIMIT = 1 << 30


def read_promotions(real: InputFile | None, folder: Path, *, scale: float) -> dict[str, float | int | str]:
    """Measure the real document, or a generated one."""
    file = real or _made_up(folder, scale=scale)
    command = [sys.executable, "-m", __spec__.name, str(file.path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(ended.stdout)
    Console().print(
        f"the largest promotion document: {figures['promotion_items']:,} items, "
        f"{figures['promotion_items_per_second']:,} a second, {figures['promotion_peak_mb']} MB at most"
    )
    return dict(figures)


def read_short_ones(*, scale: float, rounds: int) -> dict[str, float | int | str]:
    """Measure deltas of five promotions, read together and one by one."""
    files = _deltas(number=round(DELTAS * scale))

    def together() -> int:
        return sum(isinstance(read, ParsedFile) for read in read_files(files, limit=LIMIT))

    def alone() -> int:
        return len([read_file(data, name=name, limit=LIMIT) for name, data in files])

    results = run_in_turn(
        [Contender(name="together", run=together), Contender(name="alone", run=alone)], rounds=rounds
    )
    show(f"{len(files):,} promotion files of five promotions", results, unit="files", against="alone")
    ratio = round(results["together"].rate / results["alone"].rate, 2)
    return {"promotion_deltas_per_second": round(results["together"].rate), "promotion_deltas_ratio": ratio}


def _deltas(*, number: int) -> list[tuple[str, bytes]]:
    market = SyntheticMarket(stores=1, items=9_000)
    store = market.stores(find_feed("rami_levy"))[0]
    offers = promotions(market, store, NOON)
    some = [
        [offers[(5 * start + offset) % len(offers)] for offset in range(5)]
        for start in range(max(MIN_DELTAS, number))
    ]
    return [(NAME, gzipped(CLASSIC_PROMOTIONS.write(store, part))) for part in some]


def _made_up(folder: Path, *, scale: float) -> InputFile:
    market = SyntheticMarket(stores=1, items=9_000)
    store = market.stores(find_feed("rami_levy"))[0]
    offers = promotions(market, store, NOON)
    products = market.products
    large = [
        replace(
            offers[number % len(offers)],
            promotion_id=number,
            products=tuple(products[(number + offset) % len(products)] for offset in range(ITEMS_EACH)),
        )
        for number in range(round(PROMOTIONS_MADE * scale))
    ]
    path = folder / NAME
    path.write_bytes(gzipped(CLASSIC_PROMOTIONS.write(store, large)))
    return InputFile(NAME, path)


def _measure(path: Path) -> dict[str, float | int]:
    data = path.read_bytes()
    started = time.perf_counter()
    rows = read_file(data, name=path.name, limit=LIMIT).rows
    seconds = time.perf_counter() - started
    items = int(rows["items"].list.len().sum())
    return {
        "promotion_items": items,
        "promotion_items_per_second": round(items / seconds),
        "promotion_peak_mb": peak_memory(),
    }


def peak_memory() -> int:
    """Peak memory of this process in MB. Not getrusage: that remembers the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]))))
