"""A picture in a materialization: bars, as SVG in Markdown, which the web UI shows in the page.

Dagster 1.13 hides Markdown of a thousand characters behind a link, so a picture is drawn in fewer.
"""

import base64
from collections.abc import Mapping
from html import escape

import dagster as dg

WIDTH, HEIGHT, FOOT, HEAD = 380, 84, 16, 14
BAR, WORDS = "#6b61d8", "#7d8899"
"""Read well on the light and on the dark theme."""


def bars(numbers: Mapping[str, int], what: str) -> dg.MarkdownMetadataValue:
    """Draw a bar for each number; the first, the middle and the last are named."""
    code = base64.b64encode(_svg(numbers).encode()).decode()
    return dg.MetadataValue.md(f"![{what}](data:image/svg+xml;base64,{code})")


def _svg(numbers: Mapping[str, int]) -> str:
    step, most = WIDTH / len(numbers), max(numbers.values())
    ground, tall = HEIGHT - FOOT, HEIGHT - FOOT - HEAD
    strokes = "".join(
        f"M{(place + 0.5) * step:.0f} {ground}v-{tall * number / most:.0f}"
        for place, number in enumerate(numbers.values())
        if number
    )
    names, middle = list(numbers), (len(numbers) - 1) // 2
    words = [
        _words(0, HEAD - 4, "start", f"up to {most:,}"),
        _words(0, HEIGHT - 3, "start", names[0]),
        _words((middle + 0.5) * step, HEIGHT - 3, "middle", names[middle]),
        _words(WIDTH, HEIGHT - 3, "end", names[-1]),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<path d="{strokes}" stroke="{BAR}" stroke-width="{step - 2:.0f}"/>'
        f'<g font-family="sans-serif" font-size="11" fill="{WORDS}">{"".join(words)}</g></svg>'
    )


def _words(x: float, y: float, anchor: str, words: str) -> str:
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.0f}" y="{y:.0f}"{place}>{escape(words)}</text>'
