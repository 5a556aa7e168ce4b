"""Rows of the table `file` as `LedgerFile`."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

import sqlalchemy as sa

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import archived_file, file

FILE_COLUMNS = [file.c["file_id" if field.name == "id" else field.name] for field in fields(LedgerFile)]

_GONE: Final[Mapping[str, object]] = {
    "link": "",
    "size_tolerance": 0,
    "state": FileState.LOADED,
    "attempts": 0,
    "is_damaged": False,
    "is_complete": True,
}
"""What `archived_file` no longer says, where it is not null."""


def _archived_column(name: str) -> sa.ColumnElement[Any]:
    if name == "id":
        return archived_file.c.file_id
    if name == "sha256":
        return sa.func.encode(archived_file.c.sha256, "hex")
    return archived_file.c[name] if name in archived_file.c else sa.literal(_GONE.get(name))


ARCHIVED_COLUMNS = [_archived_column(field.name) for field in fields(LedgerFile)]


def as_file(row: sa.Row[Any]) -> LedgerFile:
    """Make a LedgerFile of a row of FILE_COLUMNS, or of ARCHIVED_COLUMNS."""
    values = dict(zip(LedgerFile.__slots__, row, strict=True))
    kind = None if values["kind"] is None else FileKind(values["kind"])
    return LedgerFile(**{**values, "kind": kind, "state": FileState(values["state"])})
