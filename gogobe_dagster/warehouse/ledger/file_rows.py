"""Rows of the table `file` as `LedgerFile`."""

from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file

FILE_COLUMNS = [file.c["file_id" if field.name == "id" else field.name] for field in fields(LedgerFile)]


def as_file(row: sa.Row[Any]) -> LedgerFile:
    """Make a LedgerFile of a row of FILE_COLUMNS."""
    values = dict(zip(LedgerFile.__slots__, row, strict=True))
    kind = None if values["kind"] is None else FileKind(values["kind"])
    return LedgerFile(**{**values, "kind": kind, "state": FileState(values["state"])})
