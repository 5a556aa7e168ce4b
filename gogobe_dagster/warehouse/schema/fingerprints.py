"""Which version a database has of what `migrate` replaces as a whole, by the hash of it."""

import hashlib
from functools import cache
from importlib.resources import files

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.warehouse.schema.enums import Replaced
from gogobe_dagster.warehouse.schema.tables import schema_fingerprint


@cache
def package_hash(package: str) -> str:
    """Return the hash of a package's code and tables: another one means that it may answer otherwise."""
    sha256 = hashlib.sha256()
    sources = (file for file in files(package).iterdir() if file.name.endswith((".py", ".tsv")))
    for source in sorted(sources, key=lambda file: file.name):
        sha256.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return sha256.hexdigest()


def is_current(connection: sa.Connection, part: Replaced, sha256: str) -> bool:
    """Return whether the database has this version."""
    known = sa.select(schema_fingerprint.c.sha256).where(schema_fingerprint.c.part == part)
    return connection.scalar(known) == sha256


def remember(connection: sa.Connection, part: Replaced, sha256: str) -> None:
    """Note that the database has this version from now on."""
    upsert = insert(schema_fingerprint).values(part=part, sha256=sha256)
    values = {"sha256": upsert.excluded.sha256}
    connection.execute(upsert.on_conflict_do_update(index_elements=["part"], set_=values))
