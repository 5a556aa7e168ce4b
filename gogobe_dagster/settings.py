"""Settings: environment variables, read and validated in one place. No other module reads variables of ours.

Every setting is `GOGOBE_<NAME>`; `docs/settings.md` is generated from the fields below. An invalid value
raises an error with the variable and what is accepted. Settings per feed are in `feeds.feed_settings`.
"""

import os
from collections.abc import Mapping
from datetime import date, time, timedelta
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.feeds.feed_settings import (
    HOST_NAME,
    NO_PORT,
    FeedKey,
    FeedOverride,
    check_port,
    check_transports,
    list_of_hosts,
)
from gogobe_dagster.printable import HIDDEN

PREFIX = "GOGOBE_"
DELIMITER = "__"
"""Between feed and field: GOGOBE_FEED__RAMI_LEVY__PROXY."""
SECRET_FIELDS = frozenset(
    {
        "password",
        "web_password",
        "api_keys",
        "reader_database_url",
        "proxy",
        "alert_url",
        "database_url",
        "dagster_database_url",
        "admin_database_url",
        "feed",
    }
)
"""Fields whose values are not shown; of other URLs, user and password are hidden."""
OLDEST_DAY = "OLDEST_DAY"
"""Publication day of the oldest file that is imported, for the processes that define the partitions."""
INTERNAL_VARIABLES = frozenset(
    {"DAGSTER_FOLDER", "CODE_SOCKET", "STARTED_BY", "TEST_DATABASE_URL", OLDEST_DAY}
)
"""Set by `gogobe` for the processes that it starts, and by the tests."""
CRON = r"[\d*/,-]+"
HOUR = r"([01]\d|2[0-3]):[0-5]\d"
Workers = Annotated[int, Field(ge=1, le=64)]


class Launcher(StrEnum):
    """What executes the runs that Dagster launches."""

    WORKERS = "workers"
    """Workers: `gogobe up` starts one, `gogobe worker` more of them, on any machine."""
    PROCESS = "process"
    """A process of its own for each run, started by the code server."""
    K8S = "k8s"
    """A pod of its own for each run, in Kubernetes."""


class Settings(BaseSettings):
    """Every setting with its default; the defaults are those of the embedded mode."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, frozen=True, extra="ignore"
    )

    home: Path = Field(default=Path(".gogobe"), description="Folder for everything that is kept.")
    secrets_folder: str = Field(
        default="",
        description="Folder with settings as files, each named for its variable in lower case, such as "
        "`gogobe_web_password`; a variable that is set comes first. Empty = none.",
    )
    database_url: str = Field(
        default="", description="Warehouse: postgresql://… of your own server; empty = embedded."
    )
    admin_database_url: str = Field(
        default="", description="The warehouse's database as a superuser, for `gogobe roles` only."
    )
    reader_database_url: str = Field(
        default="",
        description="The warehouse for `gogobe serve` and `gogobe mcp`, as a role that may only read;"
        " empty = GOGOBE_DATABASE_URL as gogobe_reader.",
    )
    dagster_database_url: str = Field(
        default="", description="Dagster's storage: postgresql://…; empty = embedded."
    )
    pg_bin: Path | None = Field(
        default=None, description="Folder with PostgreSQL's programs, for the embedded server."
    )
    pg_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port of the embedded server on 127.0.0.1 (docs/security.md); 0 = unix socket only.",
    )
    raw_store: str = Field(default="", description="Folder for downloaded files; empty = GOGOBE_HOME/raw.")
    lake: str = Field(default="", description="Folder for parsed rows (Parquet); empty = GOGOBE_HOME/lake.")
    replica_url: str = Field(
        default="",
        pattern=r"^(https?://.+)?$",
        description="http://… of a replica that replaces every portal; empty = real portals.",
    )
    user_agent: str = Field(
        default="",
        pattern=r"^[\x20-\x7e]*$",
        description="User agent of requests to portals; empty = a browser's, which all portals accept.",
    )
    contact: str = Field(
        default="",
        pattern=r"^([^\s@]+@[^\s@]+)?$",
        description="Mail address that requests to portals carry in the header From; empty = none.",
    )
    gov_il_client_id: str = Field(
        default="", description="The x-client-id that gov.il's own pages send; needed by `gogobe register`."
    )
    first_day: date | None = Field(
        default=None,
        description="First publication day that has a partition (YYYY-MM-DD); empty = that of the oldest file"
        " of this installation.",
    )
    stale_after_days: int = Field(
        default=3, ge=0, description="Listed files older than this many days are not imported."
    )
    max_attempts: int = Field(
        default=6,
        ge=1,
        description="Failed attempts after which a quarantined file is no longer tried again by itself.",
    )
    max_download_mb: int = Field(default=128, ge=1, description="Largest file accepted as served, in MB.")
    max_document_mb: int = Field(
        default=512,
        ge=1,
        description="Largest document accepted once unpacked, in MB; bounds memory.",
    )
    parse_workers: Workers = Field(
        default=2, description="Parse processes per run; each has memory of its own."
    )
    batch_mb: int = Field(default=24, ge=1, description="Compressed MB parsed in one step; bounds memory.")
    batch_files: int = Field(default=400, ge=1, description="Most files parsed in one step.")
    fast_reader: bool = Field(
        default=True,
        description="Whether the fast reader reads regular documents; false = lxml reads every document.",
    )
    sensors_on: bool = Field(
        default=False, description="Whether the feed sensors are on when Dagster starts for the first time."
    )
    poll_interval_seconds: int = Field(
        default=300, ge=5, description="Seconds between two polls of a portal."
    )
    keep_raw_days: int = Field(
        default=3, ge=0, description="Days to keep a downloaded file after it was loaded; 0 = forever."
    )
    keep_lake_days: int = Field(
        default=90, ge=0, description="Days to keep prices and promotions in the lake; 0 = forever."
    )
    keep_history_days: int = Field(
        default=0,
        ge=0,
        description="Days to keep a price or promotion period after it ended; 0 = forever.",
    )
    keep_rejects_days: int = Field(
        default=30, ge=0, description="Days to keep samples of rejected rows; 0 = forever."
    )
    keep_file_events_days: int = Field(
        default=30, ge=0, description="Days to keep the events of each file; 0 = forever."
    )
    keep_file_details_days: int = Field(
        default=365,
        ge=0,
        description="Days to keep all columns of a loaded file since its portal last listed it; 0 = forever.",
    )
    dataset_folder: str = Field(
        default="",
        description="Folder or s3://… for a dataset of Parquet files, brought up to date every night;"
        " empty = none.",
    )
    keep_reports_days: int = Field(
        default=365, ge=0, description="Days to keep the report of a day; 0 = forever."
    )
    backup_folder: str = Field(
        default="",
        description="Folder or s3://… for a backup every night; empty = none. On another disk, if possible.",
    )
    keep_backups: int = Field(
        default=7, ge=1, description="Number of backups to keep in a folder; older ones are removed."
    )
    poll_timeout_seconds: int = Field(
        default=20, ge=1, le=30, description="Seconds a sensor may spend on polling a portal."
    )
    slow_poll_minutes: int = Field(
        default=20, ge=1, description="Minutes between polls of a portal that is too slow for a sensor."
    )
    quiet_hours: str = Field(
        default="00:30-05:30",
        pattern=rf"^({HOUR}-{HOUR})?$",
        description="Hours in Israel when sensors do not poll (HH:MM-HH:MM); empty = none.",
    )
    run_min_files: int = Field(
        default=50, ge=1, description="Pending files of a feed and day that start a run."
    )
    run_max_wait_minutes: int = Field(
        default=0, ge=0, description="Minutes that deltas wait for others before they start a run."
    )
    in_process_max_files: int = Field(
        default=50,
        ge=0,
        description="A sensor's run with at most this many files executes all steps in one process.",
    )
    final_poll_cron: str = Field(
        default="30 23 * * *",
        pattern=rf"^{CRON}( {CRON}){{4}}$",
        description="When portals that show only today are polled for the last time (cron, Israel).",
    )
    max_concurrent_runs: int = Field(
        default=2, ge=1, description="Runs that execute at the same time; others are queued."
    )
    launcher: Launcher | None = Field(
        default=None,
        description="What executes queued runs: `workers` (docs/cluster.md), of which `gogobe up` starts "
        "one, `process`, a new process for each, or `k8s`, a pod for each (docs/deploy.md); "
        "empty = workers under `gogobe up`, else processes.",
    )
    k8s_config: Path | None = Field(
        default=None,
        description="File (YAML) with the configuration of Dagster's K8sRunLauncher, for "
        "GOGOBE_LAUNCHER=k8s without the Helm chart.",
    )
    worker_runs: int | None = Field(
        default=None,
        ge=0,
        le=64,
        description="Runs that a worker executes at the same time; empty = GOGOBE_MAX_CONCURRENT_RUNS, "
        "0 = `gogobe up` starts no worker.",
    )
    max_portal_steps: Workers = Field(
        default=4, description="Steps that list or download at the same time, over all runs."
    )
    max_warehouse_steps: Workers = Field(
        default=2, description="Steps that load tables at the same time, over all runs."
    )
    keep_run_logs_days: int = Field(default=14, ge=1, description="Days to keep Dagster's logs of a run.")
    web_hosts: str = Field(
        default="",
        pattern=rf"^({HOST_NAME}(, *{HOST_NAME})*)?$",
        description="Names, besides 127.0.0.1 and localhost, under which `gogobe up` serves the web UI, such "
        "as that of a reverse proxy; separated by commas.",
    )
    web_password: str = Field(
        default="",
        description="Password that `gogobe up`'s web UI asks for, with any user name; empty = none.",
    )
    api_keys: str = Field(
        default="",
        pattern=r"^([\w-]{16,}(, *[\w-]{16,})*)?$",
        description="Keys of 16 characters or more that `gogobe serve` and `gogobe mcp` ask for over HTTP,"
        " separated by commas; empty = anybody may ask.",
    )
    api_statement_seconds: int = Field(
        default=5, ge=1, le=30, description="Seconds that one question to `gogobe serve` may take."
    )
    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port on 127.0.0.1 where `gogobe up` serves metrics for Prometheus; 0 = not at all.",
    )
    alert_url: str = Field(
        default="",
        description="Where alerts are sent: an Apprise URL (mail, Slack, Telegram …); empty = nowhere.",
    )
    ui_url: str = Field(
        default="",
        pattern=r"^(https?://.+)?$",
        description="Address of the web UI as people reach it, for links in alerts; empty = no links.",
    )
    alert_after_failures: int = Field(
        default=3, ge=1, description="Failed polls in a row before a portal counts as not responding."
    )
    freshness_hours: int = Field(
        default=36,
        ge=1,
        description="A feed is late when its newest full price file is older than this many hours.",
    )
    freshness_hours_with_rest: int = Field(
        default=72,
        ge=1,
        description="The same if Shabbat or a holiday fell in between and the feed observes it.",
    )
    completeness_hour: int = Field(
        default=16,
        ge=0,
        le=23,
        description="Hour in Israel by which today's full price files should have been published.",
    )
    completeness_percent: int = Field(
        default=80, ge=1, le=100, description="Percent of a feed's stores that should have a full price file."
    )
    row_count_change_percent: int = Field(
        default=25,
        ge=1,
        description="Largest plausible day-to-day change in the rows of a full price file, in percent.",
    )
    min_files_percent: float = Field(
        default=80.0,
        ge=0,
        le=100,
        description="A feed and day of which fewer files came through, in percent, is shown as failed; "
        "also one of whose full prices, full promotions or store lists fewer did.",
    )
    max_quarantined_percent: float = Field(
        default=5.0,
        ge=0,
        le=100,
        description="Largest acceptable share of quarantined files of a feed and day, in percent.",
    )
    max_reject_percent: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="Largest acceptable share of rejected rows of a feed, in percent.",
    )
    outlier_factor: int = Field(
        default=5, ge=2, description="A price that changes by more than this factor in a day is an outlier."
    )
    max_unknown_product_percent: float = Field(
        default=20.0,
        ge=0,
        le=100,
        description="Largest acceptable share of promoted products without a price, in percent.",
    )
    frozen_after_days: int = Field(
        default=7,
        ge=2,
        description="A store is frozen if its full price files repeat the same prices for this many days.",
    )
    stopped_after_days: int = Field(
        default=3,
        ge=1,
        description="A listed store is silent if its newest price file is this number of days older than the"
        " newest of its chain.",
    )
    feed: Mapping[FeedKey, FeedOverride] = Field(
        default_factory=dict, description="Per-feed overrides, see below."
    )

    @classmethod
    def read(cls, **given: Any) -> Self:
        """Read the environment, files of secrets and what is given.

        Raises `SettingsError` that names every invalid value.
        """
        folder = os.environ.get(f"{PREFIX}SECRETS_FOLDER") or None
        if folder and not Path(folder).is_dir():
            raise SettingsError(f"{PREFIX}SECRETS_FOLDER={folder}: there is no such folder")
        try:
            return cls(_secrets_dir=folder, **given)
        except ValidationError as error:
            raise SettingsError(_describe(error)) from None
        except UnreadableVariable as error:
            raise SettingsError(f"{PREFIX}FEED: not a JSON object ({error})") from None

    @field_validator("first_day", "k8s_config", "launcher", "pg_bin", "worker_runs", mode="before")
    @classmethod
    def _empty_is_not_set(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("replica_url")
    @classmethod
    def _check_replica(cls, url: str) -> str:
        return check_port(url)

    @field_validator("feed")
    @classmethod
    def _check_transports(cls, feed: Mapping[str, FeedOverride]) -> Mapping[str, FeedOverride]:
        return check_transports(feed)

    def for_feed(self, key: str) -> FeedOverride:
        """Return the overrides of a feed; all fields are at their defaults if it has none."""
        return self.feed.get(key, FeedOverride())

    def first_day_on(self, today: date) -> date:
        """Return the first publication day that has a partition, if the definitions are made today.

        Unless it is set, it is the day of the oldest file that `gogobe` found in the ledger, or the oldest of
        which a listing of today would still be imported.
        """
        oldest_listed = today - timedelta(days=self.stale_after_days)
        oldest_known = os.environ.get(f"{PREFIX}{OLDEST_DAY}")
        oldest = min(oldest_listed, date.fromisoformat(oldest_known)) if oldest_known else oldest_listed
        return self.first_day or oldest

    @property
    def folder(self) -> Path:
        """The absolute home folder, which need not exist yet."""
        # not cached: model_copy with another home would keep the old folder
        return self.home.expanduser().resolve()

    @property
    def raw_store_url(self) -> str:
        """The raw store as an fsspec URL or an absolute path."""
        return self.raw_store or str(self.folder / "raw")

    @property
    def lake_url(self) -> str:
        """The lake as an fsspec URL or an absolute path."""
        return self.lake or str(self.folder / "lake")

    @property
    def keys(self) -> frozenset[str]:
        """The keys in `api_keys`."""
        return frozenset(key.strip() for key in self.api_keys.split(",") if key.strip())

    @property
    def reports_folder(self) -> Path:
        """Folder of the daily reports."""
        return self.folder / "reports"

    @property
    def runs_of_a_worker(self) -> int:
        """How many runs the worker on this machine executes at the same time."""
        return self.max_concurrent_runs if self.worker_runs is None else self.worker_runs

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The host names in `web_hosts`."""
        return frozenset(list_of_hosts(self.web_hosts))

    @property
    def quiet_period(self) -> tuple[time, time] | None:
        """Start and end of the quiet hours; the end is earlier than the start if they span midnight."""
        if not self.quiet_hours:
            return None
        start, end = self.quiet_hours.split("-")
        return time.fromisoformat(start), time.fromisoformat(end)


def unknown_variables() -> dict[str, str]:
    """Return variables with our prefix that are not settings, each with the nearest setting, or ""."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    ours = known | {PREFIX + name for name in INTERNAL_VARIABLES}
    override = f"{PREFIX}FEED{DELIMITER}"
    unknown = [
        name
        for name in os.environ
        if name.startswith(PREFIX) and name not in ours and not name.upper().startswith(override)
    ]
    return {name: next(iter(get_close_matches(name, known, n=1, cutoff=0.8)), "") for name in sorted(unknown)}


def _describe(error: ValidationError) -> str:
    return "\n".join(
        _describe_field(problem["loc"], problem["input"], problem["msg"]) for problem in error.errors()
    )


def _describe_field(location: tuple[str | int, ...], value: object, message: str) -> str:
    """Write one line: the variable, its value unless secret, what is wrong and what is accepted."""
    path = [str(part) for part in location if part != "[key]"]
    accepted = ""
    if message.startswith("Extra inputs"):
        accepted = f"; accepted are: {', '.join(FeedOverride.model_fields)}"
    elif message.startswith("String should match pattern") and path[0] in Settings.model_fields:
        message = f"expected: {Settings.model_fields[path[0]].description}"
    # a name that is no field may be a mistyped password, and a port that is none a part of one
    known = (Settings.model_fields.keys() | FeedOverride.model_fields.keys()) - SECRET_FIELDS
    shown = repr(value) if path[-1] in known and NO_PORT not in message else HIDDEN
    return f"{PREFIX}{DELIMITER.join(path).upper()}={shown}: {message}{accepted}"
