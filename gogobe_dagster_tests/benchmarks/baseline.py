"""The baseline of reading: bare xml2arrow (Rust) turns XML into columns of text and checks nothing.

It is given beforehand where the rows are and which fields they have.
"""

import json
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from xml2arrow import XmlToArrowParser

from gogobe_dagster.parsing.layout_detection import detect_layout

WINDOW = 1 << 13


@dataclass(frozen=True, slots=True)
class Fields:
    """Where rows are, and the fields that some of them have."""

    path: tuple[str, ...]
    tags: tuple[str, ...]


def fields_of(xml: bytes) -> Fields:
    """Look at some rows of a document."""
    layout = detect_layout(xml)
    assert layout is not None
    row = layout.path[-1].encode()
    end = xml.rfind(b"</" + row)
    windows = [xml[start : start + WINDOW] for start in (xml.find(b"<" + row), end // 2, end - WINDOW)]
    inside = [window[max(window.find(b"<" + row + b">"), 0) :] for window in windows]
    tags = {tag.decode() for window in inside for tag in re.findall(rb"<([A-Za-z_][\w.:-]*)", window)}
    return Fields(layout.path, tuple(sorted(tags - set(layout.path))))


def bare_rows(xml: bytes, fields: Fields) -> Any:
    """Return the rows as a record batch of text."""
    return _parser(fields).parse(xml)["rows"]


@cache
def _parser(fields: Fields) -> XmlToArrowParser:
    row = "/" + "/".join(fields.path)
    columns = [
        {"name": tag, "xml_path": f"{row}/{tag}", "data_type": "Utf8", "nullable": True}
        for tag in fields.tags
    ]
    table = {"name": "rows", "xml_path": row.rpartition("/")[0], "levels": ["row"], "fields": columns}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bare.json"  # it takes its configuration from a file only; YAML reads JSON
        path.write_text(json.dumps({"tables": [table]}), encoding="utf-8")
        return XmlToArrowParser(path)
