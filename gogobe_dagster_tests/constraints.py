"""The tested versions, for pip (constraints.txt) and for uv (uv.toml): `make constraints` refreshes both."""

import subprocess
import sys
from pathlib import Path

CLONE = Path(__file__).parents[1]
CONSTRAINTS, UV = CLONE / "constraints.txt", CLONE / "uv.toml"
HEADER = (
    "# Versions known to work together on Python 3.11; made by `make constraints`. "
    "The ranges are in pyproject.toml.\n"
)
UV_HEADER = "# The versions of constraints.txt for `uv run`; made from it by `make docs`.\n"


def frozen() -> str:
    """Return the versions that this interpreter has, as a constraints file."""
    command = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    return HEADER + subprocess.run(command, capture_output=True, text=True, check=True).stdout


def versions(text: str) -> list[str]:
    """Return the requirements in a constraints file."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def for_uv(text: str) -> str:
    """Return the content of uv.toml for that of constraints.txt."""
    lines = "".join(f'    "{version}",\n' for version in versions(text))
    return f"{UV_HEADER}constraint-dependencies = [\n{lines}]\n"


if __name__ == "__main__":
    if "--freeze" in sys.argv:
        CONSTRAINTS.write_text(frozen(), encoding="utf-8")
    UV.write_text(for_uv(CONSTRAINTS.read_text(encoding="utf-8")), encoding="utf-8")
