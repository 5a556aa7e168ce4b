"""Generated parts of the pages are up to date."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gogobe_dagster_tests.docs import (
    chains_page,
    codes_page,
    commands_page,
    dialects_page,
    operations_page,
    settings_page,
    units_page,
)
from gogobe_dagster_tests.docs.pages import filled

MODULES = (chains_page, codes_page, commands_page, dialects_page, operations_page, settings_page, units_page)
PAGES = [(module.PAGE, module.parts()) for module in MODULES]


@pytest.mark.parametrize(("page", "parts"), PAGES, ids=[page.name for page, _ in PAGES])
def test_the_page_is_what_its_module_writes(page: Path, parts: Mapping[str, str]) -> None:
    """`make docs` writes it again."""
    assert page.read_text(encoding="utf-8") == filled(page, parts)
