"""Bar charts in materialization metadata: SVG inside Markdown, which the web UI shows inline.

Dagster 1.13 hides Markdown longer than 1,000 characters behind a link, so a chart must be shorter.
"""

import base64
from collections.abc import Mapping
from html import escape

import dagster as dg

WIDTH, HEIGHT = 380, 84
HEADER, FOOTER = 14, 16
"""Room above the bars for their maximum, and below them for their labels."""
FONT_SIZE = 11
BAR_COLOR, TEXT_COLOR = "#6b61d8", "#7d8899"
"""Readable on the light and on the dark theme."""


def bar_chart(values: Mapping[str, int], title: str) -> dg.MarkdownMetadataValue:
    """Draw one bar per value; only the first, middle and last bars are labelled."""
    svg = base64.b64encode(_svg(values).encode()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{svg})")


def _svg(values: Mapping[str, int]) -> str:
    step, maximum = WIDTH / len(values), max(values.values())
    baseline, tallest = HEIGHT - FOOTER, HEIGHT - FOOTER - HEADER
    bars = "".join(
        f"M{(index + 0.5) * step:.0f} {baseline}v-{tallest * value / maximum:.0f}"
        for index, value in enumerate(values.values())
        if value
    )
    names, middle = list(values), (len(values) - 1) // 2
    texts = [
        _text(0, HEADER - 4, "start", f"max {maximum:,}"),
        _text(0, HEIGHT - 3, "start", names[0]),
        _text((middle + 0.5) * step, HEIGHT - 3, "middle", names[middle]),
        _text(WIDTH, HEIGHT - 3, "end", names[-1]),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<path d="{bars}" stroke="{BAR_COLOR}" stroke-width="{step - 2:.0f}"/>'
        f'<g font-family="sans-serif" font-size="{FONT_SIZE}" fill="{TEXT_COLOR}">{"".join(texts)}</g></svg>'
    )


def _text(x: float, y: float, anchor: str, text: str) -> str:
    attribute = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.0f}" y="{y:.0f}"{attribute}>{escape(text)}</text>'
