"""The environment, read once and checked once. No other module reads environment variables.

Every setting is `GOGOBE_<NAME>`; `docs/settings.md` lists them, held by a test. A wrong value names
the variable and what is accepted. What can be said of one feed is `overrides`.
"""

import os
from collections.abc import Mapping
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.feeds.feed_settings import FeedKey, FeedOverride, refuse_doors_that_are_not_there

PREFIX = "GOGOBE_"
INSIDE = "__"
"""Between a feed and what is said of it: GOGOBE_FEED__RAMI_LEVY__PROXY."""
SECRET = frozenset({"password", "proxy"})
NO_SETTINGS = frozenset({"DAGSTER_FOLDER", "CODE_SOCKET", "STARTED_BY", "TEST_DATABASE_URL"})
"""Variables of ours that programs of ours set for each other."""
CRON = r"[\d*/,-]+"
HOUR = r"([01]\d|2[0-3]):[0-5]\d"
Workers = Annotated[int, Field(ge=1, le=64)]


class Settings(BaseSettings):
    """Every setting with its default; the defaults are those of the embedded mode."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=INSIDE, frozen=True, extra="ignore"
    )

    home: Path = Field(default=Path(".gogobe"), description="Folder for everything that is kept.")
    database_url: str = Field(
        default="", description="Warehouse: postgresql://… of a real server; empty = embedded."
    )
    dagster_database_url: str = Field(
        default="", description="Dagster's storage: postgresql://…; empty = embedded."
    )
    pg_bin: Path | None = Field(
        default=None, description="Folder of PostgreSQL binaries for the embedded server."
    )
    pg_port: int = Field(
        default=0, ge=0, le=65535, description="Loopback port of the embedded server; 0 = socket only."
    )
    raw_store: str = Field(default="", description="Folder of the raw files; empty = GOGOBE_HOME/raw.")
    lake: str = Field(default="", description="Folder of the parsed Parquet; empty = GOGOBE_HOME/lake.")
    replica_url: str = Field(
        default="",
        pattern=r"^(https?://.+)?$",
        description="http://… of a replica that stands in for every portal; empty = real portals.",
    )
    gov_il_client_id: str = Field(
        default="", description="The x-client-id that gov.il's own pages send; for `gogobe register`."
    )
    first_day: date = Field(
        default=date(2026, 1, 1), description="First publication day that is a partition (YYYY-MM-DD)."
    )
    stale_after_days: int = Field(
        default=3, ge=0, description="A listed file older than this many days is not imported."
    )
    max_attempts: int = Field(default=5, ge=1, description="Tries before a file is quarantined.")
    max_download_mb: int = Field(default=128, ge=1, description="Hard limit of one file as served, in MB.")
    max_document_mb: int = Field(default=512, ge=1, description="Hard limit of one unpacked document, in MB.")
    parse_workers: Workers = Field(default=2, description="Processes that parse at the same time in a run.")
    batch_mb: int = Field(default=24, ge=1, description="Compressed MB that one parse step takes.")
    batch_files: int = Field(default=400, ge=1, description="Files that one parse step takes at most.")
    sensors_on: bool = Field(default=False, description="Whether the feed sensors start switched on.")
    sensor_seconds: int = Field(default=300, ge=5, description="Seconds between two looks at a portal.")
    keep_raw_days: int = Field(
        default=3, ge=0, description="Days that a raw file is kept after loading; 0 = for ever."
    )
    keep_lake_days: int = Field(
        default=90, ge=0, description="Days that prices and promotions are kept in the lake; 0 = for ever."
    )
    keep_history_days: int = Field(
        default=0,
        ge=0,
        description="Days that an ended period of a price or promotion is kept; 0 = for ever.",
    )
    keep_rejects_days: int = Field(
        default=30, ge=0, description="Days that samples of refused rows are kept; 0 = for ever."
    )
    keep_events_days: int = Field(
        default=30, ge=0, description="Days that the steps of each file's life are kept; 0 = for ever."
    )
    look_seconds: int = Field(
        default=20, ge=1, le=30, description="Seconds that one look at a portal may take in a sensor."
    )
    slow_listing_minutes: int = Field(
        default=20, ge=1, description="Minutes between listings of a portal that is too slow for a sensor."
    )
    quiet_hours: str = Field(
        default="00:30-05:30",
        pattern=rf"^({HOUR}-{HOUR})?$",
        description="Hours in Israel when sensors leave portals alone (HH:MM-HH:MM); empty = none.",
    )
    run_files: int = Field(default=50, ge=1, description="Pending files of a day that are worth a run.")
    run_wait_minutes: int = Field(
        default=10, ge=0, description="Minutes after its publication when a file alone is worth a run."
    )
    small_run_files: int = Field(
        default=50, ge=0, description="Files up to which a sensor's run does without processes for its steps."
    )
    last_sweep: str = Field(
        default="30 23 * * *",
        pattern=rf"^{CRON}( {CRON}){{4}}$",
        description="When portals that forget a day are looked at last (cron, Israel).",
    )
    max_runs: int = Field(default=2, ge=1, description="Runs of the queue at the same time.")
    portal_steps: Workers = Field(
        default=4, description="Steps that list or fetch at the same time, in all runs together."
    )
    warehouse_steps: Workers = Field(
        default=2, description="Steps that load tables at the same time, in all runs together."
    )
    event_log_days: int = Field(
        default=14, ge=1, description="Days that Dagster keeps the step logs of a run."
    )
    alert_url: str = Field(
        default="", description="Where alerts go: an Apprise URL (mail, Slack, Telegram …); empty = nowhere."
    )
    alert_after: int = Field(
        default=3, ge=1, description="Failed looks in a row after which a portal counts as not answering."
    )
    fresh_hours: int = Field(default=36, ge=1, description="Age of a feed's newest full file that is late.")
    fresh_hours_of_rest: int = Field(
        default=72, ge=1, description="The same when a feed rested since: Shabbat, holidays."
    )
    complete_hour: int = Field(
        default=16, ge=0, le=23, description="Hour in Israel from which today's full files should be there."
    )
    complete_percent: int = Field(
        default=80, ge=1, le=100, description="Percent of a feed's stores that should have a full file."
    )
    row_count_percent: int = Field(
        default=25, ge=1, description="Percent by which full files may grow or shrink in a day."
    )
    reject_percent: float = Field(
        default=1.0, ge=0, le=100, description="Percent of a feed's rows that may be rejected."
    )
    outlier_factor: int = Field(
        default=5, ge=2, description="Factor by which a price may change in a day before it is an outlier."
    )
    unknown_product_percent: float = Field(
        default=20.0, ge=0, le=100, description="Percent of promoted products that may have no price."
    )
    feed: Mapping[FeedKey, FeedOverride] = Field(
        default_factory=dict, description="What is other for single feeds; see Single feeds below."
    )

    @classmethod
    def read(cls) -> Self:
        """Read the environment. Raises `SettingsError` that names every wrong variable."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(_in_words(error)) from None
        except UnreadableVariable as error:
            raise SettingsError(f"{PREFIX}FEED: no JSON object ({error})") from None

    @field_validator("feed")
    @classmethod
    def _only_doors_that_are_there(cls, feed: Mapping[str, FeedOverride]) -> Mapping[str, FeedOverride]:
        return refuse_doors_that_are_not_there(feed)

    def of_feed(self, key: str) -> FeedOverride:
        """Return what is other for this feed."""
        return self.feed.get(key, FeedOverride())

    @property
    def folder(self) -> Path:
        """The absolute home folder; not created by reading it."""
        # never cached: a copy of these settings with another home would keep this one's folder
        return self.home.expanduser().resolve()

    @property
    def raw_store_url(self) -> str:
        """Where raw files are kept, as an fsspec URL or an absolute path."""
        return self.raw_store or str(self.folder / "raw")

    @property
    def quiet(self) -> tuple[time, time] | None:
        """The quiet hours, from and to; to may be earlier than from."""
        if not self.quiet_hours:
            return None
        start, end = self.quiet_hours.split("-")
        return time.fromisoformat(start), time.fromisoformat(end)

    @property
    def lake_url(self) -> str:
        """Where parsed rows are kept, as an fsspec URL or an absolute path."""
        return self.lake or str(self.folder / "lake")


def _in_words(error: ValidationError) -> str:
    return "\n".join(_line(problem["loc"], problem["input"], problem["msg"]) for problem in error.errors())


def unknown_variables() -> dict[str, str]:
    """Name the variables that look like settings and are none, each with the nearest setting, or ""."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    ours = known | {PREFIX + name for name in NO_SETTINGS}
    of_feeds = f"{PREFIX}FEED{INSIDE}"
    unknown = [
        name
        for name in os.environ
        if name.startswith(PREFIX) and name not in ours and not name.upper().startswith(of_feeds)
    ]
    return {name: next(iter(get_close_matches(name, known, n=1, cutoff=0.8)), "") for name in sorted(unknown)}


def _line(place: tuple[str | int, ...], value: object, problem: str) -> str:
    inside = [str(part) for part in place if part != "[key]"]
    accepted = ""
    if problem.startswith("Extra inputs"):
        accepted = f"; there are: {', '.join(FeedOverride.model_fields)}"
    elif problem.startswith("String should match pattern") and inside[0] in Settings.model_fields:
        problem = f"it is: {Settings.model_fields[inside[0]].description}"
    shown = "…" if inside[-1] in SECRET else repr(value)
    return f"{PREFIX}{INSIDE.join(inside).upper()}={shown}: {problem}{accepted}"
