"""Small pictures as SVG: days by feed, and bars. Their colors are legible on light and on dark pages."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Final

from gogobe_dagster.monitoring.fleet import DayColor

TEXT, BAR, FAINT = "#7d8899", "#6b61d8", "#b3aef0"
COLORS: Final = {
    DayColor.GOOD: "#2f9e63",
    DayColor.SOME: "#d99a00",
    DayColor.BAD: "#d64545",
    DayColor.NONE: "#8b95a5",
}
LABEL_WIDTH, STEP, BOX, LINE = 150, 16, 13, 22
WIDTH: Final = 520
FONT: Final = f'font-family="sans-serif" font-size="11" fill="{TEXT}"'
_CROSS = "l6.5 4.5l6.5-4.5v4l-3.5 2.5l3.5 2.5v4l-6.5-4.5l-6.5 4.5v-4l3.5-2.5l-3.5-2.5z"
_SHAPES: Final[Mapping[DayColor, Callable[[int, int], str]]] = {
    # told apart by shape as well, for those who do not tell these colors apart
    DayColor.GOOD: lambda x, y: f"M{x} {y}h{BOX}v{BOX}h-{BOX}z",
    DayColor.SOME: lambda x, y: f"M{x} {y + 6}h{BOX}v7h-{BOX}z",
    DayColor.BAD: lambda x, y: f"M{x} {y}{_CROSS}",
    DayColor.NONE: lambda x, y: f"M{x + 5} {y + 5}h3v3h-3z",
}


def day_matrix(rows: Mapping[str, Sequence[DayColor]], days: Sequence[str]) -> str:
    """Draw one line per feed and one shape per day; the first and the last day are named."""
    width, height = LABEL_WIDTH + STEP * len(days), STEP * (len(rows) + 1)
    paths = dict.fromkeys(DayColor, "")
    for line, colors in enumerate(rows.values(), start=1):
        for column, color in enumerate(colors):
            paths[color] += _SHAPES[color](LABEL_WIDTH + STEP * column, STEP * line)
    shapes = "".join(f'<path fill="{COLORS[color]}" d="{path}"/>' for color, path in paths.items() if path)
    labels = [_text(0, STEP * line + 11, name) for line, name in enumerate(rows, start=1)]
    ends = [_text(LABEL_WIDTH, 11, days[0]), _text(width, 11, days[-1], anchor="end")]
    return _svg(width, height, shapes, [*ends, *labels])


def bars(rows: Mapping[str, tuple[int, int]]) -> str:
    """Draw two bars per line: the first number, and below it, fainter, the one to compare with."""
    longest = max((max(pair) for pair in rows.values()), default=0) or 1
    room = WIDTH - LABEL_WIDTH - 80
    lengths = [(room * value // longest, room * other // longest) for value, other in rows.values()]
    shapes = ""
    for color, y, thickness, which in ((BAR, 2, 10, 0), (FAINT, 13, 4, 1)):
        path = "".join(
            f"M{LABEL_WIDTH} {LINE * line + y}h{pair[which]}v{thickness}h-{pair[which]}z"
            for line, pair in enumerate(lengths)
            if pair[which]
        )
        shapes += f'<path fill="{color}" d="{path}"/>'
    texts = [_text(0, LINE * line + 12, name) for line, name in enumerate(rows)]
    texts += [
        _text(LABEL_WIDTH + 6 + max(lengths[line]), LINE * line + 12, f"{value:,}")
        for line, (value, _) in enumerate(rows.values())
    ]
    return _svg(WIDTH, LINE * len(rows), shapes, texts)


def columns(values: Mapping[str, int], *, width: int = WIDTH, height: int = 84) -> str:
    """Draw one column per value; only the first, middle and last ones are named, and the maximum."""
    step, maximum = width / len(values), max(values.values())
    base = height - 16
    path = "".join(
        f"M{(index + 0.5) * step:.0f} {base}v-{(base - 14) * value / maximum:.0f}"
        for index, value in enumerate(values.values())
        if value
    )
    names, middle = list(values), (len(values) - 1) // 2
    texts = [
        _text(0, 10, f"max {maximum:,}"),
        _text(0, height - 3, names[0]),
        _text(round((middle + 0.5) * step), height - 3, names[middle], anchor="middle"),
        _text(width, height - 3, names[-1], anchor="end"),
    ]
    shapes = f'<path d="{path}" stroke="{BAR}" stroke-width="{step - 2:.0f}"/>'
    return _svg(width, height, shapes, texts)


def _svg(width: int, height: int, shapes: str, texts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f"{shapes}<g {FONT}>{''.join(texts)}</g></svg>"
    )


def _text(x: int, y: int, text: str, *, anchor: str = "start") -> str:
    attribute = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x}" y="{y}"{attribute}>{escape(text)}</text>'
