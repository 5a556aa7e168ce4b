"""The page of settings names every setting with its default, and nothing else."""

import re
from pathlib import Path

from gogobe_dagster.feeds.feed_settings import FeedOverride
from gogobe_dagster.settings import PREFIX, Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_lists_every_setting_and_no_other() -> None:
    listed = set(re.findall(r"^\| `(GOGOBE_\w+)`", PAGE.read_text(), re.MULTILINE))

    assert listed == {PREFIX + name.upper() for name in Settings.model_fields}


def test_the_page_says_what_the_code_says() -> None:
    page = PAGE.read_text()

    for name, field in Settings.model_fields.items():
        assert str(field.description) in page, f"{PREFIX}{name.upper()}"


def test_the_page_lists_what_can_be_said_of_one_feed_and_nothing_else() -> None:
    page = PAGE.read_text().partition("## Single feeds")[2].partition("\n## ")[0]

    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (.+) \|$", page, re.MULTILINE)

    assert rows == [(name, field.description) for name, field in FeedOverride.model_fields.items()]
