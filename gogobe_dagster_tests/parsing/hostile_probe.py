"""Reads each file of a folder in a process of its own and tells what became of it, at what cost; a program.

    python -m gogobe_dagster_tests.parsing.hostile_probe FOLDER LIMIT

The children are forked before anything is computed, so each begins with the same memory.
"""

import json
import os
import sys
import time
from pathlib import Path

from gogobe_dagster.errors import ContentError
from gogobe_dagster.parsing.file_reader import read_file


def main(folder: Path, limit: int) -> None:
    for path in sorted(folder.iterdir()):
        child = os.fork()
        if not child:
            _tell(path, limit)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            _say(name=path.name, code=f"died of {status}", mb=0, seconds=0)


def _tell(path: Path, limit: int) -> None:
    before, started = _held("VmRSS"), time.process_time()
    try:
        report = read_file(path.read_bytes(), name=path.name, limit=limit).report
        became = f"{report.rows} rows, {report.rejected} rejected"
    except ContentError as error:
        became = error.code.value
    cost = {"mb": _held("VmHWM") - before, "seconds": round(time.process_time() - started, 1)}
    _say(name=path.name, code=became, **cost)


def _say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _held(field: str) -> int:
    """MB. Not getrusage: its maximum is inherited from the process that started this one."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{field}:")[2].split()[0]) // 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
