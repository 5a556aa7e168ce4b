"""A program that backs up or restores, and kills itself at its nth step: `python -m … backup FOLDER 3`."""

import os
import signal
import sys
from contextlib import closing

from gogobe_dagster.backup.folder import BackupFolder
from gogobe_dagster.backup.make import make_backup
from gogobe_dagster.backup.restore import restore_backup
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings


class Steps:
    """Counts the steps."""

    def __init__(self, last: int) -> None:
        self.last, self.done = last, 0

    def tell(self, what: str) -> None:  # noqa: ARG002 - as progress is told
        self.done += 1
        if self.done == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def main(action: str, folder: str, last: str) -> None:
    """Do it."""
    settings, steps = Settings.read(), Steps(int(last))
    if action == "restore":
        restore_backup(settings, BackupFolder(folder), None, tell=steps.tell)
    else:
        with closing(Resources(settings)) as resources:
            make_backup(resources, BackupFolder(folder), keep=3, tell=steps.tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
