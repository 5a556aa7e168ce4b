"""The environment, read once and checked once. No other module reads environment variables.

Every setting is `GOGOBE_<NAME>`; `docs/settings.md` lists them, held by a test. A wrong value names
the variable and what is accepted. What can be said of one feed is `overrides`.
"""

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.overrides import FeedKey, FeedOverride, refuse_doors_that_are_not_there

PREFIX = "GOGOBE_"
INSIDE = "__"
"""Between a feed and what is said of it: GOGOBE_FEED__RAMI_LEVY__PROXY."""
SECRET = frozenset({"password", "proxy"})
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
    feed: Mapping[FeedKey, FeedOverride] = Field(
        default_factory=dict, description="What is other for single feeds; see Single feeds below."
    )

    keep_raw_days: int = Field(
        default=3, ge=0, description="Days that a raw file is kept after loading; 0 = for ever."
    )
    keep_lake_days: int = Field(
        default=90, ge=0, description="Days that prices and promotions are kept in the lake; 0 = for ever."
    )
    keep_history_days: int = Field(
        default=0, ge=0, description="Days that an ended period of price history is kept; 0 = for ever."
    )
    keep_rejects_days: int = Field(
        default=30, ge=0, description="Days that samples of refused rows are kept; 0 = for ever."
    )
    keep_events_days: int = Field(
        default=30, ge=0, description="Days that the steps of each file's life are kept; 0 = for ever."
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

    @cached_property
    def folder(self) -> Path:
        """The absolute home folder; not created by reading it."""
        return self.home.expanduser().resolve()

    @property
    def raw_store_url(self) -> str:
        """Where raw files are kept, as an fsspec URL or an absolute path."""
        return self.raw_store or str(self.folder / "raw")

    @property
    def lake_url(self) -> str:
        """Where parsed rows are kept, as an fsspec URL or an absolute path."""
        return self.lake or str(self.folder / "lake")


def _in_words(error: ValidationError) -> str:
    return "\n".join(_line(problem["loc"], problem["input"], problem["msg"]) for problem in error.errors())


def _line(place: tuple[str | int, ...], value: object, problem: str) -> str:
    inside = [str(part) for part in place if part != "[key]"]
    accepted = ""
    if problem.startswith("Extra inputs"):
        accepted = f"; there are: {', '.join(FeedOverride.model_fields)}"
    shown = "…" if inside[-1] in SECRET else repr(value)
    return f"{PREFIX}{INSIDE.join(inside).upper()}={shown}: {problem}{accepted}"
