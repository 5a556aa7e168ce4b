"""The nightly backup, if GOGOBE_BACKUP_FOLDER is set. `backup.make` makes it; here is when it runs."""

import dagster as dg

from gogobe_dagster.defs.automation import TIME_ZONE
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings

JOB = "backup"
NIGHTLY = "0 3 * * *"
"""Before maintenance: what that deletes is in the backup."""


@dg.op
def back_up(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Copy databases, raw store and lake to the backup folder; remove old backups."""
    from gogobe_dagster.backup.folder import BackupFolder
    from gogobe_dagster.backup.make import make_backup

    settings = resources.settings
    with as_failure("backup"):
        folder = BackupFolder(settings.backup_folder)
        made = make_backup(resources, folder, keep=settings.keep_backups, tell=context.log.debug)
    context.add_output_metadata(
        {
            "backup": str(folder.root / made.name),
            "files": len(made.manifest.files),
            "files copied": made.copied,
            "bytes copied": made.copied_bytes,
            "bytes dumped": made.dump_bytes,
            "files missing": len(made.manifest.missing),
            "old backups removed": len(made.removed),
        }
    )


@dg.definitions
def backups() -> dg.Definitions:
    """Define the job and its schedule; nothing without a folder."""
    if not Settings.read().backup_folder:
        return dg.Definitions()

    @dg.job(
        name=JOB,
        executor_def=dg.in_process_executor,
        description="Backs up databases, raw store and lake to GOGOBE_BACKUP_FOLDER.",
    )
    def backup_job() -> None:
        back_up()

    nightly = dg.ScheduleDefinition(
        name=f"{JOB}_nightly",
        job_name=JOB,
        cron_schedule=NIGHTLY,
        execution_timezone=TIME_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,  # setting the folder asks for it
        description="At 03:00: backs up everything that is kept.",
    )
    return dg.Definitions(jobs=[backup_job], schedules=[nightly])
