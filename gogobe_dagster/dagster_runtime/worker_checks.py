"""What makes a worker one of its head: the same databases, the same raw store and lake, the same version.

The head writes a mark into its raw store and its lake and keeps it in the queue's schema. A worker that does
not find it there has a store of its own, in which nobody would look for what it downloads.
"""

import uuid
from typing import Final

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.files.durable import open_root, put
from gogobe_dagster.postgres import run_queue
from gogobe_dagster.postgres.server import embedded_server, uses_embedded
from gogobe_dagster.settings import Settings

MARK: Final = "gogobe-store"


def announce(settings: Settings) -> None:
    """Say that this machine is the head, and mark its raw store and its lake. Idempotent.

    Raises `SettingsError` if the head is another machine.
    """
    mark = run_queue.announce_head(settings, uuid.uuid4().hex)
    for _, url in _stores(settings):
        if _read(url) != mark:
            put(open_root(url) / MARK, mark.encode())


def check_worker(settings: Settings) -> None:
    """Raise `SettingsError`, in one sentence, if a worker with these settings would work for nobody."""
    if uses_embedded(settings) and not embedded_server(settings).is_running():
        raise SettingsError(
            f"the embedded PostgreSQL in {embedded_server(settings).folder} is not running here: a worker "
            "uses that of a `gogobe up` on the same machine, and on another one the server that "
            "GOGOBE_DATABASE_URL and GOGOBE_DAGSTER_DATABASE_URL name"
        )
    run_queue.prepare(settings)
    with run_queue.connect(settings) as connection:
        head = run_queue.announced_head(connection)
    if head is None:
        return
    if reason := other_version(head):
        raise SettingsError(reason)
    for variable, url in _stores(settings):
        if _read(url) != head.stores:
            raise SettingsError(
                f"{url} is not what {head.host} uses: set {variable} to a folder or bucket that all machines "
                "of the cluster share"
            )


def other_version(head: run_queue.Head) -> str:
    """Return why a worker of this program is not one of this head; "" if it can be."""
    if head.version == run_queue.code_version():
        return ""
    return (
        f"the head on {head.host} is of version {head.version} and this worker of "
        f"{run_queue.code_version()}: install the same on both, first on the head"
    )


def _stores(settings: Settings) -> tuple[tuple[str, str], ...]:
    return ("GOGOBE_RAW_STORE", settings.raw_store_url), ("GOGOBE_LAKE", settings.lake_url)


def _read(url: str) -> str:
    try:
        return (open_root(url) / MARK).read_text().strip()
    except OSError:
        return ""
