"""Every feed of the register in one run, through Dagster: every listed file comes to its end."""

from collections import Counter
from collections.abc import Mapping

import pytest
from rich.console import Console
from rich.table import Table

from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

pytestmark = pytest.mark.slow

Counts = Mapping[str, Counter[str]]


def states(env: ImportEnv) -> Counts:
    """How many files of each feed are in each state."""
    rows = env.query("select feed, state, count(*) from file group by feed, state")
    counts: dict[str, Counter[str]] = {feed.key: Counter() for feed in FEEDS}
    for feed, state, number in rows:
        counts[feed][state] = number
    return counts


def show(counts: Counts) -> Table:
    """Downloaded ones are promotions, as long as they have no tables."""
    table = Table("feed", "listed", *FileState, title=f"{len(counts)} feeds through Dagster, {yesterday()}")
    for feed, of_feed in counts.items():
        table.add_row(feed, str(of_feed.total()), *[str(of_feed[state]) for state in FileState])
    return table


@pytest.mark.timeout(1800)
def test_every_file_of_every_feed_ends_in_a_final_state(
    import_env: ImportEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    """Final is a state of the ledger after which nothing is left to do for a file."""
    keys = [feed.key for feed in FEEDS]
    import_env.publish(*keys, stores=1, items=30)
    publications_by_feed = {
        key: {file.name for file in import_env.replica.publications(key).all()} for key in keys
    }

    import_env.run("python", "-m", "gogobe_dagster_tests.defs.backfill_probe", str(yesterday()))

    ledger, counts = import_env.resources.ledger, states(import_env)
    with capsys.disabled():
        Console(width=110).print(show(counts))
    assert {key: set(import_env.states(key)) for key in keys} == publications_by_feed
    assert {key: [file.name for file in ledger.pending(key)] for key in keys} == {key: [] for key in keys}
    assert {key for key in keys if counts[key]["loaded"] >= 2} == set(keys)
    assert import_env.query("select feed, code from listing where code is not null") == []
    assert import_env.query("select name, code from file where state = 'quarantined'") == []
