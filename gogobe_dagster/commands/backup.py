"""`gogobe backup`: copies databases, raw store and lake to a folder or a bucket."""

from contextlib import closing

import click

from gogobe_dagster.backup.folder import BackupFolder
from gogobe_dagster.backup.make import Made, make_backup
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.progress import telling
from gogobe_dagster.settings import Settings

SHOWN = 10
"""Missing files that are named."""


@click.command("backup")
@click.argument("folder", required=False)
def backup_command(folder: str | None) -> None:
    """Back up databases, downloaded files and the lake to FOLDER.

    FOLDER is GOGOBE_BACKUP_FOLDER unless given, and should be on another disk, or s3://BUCKET/… with the
    extra `s3`. Files that it has from earlier backups are not copied again. Imports may go on. An interrupted
    backup does not count; the next one goes on with what was copied. The newest GOGOBE_KEEP_BACKUPS backups
    are kept.
    """
    settings = Settings.read()
    root = folder or settings.backup_folder
    if not root:
        raise click.UsageError("name a folder, `gogobe backup FOLDER`, or set GOGOBE_BACKUP_FOLDER")
    backups = BackupFolder(root)
    with closing(open_warehouse(settings)) as resources, telling("backup") as tell:
        made = make_backup(resources, backups, keep=settings.keep_backups, tell=tell)
    click.echo(f"{backups.root / made.name}: {describe(made)}")
    for name in made.manifest.missing[:SHOWN]:
        click.secho(f"not in the backup, because it is missing or damaged: {name}", fg="yellow", err=True)
    if made.manifest.missing[SHOWN:]:
        click.echo(f"… and {len(made.manifest.missing) - SHOWN:,} more, in its manifest", err=True)


def describe(made: Made) -> str:
    """Say in a line what a backup has."""
    files = f"{len(made.manifest.files):,} files, {made.copied:,} of them new"
    sizes = f"({made.copied_bytes / 1e6:,.1f} MB); dumps of {made.dump_bytes / 1e6:,.1f} MB"
    return f"{files} {sizes}; {len(made.removed):,} old backups removed"
