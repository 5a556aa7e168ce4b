"""What each contender of the benchmark of parsing does, as functions that a process of its own can run.

The baseline does no more than it must: unpack and let xml2arrow make text columns, with nothing checked,
trimmed, typed or counted. Which files, and against what, is in `parse`.
"""

import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from isal import isal_zlib

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.content import open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.file_reader import ParsedFile, read_file
from gogobe_dagster_tests.benchmarks.baseline import Fields, bare_rows, fields_of
from gogobe_dagster_tests.benchmarks.parse_input import InputFile

LIMIT = 1 << 30
GZIP_WINDOW = 31
DAY = date(2026, 11, 23)


def row_fields(file: InputFile) -> Fields:
    """Say where the rows of a file are: what the baseline is given."""
    return fields_of(open_content(file.read(), name=file.name, limit=LIMIT).xml)


def bare(file: InputFile, fields: Fields) -> int:
    """Unpack and make text columns: the baseline. Returns the rows."""
    data = file.read()
    size = int.from_bytes(data[-4:], "little")
    # with the size known it takes a third of the time of isal_zlib.decompress
    xml = isal_zlib.decompressobj(GZIP_WINDOW).decompress(data, size + 1)
    return int(bare_rows(xml, fields).num_rows)


def normalised(file: InputFile) -> int:
    """Read to the model, in Arrow. Returns the rows of the document."""
    return _items(read_file(file.read(), name=file.name, limit=LIMIT))


def read_as_batch(files: Sequence[InputFile]) -> int:
    """Read many to the model, as a batch of an import does. Returns the rows of the documents."""
    items = 0
    for outcome in read_files(((file.name, file.read()) for file in files), limit=LIMIT):
        if isinstance(outcome, ContentError):
            raise outcome
        items += _items(outcome)
    return items


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
