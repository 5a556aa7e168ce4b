"""The inputs that fuzzing begins with are read, and those that it found have a code."""

from pathlib import Path

import pytest

from gogobe_dagster_tests.fuzz.seeds import seeds
from gogobe_dagster_tests.fuzz.targets import TARGETS, run

pytestmark = pytest.mark.slow

CASES = sorted(path for path in (Path(__file__).parent / "cases").rglob("*") if path.is_file())


@pytest.mark.parametrize("target", set(TARGETS) - {"register"})
def test_fuzzing_begins_with_what_is_read(target: str) -> None:
    """An input that is refused at once would not lead the fuzzer to what reads it."""
    for seed in list(seeds(target))[:3]:
        TARGETS[target](seed)


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_fuzzing_found_gives_rows_or_a_code(case: Path) -> None:
    run(case.parent.name, case.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_and_noise_have_a_code(target: str) -> None:
    for data in (b"", b"\0", b"\1<", b"\0" + b"\xff" * 300, b"\2" + bytes(range(256))):
        run(target, data)
