"""The first reader: xml2arrow, XML to Arrow in Rust, about half a million rows a second on one core.

It believes its own result only when it can account for every element of the document: what is cut off,
repeated, torn or in an unexpected place is left to `careful`. Traps of xml2arrow 0.19, each held by a test:
half a document is no error; `trim_text` glues words around an entity (`a &amp; b` becomes `a&b`); invalid
UTF-8 is a TypeError; a child of a list that is not a row makes an empty row.
"""

import json
import re
import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from xml2arrow import Xml2ArrowError, XmlToArrowParser

from gogobe_dagster.parsing.dialects import local, spellings
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows
from gogobe_dagster.parsing.sniffing import Layout, tags_of

HEAD: Final = "/"
END: Final = "@end"
BLOCK: Final = 1 << 17
LESS, GREATER, SLASH = (ord(character) for character in "<>/")
CONTROL: Final = r"[\x00-\x1f]+"
SPACE: Final = ord(" ")
COUNT: Final = re.compile(rb"""\scount\s*=\s*["'](\d{1,9})["']""", re.IGNORECASE)


class CannotRead(Exception):
    """This document is for the careful reader; the text is a stable word that says why."""


def read_fast(xml: bytes, layout: Layout) -> RawRows:
    """Read a whole, regular document. Raises `CannotRead` for any other, and nothing else."""
    tables = _parse(xml, layout)
    if _unread(xml, layout, tables, thoroughly=False):
        # rare: look at every tag, and count what the quick account takes for granted
        layout = replace(layout, tags=tuple(sorted(set(layout.tags) | _new_tags(xml, layout))))
        tables = _parse(xml, layout)
        if _unread(xml, layout, tables, thoroughly=True):
            raise CannotRead("unread_elements")
    return _raw_rows(xml, layout, tables)


def _new_tags(xml: bytes, layout: Layout) -> set[str]:
    return tags_of(xml) - set(layout.path) - {tag for _, tag in layout.around}


# ---------------------------------------------------------------- xml2arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    head: Any
    """A record batch of one row: fields of the root, and the list's count."""
    levels: dict[int, Any]
    """Depth to record batch: elements between root and row that say something, such as SubChain."""
    rows: Any


def _parse(xml: bytes, layout: Layout) -> _Tables:
    try:
        parser = _parser(layout)
    except Xml2ArrowError as error:
        raise CannotRead("odd_layout") from error
    try:
        batches = parser.parse(xml)
    except Xml2ArrowError as error:
        raise CannotRead("repeated_field" if "Duplicate" in str(error) else "malformed") from error
    except TypeError as error:
        raise CannotRead("malformed") from error
    head = batches["head"]
    # the root's row is written when the root ends: none of half a document, two of two documents
    if head.num_rows != 1:
        raise CannotRead("not_closed")
    levels = {depth: batches[f"level_{depth}"] for depth in _level_depths(layout)}
    return _Tables(head=head, levels=levels, rows=batches["rows"])


@lru_cache(maxsize=256)
def _parser(layout: Layout) -> XmlToArrowParser:
    """Make a parser, 1 ms; it takes its configuration from a file only. YAML reads JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layout.json"
        path.write_text(json.dumps(_configuration(layout)), encoding="utf-8")
        return XmlToArrowParser(path)


def _configuration(layout: Layout) -> dict[str, Any]:
    depths = _level_depths(layout)
    _check_levels(layout, depths)
    names = [f"level_{depth}" for depth in depths]
    head = [_field(tag, _path(layout, 1, tag)) for depth, tag in layout.around if depth == 1]
    # without any field there would be no table, and no sign that the root ended
    head.append(_field(END, _path(layout, 1, END)))
    tables = [_table("head", HEAD, [], head)]
    for number, depth in enumerate(depths):
        fields = [_field(tag, _path(layout, depth, tag)) for at, tag in layout.around if at == depth]
        tables.append(_table(names[number], _path(layout, depth - 1), names[: number + 1], fields))
    fields = [_field(tag, _path(layout, len(layout.path), tag)) for tag in layout.tags]
    tables.append(_table("rows", _path(layout, len(layout.path) - 1), [*names, "row"], fields))
    return {"parser_options": {"trim_text": False}, "tables": tables}


def _level_depths(layout: Layout) -> list[int]:
    return sorted({depth for depth, _ in layout.around if depth > 1})


def _check_levels(layout: Layout, depths: list[int]) -> None:
    """Refuse what would make rows of things that are none: fields beside rows in the same element."""
    holders = {depth - 1 for depth in (*depths, len(layout.path))}
    if holders & {depth for depth, _ in layout.around} or layout.path[-1] in layout.tags:
        raise CannotRead("odd_layout")


def _path(layout: Layout, depth: int, tag: str = "") -> str:
    steps = [local(step) for step in layout.path[:depth]]
    return "/" + "/".join([*steps, local(tag)] if tag else steps)


def _table(name: str, path: str, levels: list[str], fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "xml_path": path, "levels": levels, "fields": fields}


def _field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "xml_path": path, "data_type": "Utf8", "nullable": True}


# ---------------------------------------------------------------- the account


def _unread(xml: bytes, layout: Layout, tables: _Tables, *, thoroughly: bool) -> int:
    """Count the elements that hold something and were not read, from three counts over the bytes.

    An element is `<a>…</a>`, `<a></a>` or `<a/>`: two, two and one `<`. Elements that hold something are
    the values in the tables; the empty ones are counted in the bytes; the rest are rows and what is
    around them. Anything else, a comment for one, leaves a difference.
    """
    less, self_closed, touching = _marks(xml)
    less -= xml.count(b"<!") if thoroughly else 0
    elements, odd = divmod(less + self_closed, 2)
    ends = _touching_ends(xml, layout) if touching else 0
    empty = self_closed + touching - ends
    values = sum(_values(batch) for batch in (tables.head, *tables.levels.values(), tables.rows))
    return (elements - _frame_elements(layout, tables) - values - empty) or odd


def _marks(xml: bytes) -> tuple[int, int, int]:
    """Count `<`, `/>` and `></` in blocks that stay in the processor's cache: 3 ms for 17 MB."""
    document = np.frombuffer(xml, np.uint8)
    less = self_closed = touching = 0
    for start in range(0, len(document), BLOCK):
        block = document[start : start + BLOCK + 2]
        is_less, is_greater, is_slash = block == LESS, block == GREATER, block == SLASH
        less += int(np.count_nonzero(is_less[:BLOCK]))
        self_closed += int(np.count_nonzero(is_slash[:-1][:BLOCK] & is_greater[1:][:BLOCK]))
        touching += int(np.count_nonzero(is_greater[:-2] & is_less[1:-1] & is_slash[2:]))
    return less, self_closed, touching


def _frame_elements(layout: Layout, tables: _Tables) -> int:
    """Count rows and the elements on the way to them, supposing one list in each level."""
    counts = [1]
    for depth in range(2, len(layout.path)):
        level = tables.levels.get(depth)
        counts.append(counts[-1] if level is None else level.num_rows)
    return sum(counts) + int(tables.rows.num_rows)


def _touching_ends(xml: bytes, layout: Layout) -> int:
    """Count end tags of rows and of what is around them that directly follow another tag."""
    return sum(xml.count(b"></" + tag.encode() + b">") for tag in layout.path)


def _values(batch: Any) -> int:
    fields = [name for name in batch.schema.names if not name.startswith("<")]
    return sum(batch.num_rows - batch.column(name).null_count for name in fields)


# ---------------------------------------------------------------- columns of the model


def _raw_rows(xml: bytes, layout: Layout, tables: _Tables) -> RawRows:
    head, levels = _frame(tables.head), {depth: _frame(batch) for depth, batch in tables.levels.items()}
    rows = _frame(tables.rows)
    unknown = {**_unknown(rows, layout), **_unknown(head, layout)}
    for level in levels.values():
        unknown |= _unknown(level, layout)
    return RawRows(
        reader="fast",
        dialects=layout.dialects,
        dialect=layout.dialect,
        rows=_columns(rows, layout, head, levels),
        header=_header(layout, [*(levels[depth] for depth in sorted(levels, reverse=True)), head]),
        declared=_declared(xml, layout),
        unknown=unknown,
    )


def _declared(xml: bytes, layout: Layout) -> int | None:
    """Read the list's own count; xml2arrow does not see attributes there."""
    holder = re.search(b"<" + re.escape(layout.path[-2].encode()) + rb"(\s[^<>]*)?>", xml)
    count = COUNT.search(holder[1]) if holder and holder[1] else None
    return int(count[1]) if count else None


def _frame(batch: Any) -> pl.DataFrame:
    """Give the batch to Polars, without control characters: line ends in a name, `&#x9D;` is none."""
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a record batch is never a series
    unclean = [name for name in batch.schema.names if _has_control_characters(batch.column(name))]
    return frame.with_columns(pl.col(name).str.replace_all(CONTROL, " ") for name in unclean)


def _has_control_characters(column: Any) -> bool:
    """Look at all the text of a column at once, a thousand times cheaper than at each value."""
    text = column.buffers()[-1] if str(column.type) == "string" else None
    return bool(text is not None and text.size and np.frombuffer(text, np.uint8).min() < SPACE)


def _columns(
    rows: pl.DataFrame, layout: Layout, head: pl.DataFrame, levels: dict[int, pl.DataFrame]
) -> pl.DataFrame:
    """Name the columns as the model does; what a row does not say, what stands around it says."""
    sources: dict[str, list[pl.Expr]] = {}
    for tag, column in spellings(layout.dialects, layout.tags):
        sources.setdefault(column, []).append(pl.col(tag))
    inherited = layout.dialects.inherited
    for depth in sorted(levels, reverse=True):
        tags = [tag for at, tag in layout.around if at == depth]
        rows = _join(rows, levels[depth].rename({tag: f"{depth} {tag}" for tag in tags}))
        for tag, column in spellings(layout.dialects, tags):
            if column in inherited:
                sources.setdefault(column, []).append(pl.col(f"{depth} {tag}"))
    for tag, column in spellings(layout.dialects, [tag for at, tag in layout.around if at == 1]):
        if column in inherited:
            sources.setdefault(column, []).append(pl.lit(head.item(0, tag), pl.String))
    return rows.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(ROW_NUMBER),
        *(_first(expressions).alias(column) for column, expressions in sources.items()),
    )


def _join(rows: pl.DataFrame, level: pl.DataFrame) -> pl.DataFrame:
    index = [name for name in level.columns if name.startswith("<")]
    return rows.join(level, on=index, how="left", maintain_order="left")


def _first(expressions: list[pl.Expr]) -> pl.Expr:
    """Take the first that says something."""
    if len(expressions) == 1:
        return expressions[0]
    return pl.coalesce(pl.when(one.str.strip_chars() != "").then(one) for one in expressions)


def _header(layout: Layout, frames: list[pl.DataFrame]) -> dict[str, str]:
    """Read what is said around the rows, from the inside outwards, as `careful` hears it."""
    header: dict[str, str] = {}
    for frame in frames:
        said = {local(tag).lower(): _first_said(frame[tag]) for tag in frame.columns}
        for name, tags in layout.dialects.header.items():
            value = next((said[tag] for tag in tags if said.get(tag)), None)
            if value:
                header.setdefault(name, value)
    return header


def _first_said(values: pl.Series) -> str | None:
    return next((value for value in values if isinstance(value, str) and value.strip()), None)


def _unknown(frame: pl.DataFrame, layout: Layout) -> dict[str, int]:
    tags = [
        tag
        for tag in frame.columns
        if tag[0] not in "<@" and not layout.dialects.is_known(local(tag).lower())
    ]
    counts = {local(tag): int((frame[tag].str.strip_chars() != "").sum()) for tag in tags}
    return {tag: count for tag, count in counts.items() if count}
