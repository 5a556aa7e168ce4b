"""Downloads as a window that slides over the pending files of a feed."""

import re

from gogobe_dagster import importing
from gogobe_dagster.feeds import find_feed
from gogobe_dagster_tests.stage import YESTERDAY, Stage

KESHET = find_feed("keshet")
ORDER = """
select name from file join file_event using (file_id)
where file_event.state = 'downloaded' order by file_event.at, event_id
"""


def discovered(stage: Stage) -> list[str]:
    """The names of a day's files, in the order in which they are fetched."""
    stage.publish("keshet", stores=12, items=30)
    importing.discover(KESHET, [YESTERDAY], stage.equipment)
    return [file.name for file in stage.equipment.ledger.to_download("keshet", [YESTERDAY])]


def test_a_slow_file_holds_up_none_but_itself(on_stage: Stage) -> None:
    names = discovered(on_stage)
    on_stage.replica.faults.switch_on("slow_page", feed="keshet", names=names[0], seconds=4)

    done = importing.download(KESHET, [YESTERDAY], on_stage.equipment)

    fetched = [name for (name,) in on_stage.query(ORDER)]
    assert done.fetched == len(names) > 32
    assert sorted(fetched) == sorted(names)
    assert fetched.index(names[0]) > len(names) / 2


def test_a_portal_that_goes_away_is_met_by_one_window_of_files(on_stage: Stage) -> None:
    """It turns us away when the full files are fetched and the changes of the day are asked for."""
    names = discovered(on_stage)
    refused = [name for name in names if re.match("Price[0-9]", name)]
    on_stage.replica.faults.switch_on("bot_challenge", feed="keshet", names="Price[0-9]*")
    with on_stage.equipment.portal(KESHET) as portal:
        window = portal.parallel_downloads * 2

    done = importing.download(KESHET, [YESTERDAY], on_stage.equipment)

    ((met, attempts),) = on_stage.query(
        "select count(*), sum(attempts) from file where code = 'bot_challenge'"
    )
    assert done.stopped_by
    assert 1 <= met <= window < len(refused)
    assert attempts == 0
    assert 0 < done.fetched < len(names) - len(refused) + window
