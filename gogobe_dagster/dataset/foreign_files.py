"""Refuses a folder in which a document of others stands where a document of the dataset would.

`gogobe publish .` in a folder of programs would replace their README otherwise.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from upath import UPath

from gogobe_dagster.dataset.description import NAME, TITLE
from gogobe_dagster.dataset.manifest import NAME as MANIFEST
from gogobe_dagster.errors import GogobeError


class ForeignFile(GogobeError):
    """A document in the folder is not of a dataset of ours."""


def check_documents(root: UPath) -> None:
    """Check that each document is missing or ours. Raises `ForeignFile`."""
    for name, is_ours in _IS_OURS.items():
        path = root / name
        if path.exists() and not is_ours(path.read_bytes()):
            raise ForeignFile(
                f"{path} is not of a dataset that was published before; choose an empty folder, or remove it"
            )


def _has(**values: object) -> Callable[[bytes], bool]:
    """Return a check of the names in an object of JSON; None stands for any value."""

    def has(content: bytes) -> bool:
        try:
            found: Any = json.loads(content)
        except ValueError:
            return False
        return isinstance(found, dict) and all(
            name in found and value in (None, found[name]) for name, value in values.items()
        )

    return has


_IS_OURS: Final[dict[str, Callable[[bytes], bool]]] = {
    MANIFEST: _has(schema_version=None, made_at=None, files=None),
    "datapackage.json": _has(name=NAME),
    "README.md": lambda content: content.startswith(f"# {TITLE}\n".encode()),
}
