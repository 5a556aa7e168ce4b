"""The manifest of a backup: every file of it with its SHA-256. A backup without one is incomplete."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from upath import UPath

from gogobe_dagster.errors import BackupError
from gogobe_dagster.files.durable import reason_of, store_errors

NAME: Final = "manifest.json"
FORMAT: Final = 1
"""One more when older programs can no longer restore what newer ones write."""


class Area(StrEnum):
    """Where a file belongs."""

    RAW = "raw"
    LAKE = "lake"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class KeptFile(_Model):
    """A file of the raw store or the lake. Its bytes are kept once for all backups, by their hash."""

    area: Area
    path: str
    """Relative to the root of its area."""
    sha256: str
    size: int
    modified_at: datetime


class DumpFile(_Model):
    """A file that `pg_dump` wrote, below the backup's own folder."""

    path: str
    sha256: str
    size: int


class Manifest(_Model):
    """What a backup consists of."""

    format: int = FORMAT
    made_at: datetime
    revision: str
    """The schema's, as in the table `alembic_version`."""
    databases: tuple[str, ...]
    dumps: tuple[DumpFile, ...]
    files: tuple[KeptFile, ...]
    missing: tuple[str, ...]
    """Files that the ledger waits for and that were not there; importing again gets them."""

    @classmethod
    def read(cls, folder: UPath) -> Self:
        """Read a backup's manifest. Raises `BackupError` if it cannot be used."""
        path = folder / NAME
        try:
            manifest = cls.model_validate_json(path.read_bytes())
        except ValidationError:
            raise _unusable(path, "it is damaged") from None
        except store_errors() as error:
            raise _unusable(path, reason_of(error)) from None
        if manifest.format != FORMAT:
            raise BackupError(f"{folder} was made by a newer version of gogobe: restore it with that one")
        return manifest


def _unusable(path: UPath, reason: str) -> BackupError:
    return BackupError(f"{path} cannot be read: {reason}; use another backup of the folder")
