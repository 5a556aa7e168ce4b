"""Shufersal: pages that move, links that die, and a grid that is read strictly."""

from datetime import datetime, timedelta

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, DownloadError, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.shufersal import CATEGORIES, Shufersal
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import MovedClock, names_of_a_day, options, publication
from gogobe_dagster_tests.portals.servers import Script, list_scripted, says

SHUFERSAL = find_feed("shufersal")
# As described in docs/portals.md, Shufersal; the signature is made up.
LINK = (
    "https://pricesprodpublic.blob.core.windows.net/pricefull/"
    "PriceFull7290027600007-001-357-20260811-031500.gz?sv=2014-02-14&amp;sr=b&amp;"
    "sig=c2ltdWxhdG9y%3D&amp;se=2026-08-11T05%3A30%3A00Z&amp;sp=r"
)
ROW = f"""<tr class="webgrid-row-style">
<td><a href="{LINK}" target="_blank">לחץ להורדה</a></td>
<td>8/11/2026 3:20:00 AM</td><td>338.32 KB</td><td>GZ</td><td>pricefull</td>
<td>357 - דיל דוגמה</td><td>PriceFull7290027600007-001-357-20260811-031500</td><td>1</td></tr>"""
PAGER = '<a href="/FileObject/UpdateCategory?catID=2&amp;storeId=0&amp;page=2">2</a>'


def grid(rows: str, pager: str = "") -> Script:
    foot = f"<tfoot><tr><td colspan='8'>{pager}</td></tr></tfoot>"
    table = f"<table class='webgrid'><thead><tr></tr></thead>{foot}<tbody>{rows}</tbody></table>"
    return says(f'<div id="gridContainer">{table}</div>'.encode())


def connector(url: str) -> Shufersal:
    return Shufersal(options(SHUFERSAL, url, max_file_bytes=10_000_000))


def listed(*scripts: Script) -> list[RemoteFile]:
    return list_scripted(lambda server: connector(server.url), *scripts)


def test_a_row_of_the_grid_is_read_with_its_link_decoded() -> None:
    assert listed(grid(ROW)) == [
        RemoteFile(
            name="PriceFull7290027600007-001-357-20260811-031500.gz",
            link=LINK.replace("&amp;", "&"),
            size=346440,
            size_tolerance=17073,  # 1 KB of rounding, and the doubt whether a KB has 1,000 or 1,024 bytes
            modified_at=datetime(2026, 8, 11, 3, 20, tzinfo=ISRAEL),
            label="357 - דיל דוגמה",
        )
    ]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (says(b"<html><body><h1>Maintenance</h1></body></html>"), Code.LISTING_SCHEMA_CHANGED),
        (says(b'{"rows": []}'), Code.LISTING_SCHEMA_CHANGED),
        (says(b""), Code.LISTING_SCHEMA_CHANGED),
        (says(b'<div id="gridContainer"></div>'), Code.LISTING_SCHEMA_CHANGED),
        (grid(ROW.replace("href=", "data-href=")), Code.LISTING_SCHEMA_CHANGED),
        (grid(ROW.replace("https://", "javascript:")), Code.LISTING_SCHEMA_CHANGED),
        (grid(ROW.replace("338.32 KB", "338,32")), Code.LISTING_SCHEMA_CHANGED),
        (grid(ROW.replace("3:20:00 AM", "03:20")), Code.LISTING_SCHEMA_CHANGED),
        (grid("<tr><td>אין נתונים</td></tr>"), Code.LISTING_SCHEMA_CHANGED),
    ],
)
def test_a_grid_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script, code: Code) -> None:
    with pytest.raises(PortalError) as caught:
        listed(answer)

    assert caught.value.code is code


def test_a_page_that_the_pager_promised_is_not_allowed_to_be_empty() -> None:
    first = [grid(ROW, PAGER)] * 5
    with pytest.raises(PortalError) as caught:
        listed(*first, grid(""))

    assert caught.value.code is Code.LISTING_TRUNCATED


def test_every_kind_of_file_has_its_category() -> None:
    assert set(CATEGORIES) == set(FileKind)


def test_links_that_died_since_the_listing_are_renewed_by_kind_and_store() -> None:
    clock, publications = (
        MovedClock(),
        Publications(publication(name) for name in names_of_a_day("shufersal")),
    )
    with Replica({"shufersal": publications}, clock=clock, link_seconds=1800) as replica:
        portal = connector(f"{replica.url}/shufersal")
        files = portal.list_files()
        clock.now += timedelta(hours=1)

        contents = {file.name: b"".join(portal.fetch(file)) for file in files}
        clock.now += timedelta(hours=1)
        [once_more] = [b"".join(portal.fetch(file)) for file in files if file.name.startswith("Stores")]
        portal.close()

    assert contents == {publication.name: publication.read() for publication in publications.all()}
    assert once_more == contents["Stores7290027600007-000-20261123-050500.xml"]


def test_a_dead_link_of_a_file_that_is_listed_no_more_is_expired() -> None:
    clock, publications = (
        MovedClock(),
        Publications(publication(name) for name in names_of_a_day("shufersal")),
    )
    with Replica({"shufersal": publications}, clock=clock, link_seconds=1800) as replica:
        portal = connector(f"{replica.url}/shufersal")
        [file, *_] = portal.list_files()
        clock.now += timedelta(hours=1)
        publications.remove(file.name)

        with pytest.raises(DownloadError, match="no longer lists it") as caught:
            b"".join(portal.fetch(file))
        portal.close()

    assert caught.value.code is Code.LINK_EXPIRED
