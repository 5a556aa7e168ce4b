"""Options and fixtures that several test folders share."""

from pathlib import Path

import pytest

DEFAULT_CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpus", default=str(DEFAULT_CORPUS), help="Folder of real published files.")


@pytest.fixture(scope="session")
def corpus(pytestconfig: pytest.Config) -> Path:
    """The folder of real published files, or a skip that says what is missing."""
    folder = Path(pytestconfig.getoption("--corpus"))
    if not (folder / "MANIFEST.tsv").is_file():
        pytest.skip(f"no corpus of real files at {folder}; give one with --corpus")
    return folder
