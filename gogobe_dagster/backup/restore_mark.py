"""The mark of a home that is restored into: until the restore has ended, no other command uses the home."""

from pathlib import Path

from gogobe_dagster.errors import BackupError
from gogobe_dagster.settings import Settings


def mark_of(settings: Settings) -> Path:
    """Return the file that a home has while it is restored into, and after a restore that was killed."""
    return settings.folder / "restoring"


def check_restored(settings: Settings) -> None:
    """Raise `BackupError` if a restore into this home has not ended."""
    mark = mark_of(settings)
    if mark.exists():
        raise BackupError(
            f"a restore into {settings.folder} has not ended: wait for it, or, if it was interrupted, type "
            f"`gogobe restore {mark.read_text()}` again"
        )
