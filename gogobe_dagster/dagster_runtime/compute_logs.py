"""Where Dagster keeps what steps print: in files, or, where workers or pods execute runs, in the database.

A step writes into a file of its machine, and the web server may be on another one: then the file is saved in
the database every ten seconds and when the step has ended, and then deleted. Logs of sensors and
backfills stay in files, as the head alone writes and reads them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import dagster as dg
import psycopg
from dagster._core.storage.cloud_storage_compute_log_manager import (
    CloudStorageComputeLogManager,
    PollingComputeLogSubscriptionManager,
)
from dagster._core.storage.compute_log_manager import CapturedLogSubscription, ComputeIOType
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, LocalComputeLogManager
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.postgres import step_logs
from gogobe_dagster.settings import Launcher, Settings

SAVE_SECONDS: Final = 10
NOT_SAVED: Final = psycopg.Error, DatabaseUnavailable
"""A run does not fail for its log: the file stays where it is."""


class ChosenComputeLogs(LocalComputeLogManager):
    """What dagster.yaml names. It is never made: what fits the launcher is."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Any:
        """Return what keeps the logs."""
        if Settings.read().launcher in {Launcher.WORKERS, Launcher.K8S}:
            return DatabaseComputeLogs(inst_data=inst_data, **config_value)
        return LocalComputeLogManager(inst_data=inst_data, **config_value)


class DatabaseComputeLogs(CloudStorageComputeLogManager[dg.DagsterInstance], ConfigurableClass):
    """Saves the logs of steps in the database."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Write files below `base_dir` while a step runs."""
        self._inst_data = inst_data
        self._local = LocalComputeLogManager(base_dir)
        self._settings = Settings.read()
        self._subscriptions = PollingComputeLogSubscriptionManager(self)  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What dagster.yaml says."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        """Return what can be configured: the folder."""
        return {"base_dir": dg.StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "DatabaseComputeLogs":
        """Make one."""
        return cls(inst_data=inst_data, **config_value)

    @property
    def local_manager(self) -> LocalComputeLogManager:
        """What writes the files."""
        return self._local

    @property
    def upload_interval(self) -> int:
        """After how many seconds a running step's log is saved, and then again."""
        return SAVE_SECONDS

    def _on_capture_complete(self, log_key: Sequence[str]) -> None:
        with suppress(*NOT_SAVED):
            self._save(log_key, is_complete=True)
            self._local.delete_logs(log_key=log_key)

    def on_progress(self, log_key: Sequence[str]) -> None:
        """Save what a running step has printed so far."""
        with suppress(*NOT_SAVED):
            self._save(log_key, is_complete=False)

    def _save(self, log_key: Sequence[str], *, is_complete: bool) -> None:
        streams = {io_type.value: self._file(log_key, io_type) for io_type in ComputeIOType}
        contents = {name: _end_of(path) for name, path in streams.items()}
        step_logs.save(self._settings, log_key, contents, is_complete=is_complete)

    def _file(self, log_key: Sequence[str], io_type: ComputeIOType) -> Path:
        return Path(self._local.get_captured_local_path(log_key, IO_TYPE_EXTENSION[io_type]))

    def get_log_data_for_type(
        self, log_key: Sequence[str], io_type: ComputeIOType, offset: int, max_bytes: int | None
    ) -> tuple[bytes | None, int]:
        """Return what a step printed, from an offset on, and where that ends."""
        if self.has_local_file(log_key, io_type):
            path = str(self._file(log_key, io_type))
            data, end = self._local.read_path(path, offset=offset, max_bytes=max_bytes)
            return data, end
        saved = step_logs.read(self._settings, log_key, io_type.value)
        if saved is None:
            return None, offset
        data = saved.content[offset:][:max_bytes]
        return data, offset + len(data)

    def cloud_storage_has_logs(
        self,
        log_key: Sequence[str],
        io_type: ComputeIOType,
        partial: bool = False,  # noqa: FBT001, FBT002 - Dagster's
    ) -> bool:
        """Return whether the log of a step that has ended, or of one that runs, is saved."""
        saved = step_logs.read(self._settings, log_key, io_type.value)
        return saved is not None and saved.is_complete is not partial

    def upload_to_cloud_storage(
        self,
        log_key: Sequence[str],
        io_type: ComputeIOType,  # noqa: ARG002 - both streams in one go
        partial: bool = False,  # noqa: FBT001, FBT002 - Dagster's
    ) -> None:
        """Save the log of a step."""
        self._save(log_key, is_complete=not partial)

    def download_from_cloud_storage(
        self,
        log_key: Sequence[str],
        io_type: ComputeIOType,
        partial: bool = False,  # noqa: ARG002, FBT001, FBT002 - what is there
    ) -> None:
        """Write the log of a step into a file of this machine, for the web server to send."""
        if saved := step_logs.read(self._settings, log_key, io_type.value):
            path = self._file(log_key, io_type)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(saved.content)

    def download_url_for_type(self, log_key: Sequence[str], io_type: ComputeIOType) -> str:
        """Return where the web server offers a log as a file."""
        url = self._local.get_captured_log_download_url(log_key, io_type)  # type: ignore[no-untyped-call]
        return str(url)

    def display_path_for_type(self, log_key: Sequence[str], io_type: ComputeIOType) -> str:
        """Return where a log is, for people."""
        if self.has_local_file(log_key, io_type):
            return str(self._file(log_key, io_type))
        return f"Dagster's database: {'/'.join(log_key)}"

    def delete_logs(self, log_key: Sequence[str] | None = None, prefix: Sequence[str] | None = None) -> None:
        """Delete the logs of a key, or of all that begin with a prefix."""
        self._local.delete_logs(log_key, prefix)
        step_logs.delete(self._settings, log_key or prefix or [])

    @contextmanager
    def open_log_stream(self, log_key: Sequence[str], io_type: ComputeIOType) -> Iterator[IO[bytes] | None]:
        """Open the log of a tick or a backfill, which stays in a file."""
        with self._local.open_log_stream(log_key, io_type) as stream:
            yield stream

    def get_log_keys_for_log_key_prefix(
        self, log_key_prefix: Sequence[str], io_type: ComputeIOType
    ) -> Sequence[list[str]]:
        """Return the keys of the logs of a backfill."""
        return self._local.get_log_keys_for_log_key_prefix(log_key_prefix, io_type)

    def on_subscribe(self, subscription: CapturedLogSubscription) -> None:
        """Send somebody who watches a log what is new in it, every few seconds."""
        self._subscriptions.add_subscription(subscription)

    def on_unsubscribe(self, subscription: CapturedLogSubscription) -> None:
        """Stop that."""
        self._subscriptions.remove_subscription(subscription)

    def dispose(self) -> None:
        """Stop threads."""
        self._subscriptions.dispose()
        self._local.dispose()


def _end_of(path: Path) -> bytes:
    """Return the part of a file that is kept; nothing if there is none. A step may have printed a lot."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - step_logs.MOST_BYTES, 0))
        return file.read(step_logs.MOST_BYTES)
