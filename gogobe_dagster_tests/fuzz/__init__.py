"""Coverage-guided fuzzing (atheris) of what strangers write: names, containers, documents, listings.

targets    what is called with fuzzed bytes, and which errors are answers
seeds      where the fuzzer begins: a few small inputs of every target
fuzzing    fuzzes one target in a process of its own
__main__   python -m gogobe_dagster_tests.fuzz --help

What fuzzing found is in the folder `cases`, one file per input below the name of its target; `test_cases`
reads all of them in every run.
"""
