"""Which files a dataset has, with rows, sizes, hashes and what they were made from."""

from datetime import datetime

from pydantic import BaseModel, ValidationError
from upath import UPath

from gogobe_dagster.dataset.tables import VERSION

NAME = "manifest.json"


class Entry(BaseModel):
    """One file."""

    table: str
    rows: int
    bytes: int
    sha256: str
    made_from: str


class Manifest(BaseModel):
    """All files of a dataset, by their path below its folder."""

    schema_version: int = VERSION
    made_at: datetime | None = None
    files: dict[str, Entry] = {}

    @classmethod
    def read(cls, root: UPath) -> "Manifest":
        """Read the manifest of a dataset; an empty one if there is none, or one of another version."""
        try:
            found = cls.model_validate_json((root / NAME).read_bytes())
        except (FileNotFoundError, ValidationError):
            return cls()
        return found if found.schema_version == VERSION else cls()
