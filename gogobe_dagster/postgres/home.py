"""The home folder: nobody but its owner, and the account of the embedded server, gets into it."""

import os
import stat
from pathlib import Path

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.postgres.binaries import Account

PRIVATE, PASSABLE = 0o700, 0o710
"""The second one where root starts the server as another account, which has to pass through the folder."""


def make_home(folder: Path, account: Account) -> None:
    """Create the home folder if there is none; an existing one stays as it is.

    Raises `SettingsError` where it cannot be created or entered.
    """
    try:
        _make(folder, account)
    except OSError as error:
        raise SettingsError(f"GOGOBE_HOME: {folder} cannot be used ({error.strerror})") from None


def _make(folder: Path, account: Account) -> None:
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    folder.chmod(PRIVATE)
    if not account.is_current_user:
        os.chown(folder, -1, account.gid)
        folder.chmod(PASSABLE)


def open_to_others(folder: Path, account: Account) -> str:
    """Return what to do if other users can get into the home folder; "" if they cannot."""
    status = folder.stat()
    allowed = PRIVATE if account.is_current_user or status.st_gid != account.gid else PASSABLE
    mode = stat.S_IMODE(status.st_mode)
    if not mode & 0o777 & ~allowed:
        return ""
    remedy = f"chmod 700 {folder}"
    if not account.is_current_user:
        remedy = f"chgrp {account.gid} {folder} && chmod 710 {folder}"
    return f"{folder}: other users of this machine can get into it (mode {mode:o}): {remedy}"
