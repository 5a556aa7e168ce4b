"""docs/portals.md knows every fault of the replica, and has the headings that the code cites."""

import re
from collections.abc import Iterator
from pathlib import Path

from gogobe_dagster.replica.faults import FAULTS

CLONE = Path(__file__).parents[2]
PAGE = (CLONE / "docs/portals.md").read_text(encoding="utf-8")
CITATION = re.compile(r'docs/portals\.md, "?([A-Z][^"\n.,;:)]*)')
# Documents that are not in the project; dialects have names by their layout.
OUTSIDE = re.compile(r"\b(?:PORTALS|DESIGN)\s§|corpus\sREADME|\b[Dd]ialect\s[A-Z]\b|\b[DNP]\d\b")


def sources() -> Iterator[tuple[Path, str]]:
    """Every module and page."""
    folders = (CLONE / "gogobe_dagster", CLONE / "gogobe_dagster_tests", CLONE / "docs")
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.suffix in {".py", ".md", ".sql"}:
            yield path.relative_to(CLONE), path.read_text(encoding="utf-8")


def test_the_page_names_every_fault_of_the_replica() -> None:
    assert [fault for fault in FAULTS if f"`{fault}`" not in PAGE] == []


def test_every_heading_that_is_cited_exists() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    cited = {(str(path), heading.strip()) for path, text in sources() for heading in CITATION.findall(text)}

    assert len(cited) > len(headings)
    assert [citation for citation in sorted(cited) if citation[1] not in headings] == []


def test_nothing_cites_a_document_outside_the_project() -> None:
    assert [(str(path), found) for path, text in sources() for found in OUTSIDE.findall(text)] == []
