"""il-supermarket-parser, the best known open-source reader of these files, on the same files to CSV.

It is no dependency of ours. It runs in an interpreter that has it (`pip install il-supermarket-parser` into
an environment of its own), on documents that are unpacked already, and times itself without its imports.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from isal import isal_zlib

from gogobe_dagster_tests.benchmarks.parse_input import InputFile
from gogobe_dagster_tests.benchmarks.parse_work import GZIP_WINDOW
from gogobe_dagster_tests.benchmarks.runner import Result

RIVAL = "il-supermarket-parser to CSV"
MOST_FILES = 3  # ten thousand rows a second
PROGRAM = """
import asyncio, json, logging, sys, time
from il_supermarket_parsers.multiprocess_pharser import (
    RawParsingPipeline, create_parser_status, get_data_loader, get_output_writer)
from il_supermarket_parsers.utils import types

logging.disable()
CHAIN, KIND, folder = "RAMI_LEVY", "PRICE_FULL_FILE", sys.argv[1]

async def convert():
    target = types.CsvOutputConfiguration(output_mode="csv", output_folder=folder + "/csv")
    writer = get_output_writer(CHAIN, KIND, [target])
    loader = get_data_loader(types.FolderSourceConfiguration(folder=folder + "/dumps"))
    kept = types.JsonStatusConfiguration(database_type="json", base_path=folder + "/status")
    status = create_parser_status(
        enabled_scraper=CHAIN, enabled_file_type=KIND, status_configuration=kept)
    await RawParsingPipeline(loader, writer, status).process(
        enabled_scraper=CHAIN, enabled_file_types=KIND)
    await writer.close()

started = time.perf_counter()
asyncio.run(convert())
seconds = time.perf_counter() - started
with open(folder + "/csv/price_full_file_rami_levy.csv", encoding="utf-8") as written:
    print(json.dumps({"rows": sum(1 for _ in written) - 1, "seconds": seconds}))
"""


def read_by_rival(
    files: Sequence[InputFile],
    folder: Path,
    results: dict[str, Result],
    ours: Mapping[str, str],
    *,
    python: str,
    rounds: int,
) -> dict[str, float | int | str]:
    """Add its best round to the results and return our ratios to it; or say why it was skipped."""
    same = [file for file in files if file.name.startswith("PriceFull7290058140886")][:MOST_FILES]
    best: Result | None = None
    for number in range(rounds):
        work_folder = folder / f"rival {number}"
        _unpack(same, work_folder)
        command = [python or sys.executable, "-c", PROGRAM, str(work_folder)]
        ended = subprocess.run(command, cwd=work_folder, capture_output=True, text=True, check=False)
        if ended.returncode:
            return {"skipped": (ended.stderr.strip().splitlines() or ["it says nothing"])[-1]}
        report = json.loads(ended.stdout.splitlines()[-1])
        if best is None or report["seconds"] < best.seconds:
            best = Result(name=RIVAL, units=report["rows"], seconds=report["seconds"])
    if best is None:
        return {"skipped": "no rounds"}
    results[RIVAL] = best
    return {
        f"{name}_times_rival": round(results[contender].rate / best.rate, 1)
        for name, contender in ours.items()
    }


def _unpack(files: Sequence[InputFile], work_folder: Path) -> None:
    for name in ("csv", "status", "dumps/RamiLevy"):
        (work_folder / name).mkdir(parents=True)
    for file in files:
        xml = isal_zlib.decompress(file.read(), GZIP_WINDOW)
        (work_folder / "dumps/RamiLevy" / file.name.replace(".gz", ".xml")).write_bytes(xml)
