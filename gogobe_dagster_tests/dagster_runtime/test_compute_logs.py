"""What a step printed on one machine is shown on another."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from gogobe_dagster.dagster_runtime.compute_logs import ChosenComputeLogs, DatabaseComputeLogs
from gogobe_dagster.postgres import step_logs

KEY = ["3f2f6f6e-0000-4000-8000-000000000000", "compute_logs", "abcdefgh"]


@contextmanager
def machine(folder: Path) -> Iterator[DatabaseComputeLogs]:
    """What keeps the logs on a machine with this folder."""
    logs = DatabaseComputeLogs(str(folder))
    try:
        yield logs
    finally:
        logs.dispose()


@pytest.fixture
def _cluster(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_DATABASE_URL", database_url)
    monkeypatch.setenv("GOGOBE_DAGSTER_DATABASE_URL", database_url)


def printed(logs: DatabaseComputeLogs, **options: int) -> str:
    data, _ = logs.get_log_data_for_type(
        KEY, ComputeIOType.STDERR, options.get("offset", 0), options.get("max_bytes")
    )
    return (data or b"").decode()


@pytest.mark.usefixtures("_cluster")
def test_what_a_step_prints_is_shown_on_another_machine_while_it_runs_and_afterwards(tmp_path: Path) -> None:
    with machine(tmp_path / "worker") as worker, machine(tmp_path / "head") as head:
        file = Path(worker.local_manager.get_captured_local_path(KEY, "err"))
        assert (printed(head), head.is_capture_complete(KEY)) == ("", False)

        file.parent.mkdir(parents=True)
        file.write_text("first line\n")
        worker.on_progress(KEY)
        assert (printed(head), head.is_capture_complete(KEY)) == ("first line\n", False)

        with worker.capture_logs(KEY), file.open("a") as stream:
            stream.write("last line\n")
        assert (printed(head), head.is_capture_complete(KEY)) == ("first line\nlast line\n", True)
        assert (printed(head, offset=11), printed(head, offset=6, max_bytes=4)) == ("last line\n", "line")
        assert not file.exists(), "it is kept once"

        head.download_from_cloud_storage(KEY, ComputeIOType.STDERR)
        offered = Path(head.local_manager.get_captured_local_path(KEY, "err"))
        assert offered.read_text() == "first line\nlast line\n"
        head.delete_logs(prefix=KEY[:1])
        assert (printed(head), printed(worker)) == ("", "")


@pytest.mark.usefixtures("_cluster")
def test_of_a_long_log_the_end_is_kept(tmp_path: Path) -> None:
    with machine(tmp_path / "worker") as worker, machine(tmp_path / "head") as head:
        file = Path(worker.local_manager.get_captured_local_path(KEY, "err"))
        file.parent.mkdir(parents=True)
        file.write_bytes(b"first line" + b"." * step_logs.MOST_BYTES + b"last line")

        worker.on_progress(KEY)

        assert len(printed(head)) == step_logs.MOST_BYTES
        assert printed(head).endswith(".last line")


def test_a_step_whose_log_cannot_be_saved_goes_on_and_keeps_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOBE_DAGSTER_DATABASE_URL", f"postgresql:///gone?host={tmp_path}")
    with machine(tmp_path) as logs, logs.capture_logs(KEY):
        pass

    with machine(tmp_path) as logs:
        assert printed(logs) == ""
        assert logs.local_manager.is_capture_complete(KEY)


@pytest.mark.usefixtures("_cluster")
def test_without_workers_logs_stay_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {}
    for launcher in ("process", "workers"):
        monkeypatch.setenv("GOGOBE_LAUNCHER", launcher)
        logs = ChosenComputeLogs.from_config_value(None, {"base_dir": str(tmp_path)})
        chosen[launcher] = type(logs)
        logs.dispose()

    assert chosen == {"process": LocalComputeLogManager, "workers": DatabaseComputeLogs}
