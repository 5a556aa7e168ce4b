"""The official list of localities compared with the table: paging, every kind of difference, failures."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from gogobe_dagster.definitions import build_definitions
from gogobe_dagster.defs.locality_drift import ASSET, CHECK, JOB
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.localities.official_list import Change, OfficialLocality, differences
from gogobe_dagster.localities.table import localities
from gogobe_dagster.portals.gov_localities import read_official_localities
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.portals.conftest import QUICK
from gogobe_dagster_tests.portals.servers import says, scripted

TEL_AVIV = 5000


def list_of(corpus: Path) -> list[OfficialLocality]:
    """The bureau's localities, as another program's authors have collected them."""
    with (corpus.parent / "research" / "localities.tsv").open(encoding="utf-8") as lines:
        return [
            OfficialLocality(
                code=int(row["id"]),
                name=row["name"],
                english_name=row["name_en"],
                sub_district=row["sub_district_name"],
            )
            for row in csv.DictReader(lines, delimiter="\t")
        ]


@pytest.mark.corpus
def test_a_list_that_others_have_made_differs_in_nothing(corpus: Path) -> None:
    assert differences(list_of(corpus)) == []


@pytest.mark.corpus
def test_new_gone_and_renamed_localities_are_found(corpus: Path) -> None:
    official = {row.code: row for row in list_of(corpus)}
    del official[TEL_AVIV]
    official[3000] = replace(official[3000], name="עיר דוד")
    official[4000] = replace(official[4000], name="  חיפה ")
    official[9999] = OfficialLocality(
        code=9999, name="כפר חדש", english_name="KEFAR HADASH", sub_district="עכו"
    )

    found = {(row.change, row.code, row.official) for row in differences(official.values())}

    assert found == {
        (Change.GONE, TEL_AVIV, ""),
        (Change.RENAMED, 3000, "עיר דוד"),
        (Change.NEW, 9999, "כפר חדש (עכו)"),
    }


def test_the_replica_serves_the_list_page_by_page() -> None:
    with Replica() as replica:
        rows = read_official_localities(Settings(replica_url=replica.url), policy=QUICK)

    assert {row.code for row in rows} == set(localities())
    assert differences(rows) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html><body>maintenance</body></html>", "a web page"),
        (b"{}", "a list without"),
        (json.dumps({"result": {"records": "none"}}).encode(), "no list of records"),
        (json.dumps({"result": {"records": []}}).encode(), "no localities"),
        (json.dumps({"result": {"records": [{"name": "x"}]}}).encode(), "a locality without"),
    ],
)
def test_another_answer_is_an_error_with_a_code(body: bytes, problem: str) -> None:
    with scripted(says(body)) as server, pytest.raises(PortalError, match=problem) as raised:
        read_official_localities(Settings(replica_url=server.url), policy=QUICK)

    assert raised.value.code is Code.LISTING_SCHEMA_CHANGED


def test_dagster_reports_the_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    with Replica() as replica:
        monkeypatch.setenv("GOGOBE_REPLICA_URL", replica.url)
        definitions = build_definitions()
        run = dg.materialize([definitions.resolve_assets_def(ASSET)])

    (check,) = run.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == (CHECK, True)
    (materialization,) = run.asset_materializations_for_node(ASSET)
    assert materialization.metadata["localities"].value == len(localities())
    (schedule,) = [schedule for schedule in definitions.schedules or [] if schedule.name == f"{JOB}_monthly"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.cron_schedule == "0 9 1 * *"
