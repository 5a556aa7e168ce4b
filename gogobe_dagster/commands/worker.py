"""`gogobe worker`: executes runs that Dagster launches, on this machine, until it is stopped."""

import click

from gogobe_dagster.backup.restore_mark import check_restored
from gogobe_dagster.commands.options import WholeNumber
from gogobe_dagster.settings import Settings


@click.command()
@click.option(
    "--runs",
    type=WholeNumber(1, 64),
    help="Runs that it executes at the same time; default: GOGOBE_WORKER_RUNS.",
)
@click.option(
    "--grace",
    type=WholeNumber(0, 7200),
    default=60,
    show_default=True,
    help="Seconds that its runs may go on when it is stopped; then they fail, and start again elsewhere.",
)
def worker(*, runs: int | None, grace: int) -> None:
    """Execute runs that `gogobe up` launches.

    Ctrl-C or SIGTERM lets its runs end first; a second one stops it at once. `gogobe up` starts a worker
    by itself. More of them, on this and on other machines, execute more runs at the same time; raise
    GOGOBE_MAX_CONCURRENT_RUNS of `gogobe up` with them. All share the databases, the raw store and the
    lake (GOGOBE_DATABASE_URL, GOGOBE_DAGSTER_DATABASE_URL, GOGOBE_RAW_STORE, GOGOBE_LAKE), and have the
    same version; docs/cluster.md has the rest. When a worker is lost, the others fail its runs, and
    Dagster starts them again.
    """
    from gogobe_dagster.dagster_runtime.worker import serve

    settings = Settings.read()
    check_restored(settings)
    (settings.folder / "dagster").mkdir(mode=0o700, parents=True, exist_ok=True)
    serve(settings, runs or settings.runs_of_a_worker or 1, grace=grace)
