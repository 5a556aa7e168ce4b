"""What each contender of the benchmark of parsing does, as functions that a process of its own can run.

The limit does no more than it must: unpack and let xml2arrow make text columns, with nothing checked,
trimmed, typed or counted. Which files, and against what, is in `parse`.
"""

import json
import tempfile
import uuid
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

from isal import isal_zlib
from xml2arrow import XmlToArrowParser

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.content import open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.lake import Lake
from gogobe_dagster.parsing.reading import ParsedFile, read_file
from gogobe_dagster.parsing.reading_many import read_files
from gogobe_dagster.parsing.sniffing import Layout, sniff
from gogobe_dagster_tests.benchmarks.parse_input import InputFile

LIMIT = 1 << 30
GZIP_WINDOW = 31
DAY = date(2026, 11, 23)


def layout_of(file: InputFile) -> Layout:
    """Say where the rows of a file are: what the limit is told beforehand."""
    layout = sniff(open_content(file.read(), name=file.name, limit=LIMIT).xml)
    assert layout is not None
    return layout


def bare(file: InputFile, layout: Layout) -> int:
    """Unpack and make text columns: the limit. Returns the rows."""
    data = file.read()
    size = int.from_bytes(data[-4:], "little")
    # with the size known it takes a third of the time of isal_zlib.decompress
    xml = isal_zlib.decompressobj(GZIP_WINDOW).decompress(data, size + 1)
    return int(_bare_parser(layout).parse(xml)["rows"].num_rows)


@cache
def _bare_parser(layout: Layout) -> XmlToArrowParser:
    row = "/" + "/".join(layout.path)
    fields = [{"name": tag, "xml_path": f"{row}/{tag}", "data_type": "Utf8"} for tag in layout.tags]
    for field in fields:
        field["nullable"] = True  # type: ignore[assignment]  # YAML's own mix of types
    table = {"name": "rows", "xml_path": row.rpartition("/")[0], "levels": ["row"], "fields": fields}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bare.json"
        path.write_text(json.dumps({"tables": [table]}), encoding="utf-8")
        return XmlToArrowParser(path)


def normalised(file: InputFile) -> int:
    """Read to the model, in Arrow. Returns the rows of the document."""
    return _items(read_file(file.read(), name=file.name, limit=LIMIT))


def parsed(files: Sequence[InputFile], folder: Path) -> int:
    """Read into the lake, as a batch of an import does. Returns the rows of the documents."""
    items = 0
    with Lake(str(folder)).batch(Document.PRICES, feed="bench", day=DAY, key=uuid.uuid4().hex) as batch:
        served = ((file.name, file.read()) for file in files)
        for number, outcome in enumerate(read_files(served, limit=LIMIT)):
            if isinstance(outcome, ContentError):
                raise outcome
            batch.add(number, outcome.rows)
            items += _items(outcome)
    return items


def _items(file: ParsedFile) -> int:
    return file.report.rows + file.report.rejected + file.report.duplicates
