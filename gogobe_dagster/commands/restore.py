"""`gogobe restore`: restores a backup into an empty home."""

import click

from gogobe_dagster.backup.folder import BackupFolder
from gogobe_dagster.backup.restore import restore_backup
from gogobe_dagster.commands.progress import telling
from gogobe_dagster.settings import Settings


@click.command("restore")
@click.argument("folder")
@click.option("--backup", "name", help="Name of the backup, such as 20261130T030000Z. Default: the newest.")
def restore_command(folder: str, name: str | None) -> None:
    """Restore a backup from FOLDER into an empty home.

    FOLDER is on a disk, or s3://BUCKET/… with the extra s3. Every file is verified by its hash before
    anything is restored. A home that has data is refused: set GOGOBE_HOME to a new folder. An interrupted
    restore has to be repeated before the home can be used.
    """
    settings = Settings.read()
    with telling("restore") as tell:
        manifest = restore_backup(settings, BackupFolder(folder), name, tell=tell)
    click.echo(
        f"Restored the backup of {manifest.made_at:%Y-%m-%d %H:%M} UTC into {settings.folder}: "
        f"{len(manifest.files):,} files and the databases {', '.join(manifest.databases)}."
    )
