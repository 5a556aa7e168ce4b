"""Settings are read in one module."""

import re
from pathlib import Path

import gogobe_dagster

PACKAGE = Path(gogobe_dagster.__file__).parent
READS = re.compile(r"os\.environ(?!\.setdefault\(\"POLARS)|os\.getenv")
PASS_IT_ON = {
    "postgres/binaries.py",
    "postgres/dump.py",
    "commands/processes.py",
    "commands/up.py",
    "commands/backfill.py",
    "dagster_runtime/environment.py",
    "dagster_runtime/instance.py",
    "dagster_runtime/worker.py",
}
"""These pass variables to the processes that they start, or set them for Dagster; they read no setting."""


def test_no_other_module_reads_environment_variables() -> None:
    sources = {file: file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")}

    reading = {file.relative_to(PACKAGE).as_posix() for file, text in sources.items() if READS.search(text)}

    assert reading - PASS_IT_ON == {"settings.py"}
