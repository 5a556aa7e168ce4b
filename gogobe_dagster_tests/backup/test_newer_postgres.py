"""What a home with the data of an older PostgreSQL says, typed exactly: its tables are there afterwards.

Needs the programs of an older major version, such as Debian's postgresql-15.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.postgres.binaries import DEBIAN, Account, find_programs, major_version
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.replica.simulated_clock import SimulatedClock
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.clean_run import Tables, import_cleanly, tables
from gogobe_dagster_tests.import_env import midnight, yesterday

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def older() -> Path:
    """The programs of an older PostgreSQL than the one that is used here."""
    newest = major_version(find_programs(None, Account.current()) / "postgres")
    for folder in sorted(DEBIAN.glob("*/bin")):
        if 0 < major_version(folder / "postgres") < newest:
            return folder
    pytest.skip(f"no PostgreSQL older than {newest} below {DEBIAN}")


@pytest.fixture
def homes(short_folder: Path) -> Iterator[tuple[Path, Path]]:
    """The old home and the new one, whose servers are stopped afterwards."""
    homes = short_folder / "old", short_folder / "new"
    yield homes
    for home in homes:
        embedded_server(Settings(home=home)).stop()


def typed(line: str, home: Path, *, expected: int = 0) -> str:
    """Type a line as in a terminal; return what it printed."""
    gogobe = shlex.quote(str(Path(sys.executable).with_name("gogobe")))
    line = line.replace("gogobe ", f"{gogobe} ", 1) if line.startswith("gogobe ") else line
    line = line.replace(" gogobe ", f" {gogobe} ")
    done = subprocess.run(
        ["/bin/sh", "-c", f"GOGOBE_HOME={shlex.quote(str(home))} {line}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, done.stderr
    return f"{done.stdout}{done.stderr}"


def fill(home: Path, older: Path) -> Tables:
    """Import a day of a feed into the old home with the old programs."""
    settings = Settings(home=home, pg_bin=older)
    with Replica(clock=SimulatedClock(midnight(), speed=0)) as replica:
        feed = find_feed("good_pharm")
        publications = {feed.key: replica.publications(feed.key)}
        market = SyntheticMarket(stores=1, items=10)
        publish_day(publications, [feed], day=yesterday(), market=market, now=midnight())
        typed(f"GOGOBE_PG_BIN={older} gogobe status", home)
        import_cleanly(settings.model_copy(update={"replica_url": replica.url}), [feed.key])
    return tables(embedded_server(settings).url("gogobe"))


@pytest.mark.timeout(1800)
def test_the_data_of_an_older_postgresql_moves_as_every_command_says(
    older: Path, homes: tuple[Path, Path], short_folder: Path
) -> None:
    old, new = homes
    before = fill(old, older)
    assert before["price_periods"]
    typed(f"GOGOBE_PG_BIN={older} gogobe down", old)

    message = " ".join(typed("gogobe status", old, expected=1).split())

    assert f"is of PostgreSQL {major_version(older / 'postgres')}, and the programs" in message
    *at_old, at_new = [
        line.replace("BACKUPS", str(short_folder / "b")) for line in re.findall("`(.*?)`", message)
    ]
    for line in at_old:
        typed(line, old)
    typed(at_new, new)
    assert tables(embedded_server(Settings(home=new)).url("gogobe")) == before
