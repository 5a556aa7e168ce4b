"""Downloads run in a sliding window over the pending files of a feed."""

import re

from gogobe_dagster import pipeline
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

KESHET = find_feed("keshet")
ORDER = """
select name from file join file_event using (file_id)
where file_event.state = 'downloaded' order by file_event.occurred_at, event_id
"""


def discovered(env: ImportEnv) -> list[str]:
    """The names of a day's files, in the order in which they are fetched."""
    env.publish("keshet", stores=12, items=30)
    pipeline.discover(KESHET, [yesterday()], env.resources)
    return [file.name for file in env.resources.ledger.to_download("keshet", [yesterday()])]


def test_a_slow_file_does_not_delay_others(import_env: ImportEnv) -> None:
    names = discovered(import_env)
    import_env.replica.faults.switch_on("slow_page", feed="keshet", names=names[0], seconds=4)

    done = pipeline.download(KESHET, [yesterday()], import_env.resources)

    fetched = [name for (name,) in import_env.query(ORDER)]
    assert done.fetched == len(names) > 32
    assert sorted(fetched) == sorted(names)
    assert fetched.index(names[0]) > len(names) / 2


def test_when_the_portal_becomes_unavailable_only_files_in_the_window_fail(import_env: ImportEnv) -> None:
    """It refuses requests once the full files are downloaded and the deltas are requested."""
    names = discovered(import_env)
    refused = [name for name in names if re.match("Price[0-9]", name)]
    import_env.replica.faults.switch_on("bot_challenge", feed="keshet", names="Price[0-9]*")
    with import_env.resources.portal(KESHET) as portal:
        window = portal.parallel_downloads * 2

    done = pipeline.download(KESHET, [yesterday()], import_env.resources)

    ((met, attempts),) = import_env.query(
        "select count(*), sum(attempts) from file where code = 'bot_challenge'"
    )
    assert done.pause
    assert 1 <= met <= window < len(refused)
    assert attempts == 0
    assert 0 < done.fetched < len(names) - len(refused) + window
