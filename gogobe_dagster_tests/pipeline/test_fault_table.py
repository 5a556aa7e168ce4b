"""One line per fault of docs/portals.md, "Faults and their codes": what the ledger records for it.

Through discover, download and parse, with real connectors on real sockets and a real PostgreSQL. That every
family gives the same codes is `portals.test_faults`; what files of each dialect hold is `parsing`; what
takes more than one poll is `test_faults_over_time`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gogobe_dagster.replica.corruption import unpacked
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.stray_files import stray_files
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster_tests.import_env import midnight, yesterday
from gogobe_dagster_tests.pipeline.feed_scenario import OpenScene, Scene

pytestmark = pytest.mark.slow

MARKET = SyntheticMarket(stores=2, items=30)
KESHET, BINA, LAIB = "keshet", "king_store", "victory"


@dataclass(frozen=True)
class Listing:
    """A fault of a listing or of the connection to the portal."""

    scenario: str
    feed: str
    fault: str
    code: str | None = None
    """None: every file is still listed, downloaded and parsed."""
    transport: str = "web"
    stores: int = 2
    how: Mapping[str, Any] = field(default_factory=dict)
    linked: str = ""
    """Prefix of the links in the ledger."""


LISTINGS = [
    Listing("links with &amp;", "shufersal", "", linked="http"),
    Listing("a row is inserted while paging", "shufersal", "row_inserted_while_paging", stores=25),
    Listing("a row is inserted while paging", "super_pharm", "row_inserted_while_paging", stores=25),
    Listing("a signed link has expired", "shufersal", "expired_sas", how={"times": 1}),
    Listing("a slow page", "shufersal", "slow_page", how={"seconds": 0.5, "times": 2}),
    Listing("a time-out, then all is well", "shufersal", "timeout_once", how={"seconds": 0.2}),
    Listing("a token is refused once", KESHET, "csrf_token_wrong", how={"times": 1}),
    Listing("every token is refused", KESHET, "csrf_token_wrong", "csrf_rejected"),
    Listing("200 with an error as JSON", KESHET, "json_error_200", "csrf_rejected"),
    Listing("every token is refused", KESHET, "csrf_token_wrong", transport="auto", linked="ftp:"),
    Listing("the session ends before the download", KESHET, "session_expires", how={"names": "Price*"}),
    Listing(
        "the session ends before the download", "super_pharm", "session_expires", how={"names": "Price*"}
    ),
    Listing("wrong password", KESHET, "wrong_password", "auth_failed"),
    Listing("wrong password, two doors", KESHET, "wrong_password", "auth_failed", transport="auto"),
    Listing("wrong password over FTP", KESHET, "wrong_password", "auth_failed", transport="ftp"),
    Listing("a page with half of the rows", KESHET, "listing_truncated"),
    Listing("a count that is never reached", KESHET, "listing_never_complete", "listing_truncated"),
    Listing("FTP wants TLS", KESHET, "ftps_required", transport="ftp", linked="ftp:"),
    Listing("FTP always wants TLS", "dor_alon", "", transport="ftp", linked="ftp:"),
    Listing("FTP has no MLSD", KESHET, "ftp_without_mlsd", transport="ftp", linked="ftp:"),
    Listing("both doors are shut", KESHET, "portal_down", "portal_unavailable", transport="auto"),
    Listing("exactly 1,000 rows", BINA, "cap_1000"),
    Listing("empty, then filled", LAIB, "empty_listing", how={"times": 1}),
    Listing("empty and empty again", LAIB, "empty_listing", "listing_empty_unexpected"),
    Listing("an emptied folder", KESHET, "empty_listing", "listing_empty_unexpected"),
    Listing("kinds in capitals", LAIB, "file_type_case"),
    Listing("every row twice", LAIB, "listed_twice"),
    Listing("the connection is reset", LAIB, "connection_reset", "geo_blocked"),
    Listing("the connection is reset", KESHET, "connection_reset", "connection_lost"),
    Listing("403 of Cloudflare", "super_pharm", "bot_challenge", "bot_challenge"),
    Listing("247 of Reblaze", "super_pharm", "bot_wall", "bot_challenge"),
    Listing("'Just a moment' with 200", "super_pharm", "polite_challenge", "bot_challenge"),
    Listing("the file's place as JSON", "super_pharm", "two_step_download"),
    Listing("the script's names are new", "carrefour", "script_renamed", "listing_schema_changed"),
    Listing("the days oldest first", "wolt_market", "oldest_first"),
    Listing("the page of a day is 400", "wolt_market", "missing_day", "not_found"),
]


def _line(row: Any) -> str:
    return "-".join(filter(None, (row.scenario, row.feed, getattr(row, "transport", ""))))


@pytest.mark.parametrize("row", LISTINGS, ids=_line)
def test_a_listing(scene: OpenScene, row: Listing) -> None:
    here = scene(row.feed, row.transport)
    here.publish(stores=row.stores)
    if row.fault:
        here.env.replica.faults.switch_on(row.fault, feed=row.feed, **row.how)

    code = here.poll()
    here.take()

    [(recorded,)] = here.env.query("select code from listing where feed = %s", [row.feed])
    assert (code, recorded) == (row.code, row.code)
    published = {} if row.code else {publication.name: "parsed" for publication in here.publications.all()}
    assert here.states() == published
    links = here.env.query("select link from file")
    assert all(link.startswith(row.linked) for (link,) in links)


# ---------------------------------------------------------------- files


@dataclass(frozen=True)
class File:
    """A fault of one file."""

    scenario: str
    feed: str
    spoil: str | Callable[[Scene, Publication], Publication]
    """A fault of the replica, or a function that damages a good file."""
    expected: str
    """State, and code if there is one."""
    notes: tuple[str, ...] = ()
    damaged: bool = False
    how: Mapping[str, Any] = field(default_factory=dict)
    transport: str = "web"


Spoil = Callable[[Scene, Publication], Publication]


def named(form: str) -> Spoil:
    """Publish the same content under a name of this pattern."""
    return lambda here, full: replace(
        full, name=form.format(chain=here.feed.chain_id, day=f"{yesterday():%Y%m%d}", store=full.store_id)
    )


def encoded(encoding: str, declared: str) -> Spoil:
    """The same document in another encoding."""

    def spoil(_here: Scene, full: Publication) -> Publication:
        text = unpacked(full.read()).decode("utf-8-sig").partition("?>")
        body = text[2] or text[0]
        return replace(full, content=f"{declared}{body}".encode(encoding))

    return spoil


def leftover(here: Scene, _full: Publication) -> Publication:
    """A file of December 2024."""
    return stray_files(MARKET, here.feed, day=yesterday(), now=midnight())[0]


def null_file(here: Scene, _full: Publication) -> Publication:
    """A placeholder without rows."""
    odd = stray_files(MARKET, here.feed, day=yesterday(), now=midnight())
    return next(publication for publication in odd if publication.name.startswith("NULL"))


def of_another_store(here: Scene, full: Publication) -> Publication:
    """Return the content of the second store under the name of the first."""
    return replace(full, content=here.full(1).read())


DECLARED = '<?xml version="1.0" encoding="{}"?>'
SECOND_NAME = named("PriceFull{chain}-{store:03}-{day}0955.gz")
FILES = [
    File("zero bytes", BINA, "zero_byte", "discovered zero_byte"),
    File("a web page", KESHET, "html_instead_of_file", "discovered html_instead_of_file"),
    File("the gz holds a ZIP", BINA, "zip_in_gz", "parsed", ("container_mismatch",)),
    File("the gz holds bare XML", KESHET, "plain_in_gz", "parsed", ("container_mismatch",)),
    File("a cut archive", "shufersal", "truncated_gzip", "parsed", damaged=True),
    File("a wrong checksum", LAIB, "wrong_crc", "parsed", damaged=True),
    File("cut off on the way", BINA, "truncated_download", "discovered truncated_download"),
    File("cut off", KESHET, "truncated_download", "discovered truncated_download", transport="ftp"),
    File("FTP hangs up", KESHET, "ftp_hangs_up", "discovered truncated_download", transport="ftp"),
    File("listed and not there", KESHET, "missing_file", "quarantined not_found"),
    File("listed and not there", KESHET, "missing_file", "quarantined not_found", transport="ftp"),
    File("the fresh link has expired", "shufersal", "expired_sas", "discovered link_expired"),
    File("a placeholder", KESHET, null_file, "quarantined null_file"),
    File("a chain of zeros", KESHET, named("PriceFull0000000000000-001-{day}0901.gz"),
         "quarantined name_unparsed"),
    File("another chain", BINA, named("PriceFull7291029710008-001-{day}0901.gz"),
         "quarantined foreign_chain_in_listing"),
    File("a name of no form", KESHET, named("backup_{day}.gz"), "quarantined name_unparsed"),
    File("a leftover of 2024", KESHET, leftover, "quarantined stale_file"),
    File("windows-1255", KESHET, encoded("cp1255", DECLARED.format("windows-1255")), "parsed"),
    File("a byte order mark", KESHET, encoded("utf-8-sig", DECLARED.format("utf-8")), "parsed"),
    File("no declaration", KESHET, encoded("utf-8", ""), "parsed"),
    File("UTF-16 with a mark", KESHET, encoded("utf-16", DECLARED.format("utf-16")), "parsed"),
    File("another store inside", LAIB, of_another_store, "parsed", ("store_mismatch",)),
    File("both generations of names", KESHET, SECOND_NAME, "parsed"),
    File("both generations of names", BINA, SECOND_NAME, "parsed"),
]  # fmt: skip


@pytest.mark.parametrize("row", FILES, ids=_line)
def test_a_file(scene: OpenScene, row: File) -> None:
    here = scene(row.feed, row.transport)
    here.publish()
    target = here.full()
    if isinstance(row.spoil, str):
        here.env.replica.faults.switch_on(row.spoil, feed=row.feed, names=target.name, **row.how)
    else:
        target = row.spoil(here, target)
        here.publications.put(target)

    code = here.poll()
    here.take()

    states = here.states()
    assert (code, states.pop(target.name)) == (None, row.expected)
    assert set(states.values()) == {"parsed"}, "the others go on"
    [(notes, damaged)] = here.of(target.name, "notes", "is_damaged")
    assert set(row.notes) <= set(notes or ())
    assert damaged == row.damaged
