"""Pictures in materialization metadata: SVG inside Markdown, which the web UI shows inline.

Dagster 1.13 hides Markdown longer than 1,000 characters behind a link. A chart that belongs to every
materialization must be shorter; the pictures of `fleet` may be longer.
"""

import base64
from collections.abc import Mapping

import dagster as dg

from gogobe_dagster.monitoring.pictures import columns

WIDTH = 380


def bar_chart(values: Mapping[str, int], title: str) -> dg.MarkdownMetadataValue:
    """Draw one bar per value; only the first, middle and last bars are labelled."""
    return dg.MetadataValue.md(picture(columns(values, width=WIDTH), title))


def picture(svg: str, title: str) -> str:
    """Return the Markdown that shows an SVG."""
    return f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
