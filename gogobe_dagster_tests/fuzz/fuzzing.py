"""Fuzzes one target until its time or number of inputs is over: `python -m …fuzz.fuzzing TARGET [libFuzzer]`.

libFuzzer ends the process at the first input that is neither rows nor a code, and writes the input.
"""

import sys

import atheris

with atheris.instrument_imports(include=["gogobe_dagster"]):
    from gogobe_dagster_tests.fuzz.targets import run

if __name__ == "__main__":
    target = sys.argv[1]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: run(target, data))
    atheris.Fuzz()
