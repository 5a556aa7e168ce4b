"""The pages name what exists, and what they link to is there."""

import re
from pathlib import Path

import pytest
import yaml

from gogobe_dagster.commands.main import COMMANDS
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.monitoring.data_quality import CHECKS

CLONE = Path(__file__).parents[2]
README = (CLONE / "README.md").read_text(encoding="utf-8")


def test_make_docs_writes_every_generated_page() -> None:
    made = re.findall(r"^PAGES := (.*)$", (CLONE / "Makefile").read_text(), re.MULTILINE)
    modules = {module.stem.removesuffix("_page") for module in Path(__file__).parent.glob("*_page.py")}

    assert set(made[0].split()) == {name for name in modules if not name.startswith("test_")}


LONGEST_LINE = 110
DOCUMENTS = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    *(f"docs/{page.name}" for page in sorted((CLONE / "docs").glob("*.md"))),
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_lines_of_prose_can_be_read_beside_code(document: str) -> None:
    """Tables, code and pictures are as long as they must be."""
    text = (CLONE / document).read_text(encoding="utf-8")
    prose = re.sub(r"^ *```.*?^ *```|^ *[|!<].*?$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)

    assert [line for line in prose.splitlines() if len(line) > LONGEST_LINE] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_and_picture_of_a_page_is_there(document: str) -> None:
    file = CLONE / document
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)\)", file.read_text(encoding="utf-8"))

    assert [target for target in targets if not (file.parent / target).exists()] == []


def test_the_site_and_its_index_have_every_page() -> None:
    """MkDocs is not installed for tests; `make site` checks every link with it."""
    pages = {page.name for page in (CLONE / "docs").glob("*.md")}
    site = (CLONE / "mkdocs.yml").read_text(encoding="utf-8")
    index = (CLONE / "docs" / "README.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"[\w-]+\.md", site)) == sorted(pages)
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", index)) == pages - {"README.md"}


def test_the_tutorial_names_only_commands_that_exist() -> None:
    tutorial = (CLONE / "docs" / "tutorial.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\bgogobe ([a-z]+)\b", tutorial)) <= set(COMMANDS)


def test_the_readme_names_only_commands_and_targets_that_exist() -> None:
    made = set(re.findall(r"^([a-z-]+):", (CLONE / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"\bgogobe ([a-z]+)\b", README)) <= set(COMMANDS)
    assert set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)) <= made


def test_the_readme_counts_feeds_as_the_register_has_them() -> None:
    assert f"{len(FEEDS)} feeds" in README


def test_the_page_of_operations_explains_every_check() -> None:
    table = (
        (CLONE / "docs" / "operations.md").read_text(encoding="utf-8").split("## Checks")[1].split("## ")[0]
    )

    assert [name for name in CHECKS if f"`{name}`" not in table] == []


def test_the_readme_leads_to_every_page() -> None:
    linked = README + (CLONE / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert [page for page in DOCUMENTS[1:] if f"({page})" not in linked] == []


def test_one_name_for_the_code_location_everywhere() -> None:
    """Dagster's commands read three files; a run queued under another name never starts."""
    import tomllib

    project = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    workspace = yaml.safe_load((CLONE / "workspace.yaml").read_text(encoding="utf-8"))

    assert {
        project["dagster"]["code_location_name"],
        project["dg"]["project"]["code_location_name"],
        workspace["load_from"][0]["python_module"]["location_name"],
    } == {"gogobe_dagster"}
