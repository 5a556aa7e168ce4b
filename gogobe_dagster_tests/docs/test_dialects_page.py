"""The page of dialects is the tables of dialects."""

from gogobe_dagster_tests.docs.dialects_page import PAGE, page


def test_the_page_of_dialects_is_the_tables() -> None:
    """Write it anew with: python -m gogobe_dagster_tests.docs.dialects_page."""
    assert PAGE.read_text(encoding="utf-8") == page()
