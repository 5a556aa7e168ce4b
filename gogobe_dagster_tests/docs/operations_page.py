"""The table of metrics in docs/operations.md, from their definitions."""

from gogobe_dagster.monitoring.metrics import DEFINITIONS
from gogobe_dagster_tests.docs.pages import DOCS, table, write

PAGE = DOCS / "operations.md"


def parts() -> dict[str, str]:
    """Make the table of all metrics."""
    rows = [(f"`{metric.name}`", ", ".join(metric.labels), metric.meaning) for metric in DEFINITIONS.values()]
    return {"metrics": table({"metric": "---", "labels": "---", "meaning": "---"}, rows)}


if __name__ == "__main__":
    write(PAGE, parts())
