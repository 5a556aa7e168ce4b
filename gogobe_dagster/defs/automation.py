"""How sensors and schedules are switched on, and in which time zone schedules run."""

import re

import dagster as dg

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.settings import Settings

TIME_ZONE = ISRAEL.key
TIME_OF_PREVIEW = re.compile(r"\d{8}_\d{6}")


def sensor_status(*, on: bool) -> dg.DefaultSensorStatus:
    """Return the status that a sensor has until somebody switches it in the web UI."""
    return dg.DefaultSensorStatus.RUNNING if on else dg.DefaultSensorStatus.STOPPED


def is_preview(context: dg.SensorEvaluationContext) -> bool:
    """Whether the web UI only tests what a tick would do: nothing may be recorded or sent.

    Dagster does not say so. A tick of the daemon has its number in the key of its log, a preview the time.
    """
    return bool(context.log_key and TIME_OF_PREVIEW.fullmatch(context.log_key[-1]))


def schedule_status(settings: Settings) -> dg.DefaultScheduleStatus:
    """Return the status of schedules: GOGOBE_SENSORS_ON is about them as well."""
    return dg.DefaultScheduleStatus.RUNNING if settings.sensors_on else dg.DefaultScheduleStatus.STOPPED


def schedule_of_job(
    name: str, job: str, *, cron: str, description: str, settings: Settings
) -> dg.ScheduleDefinition:
    """Make a schedule that starts a job without partitions, by Israel's time."""
    return dg.ScheduleDefinition(
        name=name,
        job_name=job,
        cron_schedule=cron,
        execution_timezone=TIME_ZONE,
        default_status=schedule_status(settings),
        description=description,
    )
