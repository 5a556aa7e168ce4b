"""The page of promotions has every rule and every reason."""

from pathlib import Path

from gogobe_dagster.parsing.promotions.pricing.no_price import NoPrice
from gogobe_dagster.parsing.promotions.pricing.rules import RULES

PAGE = (Path(__file__).parents[2] / "docs" / "promotions.md").read_text(encoding="utf-8")


def test_the_page_lists_the_rules_in_their_order() -> None:
    rows = [line.strip("| ").split(" |") for line in PAGE.splitlines() if line.endswith("|")]
    reasons = {row[0]: row[-1].strip(" `") for row in rows if len(row) in {1, 2}}

    listed = [rule for rule in reasons if rule in {documented.meaning for documented in RULES}]
    assert listed == [rule.meaning for rule in RULES]
    assert [reason for reason in NoPrice if f"`{reason}`" not in PAGE] == []
    for rule in RULES:
        assert rule.reason is None or reasons[rule.meaning] == rule.reason
