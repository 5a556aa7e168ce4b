"""The first reader: xml2arrow, XML to Arrow in Rust, about half a million rows a second on one core.

It believes its own result only when it can account for every element of the document: what is cut off,
repeated, torn or in an unexpected place is left to `careful`. Traps of xml2arrow 0.19, each held by a test:
half a document is no error; `trim_text` glues words around an entity (`a &amp; b` becomes `a&b`); invalid
UTF-8 is a TypeError; a child of a list that is not a row makes an empty row.
"""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow.compute as pc
from xml2arrow import Xml2ArrowError, XmlToArrowParser

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.account import Tables, unread
from gogobe_dagster.parsing.dialects import local, spellings
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows
from gogobe_dagster.parsing.sniffing import Layout, check_rows, tags_of

HEAD: Final = "/"
LONGEST_TEXT: Final = 1 << 20
END: Final = "@end"
CONTROL: Final = r"[\x00-\x1f]+"
CONTROLS: Final = re.compile(CONTROL)
SPACE: Final = ord(" ")
COUNT: Final = re.compile(rb"""\scount\s*=\s*["'](\d{1,9})["']""", re.IGNORECASE)


class CannotRead(Exception):
    """This document is for the careful reader; the text is a stable word that says why."""


def read_fast(xml: bytes, layout: Layout) -> RawRows:
    """Read a whole, regular document. Raises `CannotRead` for any other, `ContentError` for a hostile one."""
    tables = read_tables(xml, layout)
    if unread(xml, layout, tables, thoroughly=False):
        # rare: look at every tag, and count what the quick account takes for granted
        layout = replace(layout, tags=tuple(sorted(set(layout.tags) | _new_tags(xml, layout))))
        tables = read_tables(xml, layout)
        if unread(xml, layout, tables, thoroughly=True):
            raise CannotRead("unread_elements")
    return _raw_rows(xml, layout, tables)


def _new_tags(xml: bytes, layout: Layout) -> set[str]:
    return tags_of(xml) - set(layout.path) - {tag for _, tag in layout.around}


# ---------------------------------------------------------------- what is the same for all files of a layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to read one layout: made once, kept, because a small file is read faster than this is made."""

    parser: XmlToArrowParser
    depths: tuple[int, ...]
    """Depths of the elements between root and row that say something."""
    sources: Mapping[str, tuple[str, ...]]
    """Column of the model to the tags of a row that feed it, the preferred first."""
    unknown: frozenset[str]
    """Tags that nobody reads."""
    holder: re.Pattern[bytes]
    """The start tag of the element that holds the rows."""


@lru_cache(maxsize=256)
def plan_of(layout: Layout) -> Plan:
    """Make the plan, 1 ms. Raises `CannotRead` for a layout that xml2arrow cannot take."""
    sources: dict[str, list[str]] = {}
    for tag, column in spellings(layout.dialects, layout.tags):
        sources.setdefault(column, []).append(tag)
    said = {*layout.tags, *(tag for _, tag in layout.around)}
    return Plan(
        parser=_parser(layout),
        depths=tuple(_level_depths(layout)),
        sources={column: tuple(tags) for column, tags in sources.items()},
        unknown=frozenset(tag for tag in said if not layout.dialects.is_known(local(tag).lower())),
        holder=re.compile(b"<" + re.escape(layout.path[-2].encode()) + rb"(\s[^<>]*)?>"),
    )


# ---------------------------------------------------------------- xml2arrow


def read_tables(xml: bytes, layout: Layout) -> Tables:
    """Let xml2arrow read what the layout names. Raises `CannotRead`, `ContentError` hostile_content."""
    plan = plan_of(layout)
    try:
        batches = plan.parser.parse(xml)
    except Xml2ArrowError as error:
        raise CannotRead("repeated_field" if "Duplicate" in str(error) else "malformed") from error
    except TypeError as error:
        raise CannotRead("malformed") from error
    head = batches["head"]
    # the root's row is written when the root ends: none of half a document, two of two documents
    if head.num_rows != 1:
        raise CannotRead("not_closed")
    levels = {depth: batches[f"level_{depth}"] for depth in plan.depths}
    check_rows(batches["rows"].num_rows, xml)
    _check_texts(batches["rows"])
    return Tables(head=head, levels=levels, rows=batches["rows"])


def _check_texts(rows: Any) -> None:
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        if column.nbytes > LONGEST_TEXT and (pc.max(pc.binary_length(column)).as_py() or 0) > LONGEST_TEXT:
            raise ContentError(Code.HOSTILE_CONTENT, f"a {name} of more than {LONGEST_TEXT:,} bytes")


def _parser(layout: Layout) -> XmlToArrowParser:
    """Make a parser; it takes its configuration from a file only. YAML reads JSON."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "layout.json"
            path.write_text(json.dumps(_configuration(layout)), encoding="utf-8")
            return XmlToArrowParser(path)
    except Xml2ArrowError as error:
        raise CannotRead("odd_layout") from error


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


# ---------------------------------------------------------------- columns of the model


def _raw_rows(xml: bytes, layout: Layout, tables: Tables) -> RawRows:
    rows = frame_of(tables.rows)
    unknown: dict[str, int] = {}
    if plan_of(layout).unknown:
        for batch in (tables.rows, tables.head, *tables.levels.values()):
            unknown |= _unknown(frame_of(batch), plan_of(layout))
    return RawRows(
        reader="fast",
        dialects=layout.dialects,
        dialect=layout.dialect,
        rows=_columns(rows, layout, tables),
        header=header_of(layout, tables),
        declared=declared(xml, layout),
        unknown=unknown,
    )


def declared(xml: bytes, layout: Layout) -> int | None:
    """Read the list's own count; xml2arrow does not see attributes there."""
    holder = plan_of(layout).holder.search(xml)
    count = COUNT.search(holder[1]) if holder and holder[1] else None
    return int(count[1]) if count else None


def frame_of(batch: Any) -> pl.DataFrame:
    """Give a batch to Polars, without control characters: line ends in a name, `&#x9D;` is none."""
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a record batch is never a series
    unclean = [name for name in batch.schema.names if _has_control_characters(batch.column(name))]
    if not unclean:
        return frame
    return frame.with_columns(pl.col(name).str.replace_all(CONTROL, " ") for name in unclean)


def _has_control_characters(column: Any) -> bool:
    """Look at all the text of a column at once, a thousand times cheaper than at each value."""
    text = column.buffers()[-1] if str(column.type) == "string" else None
    return bool(text is not None and text.size and np.frombuffer(text, np.uint8).min() < SPACE)


def _columns(rows: pl.DataFrame, layout: Layout, tables: Tables) -> pl.DataFrame:
    """Name the columns as the model does; what a row does not say, what stands around it says."""
    sources = {column: [pl.col(tag) for tag in tags] for column, tags in plan_of(layout).sources.items()}
    inherited = layout.dialects.inherited
    for depth in sorted(tables.levels, reverse=True):
        tags = [tag for at, tag in layout.around if at == depth]
        level = frame_of(tables.levels[depth]).rename({tag: f"{depth} {tag}" for tag in tags})
        rows = _join(rows, level)
        for tag, column in spellings(layout.dialects, tags):
            if column in inherited:
                sources.setdefault(column, []).append(pl.col(f"{depth} {tag}"))
    if inherited:
        head = frame_of(tables.head)
        for tag, column in spellings(layout.dialects, [tag for at, tag in layout.around if at == 1]):
            if column in inherited:
                sources.setdefault(column, []).append(pl.lit(head.item(0, tag), pl.String))
    return rows.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(ROW_NUMBER),
        *(first_said(expressions).alias(column) for column, expressions in sources.items()),
    )


def _join(rows: pl.DataFrame, level: pl.DataFrame) -> pl.DataFrame:
    index = [name for name in level.columns if name.startswith("<")]
    return rows.join(level, on=index, how="left", maintain_order="left")


def first_said(expressions: Sequence[pl.Expr]) -> pl.Expr:
    """Take the first that says something."""
    if len(expressions) == 1:
        return expressions[0]
    return pl.coalesce(pl.when(one.str.strip_chars() != "").then(one) for one in expressions)


def header_of(layout: Layout, tables: Tables) -> dict[str, str]:
    """Read what is said around the rows, from the inside outwards, as `careful` hears it."""
    header: dict[str, str] = {}
    for batch in (*(tables.levels[depth] for depth in sorted(tables.levels, reverse=True)), tables.head):
        said = {local(tag).lower(): _first_text(batch.column(tag)) for tag in batch.schema.names}
        for name, tags in layout.dialects.header.items():
            value = next((said[tag] for tag in tags if said.get(tag)), None)
            if value:
                header.setdefault(name, value)
    return header


def _first_text(column: Any) -> str | None:
    values = column.to_pylist()
    text = next((value for value in values if isinstance(value, str) and value.strip()), None)
    return text and CONTROLS.sub(" ", text)


def _unknown(frame: pl.DataFrame, plan: Plan) -> dict[str, int]:
    tags = [tag for tag in frame.columns if tag in plan.unknown]
    counts = {local(tag): int((frame[tag].str.strip_chars() != "").sum()) for tag in tags}
    return {tag: count for tag, count in counts.items() if count}
