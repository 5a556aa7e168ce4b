"""Instances of a process share connections, and what they found out about Dagster's tables."""

import dagster as dg
import pytest
import sqlalchemy as sa

from gogobe_dagster.dagster_runtime.storage import SCHEMA_QUESTIONS
from gogobe_dagster_tests.import_env import ImportEnv

pytestmark = pytest.mark.slow


def use(instance: dg.DagsterInstance) -> None:
    """Ask what a sensor's tick and the daemon ask most."""
    instance.get_run_records(limit=1)
    instance.get_backfills(limit=1)
    instance.all_instigator_state()
    instance.get_asset_records()


def test_the_tables_are_looked_at_once_in_a_process(
    import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in import_env.environment.items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.get() as instance:
        use(instance)
        asked: list[str] = []
        engine = instance.run_storage._engine  # type: ignore[attr-defined]  # noqa: SLF001

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note(*given: object) -> None:
        asked.append(str(given[2]))

    for _ in range(2):
        with dg.DagsterInstance.get() as instance:
            use(instance)

    assert len(asked) > 6
    assert [statement for statement in asked if "pg_catalog" in statement] == []


def test_the_questions_are_those_of_dagster() -> None:
    from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage

    databases = (PostgresRunStorage, PostgresEventLogStorage, PostgresScheduleStorage)
    assert [name for name in SCHEMA_QUESTIONS if not any(hasattr(kind, name) for kind in databases)] == []
