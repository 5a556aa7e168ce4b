"""Values that columns may have: the one place for CHECK constraints, queries and Python."""

from enum import StrEnum


class FileState(StrEnum):
    """Where a file is in its life."""

    DISCOVERED = "discovered"
    DOWNLOADED = "downloaded"
    PARSED = "parsed"
    LOADED = "loaded"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"


OPEN_STATES = (FileState.DISCOVERED, FileState.DOWNLOADED, FileState.PARSED)
