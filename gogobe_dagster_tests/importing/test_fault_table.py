"""What portals do wrong (PORTALS §8), and what the ledger says of it then: one line a row.

Through discover, download and parse, with real connectors on real sockets and a real PostgreSQL. That
every family gives the same codes is `portals.test_faults`; what files of each dialect hold is `parsing`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import stamina

from gogobe_dagster import clock, importing
from gogobe_dagster.equipment import Equipment
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds import Feed, find_feed
from gogobe_dagster.overrides import FeedOverride
from gogobe_dagster.replica.generator.market import Market
from gogobe_dagster.replica.generator.oddities import odd_files
from gogobe_dagster.replica.moving_clock import MovingClock
from gogobe_dagster.replica.publication import Publication, Shelf
from gogobe_dagster.replica.spoiling import unpacked
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.stage import MIDNIGHT, YESTERDAY, Stage, stage

MORNING = datetime.combine(YESTERDAY, time(9), clock.ISRAEL)
DAY = f"{YESTERDAY:%Y%m%d}"
MARKET = Market(stores=2, items=30)
KESHET, BINA, LAIB = "keshet", "king_store", "victory"


@dataclass(frozen=True)
class Scene:
    """One feed on the stage: its shelf, its portal, its part of the ledger."""

    stage: Stage
    equipment: Equipment
    feed: Feed

    def publish(self, *, stores: int = 2) -> None:
        """Publish a morning; what promotions become is not the portal's matter."""
        self.stage.publish(self.feed.key, stores=stores, items=30, until=MORNING)
        self.shelf.remove(*(item.name for item in self.shelf.publications() if "promo" in item.name.lower()))

    @property
    def shelf(self) -> Shelf:
        return self.stage.replica.shelf(self.feed.key)

    def full(self, number: int = 0) -> Publication:
        """A full price file: the one that is spoiled."""
        fulls = [item for item in self.shelf.publications() if item.name.lower().startswith("pricefull")]
        return sorted(fulls, key=lambda item: item.name)[number]

    def look(self, day: date = YESTERDAY) -> str | None:
        """List the portal; return the code if it fails."""
        try:
            importing.discover(self.feed, [day], self.equipment)
        except PortalError as error:
            return error.code.value
        return None

    def take(self) -> None:
        """Download and parse what is pending."""
        importing.download(self.feed, [YESTERDAY], self.equipment)
        for batch in importing.plan(self.feed, [YESTERDAY], self.equipment):
            importing.parse(batch, self.feed, self.equipment)

    def states(self) -> dict[str, str]:
        """State, and code if there is one, of every file that the ledger has of the feed."""
        rows = self.stage.query("select name, state, code from file where feed = %s", [self.feed.key])
        return {name: f"{state} {code or ''}".strip() for name, state, code in rows}

    def of(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        return self.stage.query(
            f"select {', '.join(columns)} from file where name = %s order by revision", [name]
        )


@pytest.fixture(scope="module")
def whole_stage(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One stage for all rows: each begins on an empty ledger and empty shelves."""
    home: Path = tmp_path_factory.mktemp("stage") / "home"
    with (
        postgres_server.database() as warehouse,
        stage(home, warehouse_url=warehouse, dagster_url=warehouse) as one,
    ):
        yield one


OpenScene = Callable[..., Scene]


@pytest.fixture
def scene(whole_stage: Stage) -> Iterator[OpenScene]:
    """Open a scene at a door of a feed's portal. No time is spent between tries; three are made."""
    opened: list[Equipment] = []

    def scene(feed_key: str, door: str = "web", **override: Any) -> Scene:
        feed = find_feed(feed_key)
        told = FeedOverride.model_validate({"door": door} | override)
        settings = whole_stage.settings.model_copy(update={"feed": {feed_key: told}})
        opened.append(Equipment(settings))
        return Scene(whole_stage, opened[-1], feed)

    _begin_anew(whole_stage)
    with stamina.set_testing(True, attempts=3):
        yield scene
    for equipment in opened:
        equipment.close()


def _begin_anew(whole: Stage) -> None:
    with psycopg.connect(whole.settings.database_url) as connection:
        connection.execute("truncate file, listing cascade")
    whole.replica.faults.switch_off()
    for key in (KESHET, BINA, LAIB, "shufersal", "carrefour", "super_pharm", "wolt_market", "dor_alon"):
        whole.replica.shelf(key).clear()
    assert isinstance(whole.replica.clock, MovingClock)
    whole.replica.clock.move(now=MIDNIGHT)


# ---------------------------------------------------------------- listings


@dataclass(frozen=True)
class Listing:
    """A fault of a listing or of the way to the portal."""

    scenario: str
    feed: str
    fault: str
    code: str | None = None
    """None: every file is found, fetched and read all the same."""
    door: str = "web"
    stores: int = 2
    how: Mapping[str, Any] = field(default_factory=dict)
    linked: str = ""
    """How the links in the ledger begin."""


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
    Listing("every token is refused", KESHET, "csrf_token_wrong", door="auto", linked="ftp:"),
    Listing("the session ends before the download", KESHET, "session_expires", how={"names": "Price*"}),
    Listing(
        "the session ends before the download", "super_pharm", "session_expires", how={"names": "Price*"}
    ),
    Listing("wrong password", KESHET, "wrong_password", "auth_failed"),
    Listing("wrong password, two doors", KESHET, "wrong_password", "auth_failed", door="auto"),
    Listing("wrong password over FTP", KESHET, "wrong_password", "auth_failed", door="ftp"),
    Listing("a page with half of the rows", KESHET, "listing_truncated"),
    Listing("a count that is never reached", KESHET, "listing_never_complete", "listing_truncated"),
    Listing("FTP wants TLS", KESHET, "ftps_required", door="ftp", linked="ftp:"),
    Listing("FTP always wants TLS", "dor_alon", "", door="ftp", linked="ftp:"),
    Listing("FTP has no MLSD", KESHET, "ftp_without_mlsd", door="ftp", linked="ftp:"),
    Listing("both doors are shut", KESHET, "portal_down", "http_error", door="auto"),
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
    return "-".join(filter(None, (row.scenario, row.feed, getattr(row, "door", ""))))


@pytest.mark.parametrize("row", LISTINGS, ids=_line)
def test_a_listing(scene: OpenScene, row: Listing) -> None:
    here = scene(row.feed, row.door)
    here.publish(stores=row.stores)
    if row.fault:
        here.stage.replica.faults.switch_on(row.fault, feed=row.feed, **row.how)

    code = here.look()
    here.take()

    [(recorded,)] = here.stage.query("select code from listing where feed = %s", [row.feed])
    assert (code, recorded) == (row.code, row.code)
    published = {} if row.code else {item.name: "parsed" for item in here.shelf.publications()}
    assert here.states() == published
    links = here.stage.query("select link from file")
    assert all(link.startswith(row.linked) for (link,) in links)


# ---------------------------------------------------------------- files


@dataclass(frozen=True)
class File:
    """A fault of one file."""

    scenario: str
    feed: str
    spoil: str | Callable[[Scene, Publication], Publication]
    """A fault of the replica, or what makes the bad file from a good one."""
    expected: str
    """State, and code if there is one."""
    notes: tuple[str, ...] = ()
    damaged: bool = False
    how: Mapping[str, Any] = field(default_factory=dict)
    door: str = "web"


Spoil = Callable[[Scene, Publication], Publication]


def named(form: str) -> Spoil:
    """The same bytes under a name of this form."""
    return lambda here, full: replace(
        full, name=form.format(chain=here.feed.chain_id, day=DAY, store=full.store_id)
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
    return odd_files(MARKET, here.feed, day=YESTERDAY, now=MIDNIGHT)[0]


def null_file(here: Scene, _full: Publication) -> Publication:
    """A placeholder without rows."""
    odd = odd_files(MARKET, here.feed, day=YESTERDAY, now=MIDNIGHT)
    return next(item for item in odd if item.name.startswith("NULL"))


def of_another_store(here: Scene, full: Publication) -> Publication:
    """What the second store says, under the name of the first."""
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
    File("cut off on the way", KESHET, "truncated_download", "discovered truncated_download", door="ftp"),
    File("FTP hangs up", KESHET, "ftp_hangs_up", "discovered truncated_download", door="ftp"),
    File("listed and not there", KESHET, "missing_file", "quarantined not_found"),
    File("listed and not there", KESHET, "missing_file", "quarantined not_found", door="ftp"),
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
    File("another store inside", LAIB, of_another_store, "parsed", ("header_name_mismatch",)),
    File("both generations of names", KESHET, SECOND_NAME, "parsed"),
    File("both generations of names", BINA, SECOND_NAME, "parsed"),
]  # fmt: skip


@pytest.mark.parametrize("row", FILES, ids=_line)
def test_a_file(scene: OpenScene, row: File) -> None:
    here = scene(row.feed, row.door)
    here.publish()
    target = here.full()
    if isinstance(row.spoil, str):
        here.stage.replica.faults.switch_on(row.spoil, feed=row.feed, names=target.name, **row.how)
    else:
        target = row.spoil(here, target)
        here.shelf.put(target)

    code = here.look()
    here.take()

    states = here.states()
    assert (code, states.pop(target.name)) == (None, row.expected)
    assert set(states.values()) == {"parsed"}, "the others go on"
    [(notes, damaged)] = here.of(target.name, "notes", "is_damaged")
    assert set(row.notes) <= set(notes or ())
    assert damaged == row.damaged


# ---------------------------------------------------------------- what takes more than one look


def test_a_wiped_folder_deletes_nothing(scene: OpenScene) -> None:
    here = scene(KESHET)
    here.publish()
    here.look()
    here.take()
    before = here.states()

    here.stage.replica.faults.switch_on("folder_wiped", feed=KESHET)

    assert here.look() is None
    here.take()
    assert here.states() == before


def test_an_empty_kind_is_no_failure_and_deletes_nothing(scene: OpenScene) -> None:
    here = scene(BINA)
    here.publish()
    here.stage.replica.faults.switch_on("empty_kind", feed=BINA, names="PriceFull*")

    code = here.look()
    here.take()

    fulls = {name for name in here.states() if name.startswith("PriceFull")}
    assert (code, fulls) == (None, set())
    here.stage.replica.faults.switch_off()
    here.look()
    here.take()
    assert here.states() == {item.name: "parsed" for item in here.shelf.publications()}


def test_new_bytes_under_an_old_name_are_a_revision_that_is_imported_again(scene: OpenScene) -> None:
    here = scene(KESHET)
    here.publish()
    here.look()
    here.take()
    name = here.full().name

    here.stage.replica.faults.switch_on("republished_same_name", feed=KESHET, names=name)
    here.look()
    here.take()

    rows = here.of(name, "revision", "state", "sha256")
    assert [row[:2] for row in rows] == [(1, "parsed"), (2, "parsed")]
    assert rows[0][2] != rows[1][2]
    told = here.stage.query("select count(*) from file_event where code = 'republished_same_name'")
    assert told == [(1,)]


def test_the_same_files_by_the_other_door_are_no_new_bytes(scene: OpenScene) -> None:
    web, ftp = scene(KESHET), scene(KESHET, "ftp")
    web.publish()
    web.look()

    ftp.look()

    assert web.stage.query("select count(*), max(revision) from file") == [(len(web.states()), 1)]
    ftp.take()
    assert set(web.states().values()) == {"parsed"}


def test_the_same_bytes_under_another_name_are_kept_once(scene: OpenScene) -> None:
    here = scene(KESHET)
    here.publish()
    copy = SECOND_NAME(here, here.full())
    here.shelf.put(copy)

    here.look()
    here.take()

    hashes = {here.of(name, "sha256", "state")[0] for name in (copy.name, here.full().name)}
    assert len(hashes) == 1
    assert {state for _, state in hashes} == {"parsed"}


def test_after_midnight_yesterday_is_merged(scene: OpenScene) -> None:
    here = scene("carrefour")
    here.publish()
    assert isinstance(here.stage.replica.clock, MovingClock)
    here.stage.replica.clock.move(forward=timedelta(minutes=10))

    code = here.look()
    here.take()

    assert code is None
    assert here.states() == {item.name: "parsed" for item in here.shelf.publications()}


def test_files_three_months_old_are_listed_and_not_imported(scene: OpenScene) -> None:
    here = scene("wolt_market")
    here.publish()
    old = YESTERDAY - timedelta(days=90)
    for item in here.shelf.publications():
        here.shelf.remove(item.name)
        here.shelf.put(
            replace(
                item,
                name=item.name.replace(DAY, f"{old:%Y%m%d}"),
                published_at=item.published_at - timedelta(days=90),
            )
        )

    code = here.look(YESTERDAY + timedelta(days=1))
    here.take()

    assert code is None
    assert set(here.states().values()) == {"quarantined stale_file"}


def test_a_dead_host_is_named_and_the_other_feeds_go_on(scene: OpenScene) -> None:
    dead, alive = scene(KESHET, base_url="http://portal.invalid"), scene(BINA)
    alive.publish()

    codes = dead.look(), alive.look()
    alive.take()

    assert codes == ("dns_dead", None)
    assert dead.stage.query("select code from listing where feed = %s", [KESHET]) == [("dns_dead",)]
    assert set(alive.states().values()) == {"parsed"}
