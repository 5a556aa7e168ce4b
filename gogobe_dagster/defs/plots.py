"""A picture in a materialization: bars, as SVG in Markdown, which the web UI shows in the page.

It is kept in the event log with its materialization, so it is small: a kilobyte or two.
"""

import base64
from collections.abc import Mapping
from html import escape

import dagster as dg

WIDTH, HEIGHT, FOOT, HEAD = 520, 96, 18, 16
BAR, LAST, WORDS = "#8f8ce7", "#4f43dd", "#7d8899"
"""Read well on the light and on the dark theme."""


def bars(numbers: Mapping[str, int], what: str) -> dg.MarkdownMetadataValue:
    """Draw a bar for each number, the last one darker; the first, the middle and the last are named."""
    code = base64.b64encode(_svg(numbers).encode()).decode()
    return dg.MetadataValue.md(f"![{what}](data:image/svg+xml;base64,{code})")


def _svg(numbers: Mapping[str, int]) -> str:
    step, most = WIDTH / len(numbers), max(numbers.values()) or 1
    last = len(numbers) - 1
    drawn = [
        _bar(number * step, step, value / most, LAST if number == last else BAR)
        for number, value in enumerate(numbers.values())
    ]
    named = {0: "start", last // 2: "middle", last: "end"}
    at = {"start": 0.0, "middle": (last // 2 + 0.5) * step, "end": float(WIDTH)}
    drawn += [
        _words(at[anchor], HEIGHT - 4, anchor, name)
        for number, name in enumerate(numbers)
        if (anchor := named.get(number))
    ]
    drawn.append(_words(0, 11, "start", f"at most {max(numbers.values()):,}"))
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(drawn)}</svg>'


def _bar(x: float, step: float, share: float, colour: str) -> str:
    tall = share * (HEIGHT - FOOT - HEAD)
    y = HEIGHT - FOOT - tall
    return f'<rect x="{x + 1:.0f}" y="{y:.1f}" width="{step - 2:.0f}" height="{tall:.1f}" fill="{colour}"/>'


def _words(x: float, y: float, anchor: str, words: str) -> str:
    font = 'font-family="sans-serif" font-size="11"'
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" {font} fill="{WORDS}" text-anchor="{anchor}">{escape(words)}</text>'
    )
