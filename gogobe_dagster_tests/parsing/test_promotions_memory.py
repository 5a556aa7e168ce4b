"""A promotion document of more than a hundred megabytes is read in the memory of a chunk."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from gogobe_dagster_tests.parsing.promotion_documents import HEAD, NAME, flat, item

pytestmark = pytest.mark.slow

MOST_MEGABYTES: Final = 140
"""What reading may add. The libraries alone are 105 to 135 MB, by how much of their files is in memory."""
READ: Final = """
import json, resource, sys
from pathlib import Path
from gogobe_dagster.parsing.file_reader import read_file

def peak():
    # of this program alone: getrusage counts its parent in
    status = Path("/proc/self/status")
    kilobytes = next((int(line.split()[1]) for line in status.open() if line.startswith("VmHWM:")), 0)
    return (kilobytes or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024

path, small = map(Path, sys.argv[1:])
read_file(small.read_bytes(), name=small.name, limit=1 << 29)  # loads what is imported at first use
before = peak()
file = read_file(path.read_bytes(), name=path.name, limit=1 << 29)
items = file.report.items
print(json.dumps({
    "megabytes": peak() - before,
    "reader": file.report.reader,
    "offers": len(file.rows),
    "items": items.accepted,
}))
"""


def read_apart(path: Path, folder: Path) -> dict[str, Any]:
    """Read in a process of its own, and say how much memory reading took at most."""
    small = folder / "small" / NAME
    small.parent.mkdir()
    write_long(small, promotions=1, items=10)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), str(small)],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def write_long(path: Path, *, promotions: int, items: int) -> None:
    """Write a document as Carrefour's was in July 2025: a few promotions, each of nearly everything."""
    things = "\r\n        ".join(item(f"{7290000000000 + number}") for number in range(items))
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(f"<Root>{HEAD}<Promotions>".encode())
        for number in range(promotions):
            file.write(flat(things, PromotionId=str(11_292_337 + number)).encode())
        file.write(b"</Promotions></Root>")


def test_a_document_of_a_hundred_megabytes_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / NAME
    write_long(path, promotions=24, items=34_900)

    outcome = read_apart(path, tmp_path)

    assert (outcome["reader"], outcome["offers"], outcome["items"]) == ("fast", 24, 24 * 34_900)
    assert outcome["megabytes"] < MOST_MEGABYTES, outcome


@pytest.mark.corpus
def test_the_longest_real_document_is_read_in_little_memory(corpus: Path, tmp_path: Path) -> None:
    path = corpus / "files" / "Mugitaba__BatMarket" / "PromoFull7290055700007-5304-202507080511.gz"

    outcome = read_apart(path, tmp_path)

    assert (outcome["reader"], outcome["offers"], outcome["items"]) == ("fast", 1_458, 758_197)
    assert outcome["megabytes"] < MOST_MEGABYTES, outcome
