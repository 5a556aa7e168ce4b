import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.warehouse.schema.columns import column, metadata
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.extensions import require_trigrams
from gogobe_dagster.warehouse.schema.migrate import COMPARISON, SCRIPTS, config, connect, migrate
from gogobe_dagster.warehouse.schema.views import SQL, VIEWS, View
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.warehouse.new_migration import write_migration

pytestmark = pytest.mark.slow

RELATIONS = """
select c.relname, c.relkind, obj_description(c.oid) from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
"""
COLUMNS = """
select c.relname || '.' || a.attname, col_description(c.oid, a.attnum) from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
"""
FUNCTIONS = """
select proname, obj_description(p.oid) from pg_proc p
where pronamespace = 'public'::regnamespace
    and not exists (select from pg_depend where objid = p.oid and deptype = 'e')
"""
TABLES = """
select format('column %s.%s %s collation %s', a.attrelid::regclass, attname, format_type(atttypid, atttypmod),
        attcollation::regcollation),
    format('not null %s, default %s, identity %s', attnotnull, pg_get_expr(adbin, adrelid), attidentity)
from pg_attribute a left join pg_attrdef d on adrelid = attrelid and adnum = attnum
join pg_class c on c.oid = attrelid
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and attnum > 0
union all
select format('table %s', oid::regclass), format('%s %s', reloptions, pg_get_partkeydef(oid))
from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
union all
select format('constraint %s.%s', conrelid::regclass, conname), pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace
union all
select format('index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
from pg_index join pg_class on pg_class.oid = indexrelid where relnamespace = 'public'::regnamespace
union all
select format('comment %s.%s', objoid::regclass, attname), description
from pg_description join pg_class on pg_class.oid = objoid
left join pg_attribute on attrelid = objoid and attnum = objsubid and objsubid > 0
where classoid = 'pg_class'::regclass and relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
"""
"""All that the catalog knows of tables, as pairs of texts."""


def _tables_of(engine: sa.Engine) -> dict[str, str]:
    with engine.connect() as connection:
        found: dict[str, str] = dict(connection.execute(sa.text(TABLES)).tuples().all())
    return {name: value for name, value in found.items() if "alembic_version" not in name}


def test_the_migrated_schema_is_that_of_the_tables_module(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARISON)
        assert compare_metadata(context, metadata) == []


def test_the_catalog_has_the_same_tables_whether_migrated_or_made_from_the_module(
    postgres_server: DatabaseServer, database_url: str
) -> None:
    # Alembic's comparison knows nothing of checks, collations, fill factors and partition keys
    with postgres_server.database() as other_url:
        migrate(database_url)
        migrated, made = connect(database_url), connect(other_url)
        with made.begin() as connection:
            require_trigrams(connection)
            metadata.create_all(connection)
        expected = _tables_of(made)
        assert _tables_of(migrated) == expected
        migrated.dispose()
        made.dispose()
    kinds = Counter(name.split()[0] for name in expected)
    assert min(kinds[kind] for kind in ("column", "table", "constraint", "index", "comment")) > 10


@pytest.mark.parametrize("query", [RELATIONS, COLUMNS])
def test_every_table_view_and_column_has_a_comment(engine: sa.Engine, query: str) -> None:
    with engine.connect() as connection:
        described = {name: comment for name, *_, comment in connection.execute(sa.text(query))}
    assert [name for name, comment in described.items() if not comment] == []
    assert any("price_history" in name for name in described)


def test_every_function_has_a_comment(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        described: dict[str, str] = dict(connection.execute(sa.text(FUNCTIONS)).tuples().all())
    assert [name for name, comment in described.items() if not comment] == []
    assert "search_products" in described


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_column_of_a_view_is_described_once(engine: sa.Engine, view: View) -> None:
    columns = {column["name"] for column in sa.inspect(engine).get_columns(view.name)}
    assert set(view.columns) == columns


def test_words_of_the_sql_files_are_those_of_the_enums() -> None:
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in SQL.glob("*.sql"))
    states = re.findall(r"\bstate (?:=|in) \(?((?:'\w+'(?:, )?)+)", scripts)
    kinds = re.findall(r"\bkind (?:=|in) \(?((?:'\w+'(?:, )?)+)", scripts)
    assert {value for constraint in states for value in re.findall(r"\w+", constraint)} == set(FileState)
    assert {value for constraint in kinds for value in re.findall(r"\w+", constraint)} <= set(FileKind)
    assert kinds


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
    assert _tables(database_url) >= {"file", "price_current", "alembic_version"}


def test_a_view_that_was_changed_is_as_defined_after_the_next_migration(database_url: str) -> None:
    migrate(database_url)
    engine = connect(database_url)
    expected = _view(engine, "price_changes")
    with engine.begin() as connection:  # as an older version could have left it: other columns, another order
        connection.execute(sa.text("drop view price_changes"))
        connection.execute(sa.text("create view price_changes as select 1 as difference, 2 as percent"))
        connection.execute(sa.text("update schema_fingerprint set sha256 = 'of another version'"))

    migrate(database_url)

    assert _view(engine, "price_changes") == expected
    engine.dispose()


def test_nothing_is_replaced_while_the_definitions_are_the_same(database_url: str) -> None:
    migrate(database_url)
    engine = connect(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("comment on view price_changes is 'mine'"))

    migrate(database_url)

    with engine.connect() as connection:
        assert connection.scalar(sa.text("select obj_description('price_changes'::regclass)")) == "mine"
    engine.dispose()


def test_a_view_of_somebody_else_is_never_dropped(database_url: str) -> None:
    migrate(database_url)
    engine = connect(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("drop view price_changes"))
        connection.execute(sa.text("create view price_changes as select 1 as nothing"))
        connection.execute(sa.text("create view mine as select nothing from price_changes"))
        connection.execute(sa.text("update schema_fingerprint set sha256 = 'of another version'"))

    with pytest.raises(sa.exc.DBAPIError, match="view mine depends on view price_changes"):
        migrate(database_url)

    assert _view(engine, "mine")
    engine.dispose()


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A copy of the migrations, to which new ones can be added."""
    return Path(shutil.copytree(SCRIPTS, tmp_path / "migrations"))


def test_no_migration_is_written_where_the_tables_are_as_defined(database_url: str, scripts: Path) -> None:
    before = set(scripts.rglob("*.py"))

    assert write_migration(database_url, "nothing", scripts=scripts) is None
    assert set(scripts.rglob("*.py")) == before


def test_a_new_column_and_table_get_a_migration_that_makes_them(database_url: str, scripts: Path) -> None:
    changed = sa.MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(changed)
    changed.tables["store"].append_column(column("opening_hours", sa.Text(), "When it is open."))
    sa.Table("holiday", changed, column("day", sa.Date(), "The day.", key=True), comment="Days off.")

    path = write_migration(database_url, "add_opening_hours", scripts=scripts, tables=changed)

    assert path
    assert re.fullmatch(r"m[0-9]{4}_add_opening_hours\.py", path.name)
    engine = connect(database_url)
    with engine.begin() as connection:
        command.upgrade(config(connection, scripts=scripts, tables=changed), "head")
        connection.execute(sa.text("select opening_hours from store"))
        connection.execute(sa.text("select day from holiday"))
    engine.dispose()
    assert write_migration(database_url, "again", scripts=scripts, tables=changed) is None


def _view(engine: sa.Engine, name: str) -> tuple[str, str | None]:
    with engine.connect() as connection:
        text = sa.text("select pg_get_viewdef(oid), obj_description(oid) from pg_class where relname = :name")
        definition, comment = connection.execute(text, {"name": name}).one()
    return definition, comment


def test_processes_that_migrate_at_the_same_time_do_no_harm(database_url: str) -> None:
    program = "import sys; from gogobe_dagster.warehouse.schema.migrate import migrate; migrate(sys.argv[1])"
    processes = [subprocess.Popen([sys.executable, "-c", program, database_url]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert "price_past" in _tables(database_url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgres"])
def test_whatever_driver_the_url_names_psycopg_3_is_used(database_url: str, scheme: str) -> None:
    engine = connect(database_url.replace("postgresql", scheme, 1))
    assert engine.dialect.driver == "psycopg"
    engine.dispose()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that is taken and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_server_that_is_not_there_is_named_without_its_password(silent_port: int) -> None:
    with pytest.raises(DatabaseUnavailable, match=f"127.0.0.1:{silent_port}/gogobe") as raised:
        connect(f"postgresql://moshe:sesame@127.0.0.1:{silent_port}/gogobe")
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize("url", ["", "not a url", "sqlite:///gogobe.db"])
def test_a_url_that_is_not_postgresql_is_refused(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="database URL"):
        connect(url)


def _tables(url: str) -> set[str]:
    engine = connect(url)
    names = set(sa.inspect(engine).get_table_names())
    engine.dispose()
    return names
