"""The faults that the replica can simulate, switched on and off by name while it runs.

docs/portals.md, "Faults and their codes", says which code each gives. What a fault does is in `corruption`
(bytes), `serving` (answers of every family) and the family modules (their own listings and logins).
"""

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock

from gogobe_dagster.feeds.registry import Family

EVERY = frozenset(Family)
ONLY_CERBERUS = frozenset({Family.CERBERUS})
ONLY_SHUFERSAL = frozenset({Family.SHUFERSAL})
ONLY_SUPER_PHARM = frozenset({Family.SUPER_PHARM})
ONLY_BINA = frozenset({Family.BINA})
ONLY_PUBLISH_PRICE = frozenset({Family.PUBLISH_PRICE})
ONLY_LAIB = frozenset({Family.LAIB})
ONLY_WOLT = frozenset({Family.WOLT})
IN_TABLES = frozenset({Family.HAZI_HINAM, Family.CITY_MARKET})
ONLY_NETIV_HAHESED = frozenset({Family.NETIV_HAHESED})
BEHIND_CLOUDFLARE = ONLY_NETIV_HAHESED | frozenset({Family.HAZI_HINAM})
LISTS_IN_JSON = ONLY_CERBERUS | ONLY_BINA | ONLY_LAIB | frozenset({Family.MISHNAT_YOSEF})


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """A fault that can be simulated: what it does, where, and how often by default."""

    meaning: str
    families: frozenset[Family] = EVERY
    times: int | None = None


FAULTS: dict[str, FaultKind] = {
    # any request
    "portal_down": FaultKind(meaning="every answer is 503"),
    "unavailable_until": FaultKind(
        meaning="every answer is 503 and says, as a date, to come back after `seconds`"
    ),
    "rate_limited": FaultKind(meaning="every answer is 429 and says to come back after `seconds`"),
    "bot_challenge": FaultKind(meaning="every answer is 403 with a 'Just a moment...' page"),
    "bot_wall": FaultKind(meaning="every answer is 247 with a script"),
    "polite_challenge": FaultKind(meaning="every answer is 200 with a 'Just a moment...' page"),
    "connection_reset": FaultKind(meaning="the connection is reset without an answer"),
    "slow_page": FaultKind(meaning="the answer comes after `seconds`"),
    "timeout_once": FaultKind(meaning="no answer: the connection closes after `seconds`; once", times=1),
    # the stored file: listing and download agree
    "zero_byte": FaultKind(meaning="the file is empty"),
    "zip_in_gz": FaultKind(meaning="the .gz holds a ZIP with one XML"),
    "plain_in_gz": FaultKind(meaning="the .gz holds bare XML"),
    "truncated_gzip": FaultKind(meaning="the archive is cut after two thirds"),
    "wrong_crc": FaultKind(meaning="the archive's checksum is wrong"),
    "republished_same_name": FaultKind(meaning="the same name with other bytes, ten minutes later"),
    # one download
    "html_instead_of_file": FaultKind(meaning="200 with an HTML page instead of the file"),
    "json_instead_of_file": FaultKind(meaning="200 with an error as JSON instead of the file"),
    "xml_instead_of_file": FaultKind(meaning="200 with an error as XML instead of the file"),
    "text_instead_of_file": FaultKind(meaning="200 with an error as text instead of the file"),
    "truncated_download": FaultKind(meaning="the connection closes before Content-Length is reached"),
    "missing_file": FaultKind(meaning="the file is listed but answers 404"),
    "expired_sas": FaultKind(meaning="a fresh signed link answers 403", families=ONLY_SHUFERSAL),
    "session_expires": FaultKind(
        meaning="the portal ends the session", families=ONLY_CERBERUS | ONLY_SUPER_PHARM, times=1
    ),
    "two_step_download": FaultKind(
        meaning="the link gives the file's address as JSON", families=ONLY_SUPER_PHARM
    ),
    # a listing
    "empty_listing": FaultKind(meaning="the list is empty"),
    "html_listing": FaultKind(meaning="200 with an HTML notice instead of the list"),
    "folder_wiped": FaultKind(meaning="only two files are listed"),
    "empty_kind": FaultKind(meaning="files that match `names` are not listed (for example Promo*)"),
    "foreign_chain": FaultKind(meaning="a price file of another chain is listed too"),
    "row_inserted_while_paging": FaultKind(
        meaning="the newest row appears between page 1 and 2; once",
        families=ONLY_SHUFERSAL | ONLY_SUPER_PHARM | IN_TABLES,
        times=1,
    ),
    "empty_page": FaultKind(meaning="pages after the first are empty", families=IN_TABLES),
    "blocked_page": FaultKind(
        meaning="a page is 403 with Cloudflare's 'you have been blocked'", families=BEHIND_CLOUDFLARE
    ),
    "csrf_token_wrong": FaultKind(
        meaning="200 with an error about the token, whatever the token", families=ONLY_CERBERUS
    ),
    "json_error_200": FaultKind(
        meaning="200 with an error as JSON instead of the list",
        families=LISTS_IN_JSON,
    ),
    "file_type_case": FaultKind(meaning="kinds are capitalized, as before 2026", families=ONLY_LAIB),
    "listed_twice": FaultKind(meaning="every row is listed twice", families=ONLY_LAIB),
    "oldest_first": FaultKind(meaning="the days are listed oldest first", families=ONLY_WOLT),
    "missing_day": FaultKind(
        meaning="the page of a day is 400 though the index names it", families=ONLY_WOLT
    ),
    "listing_truncated": FaultKind(meaning="a page holds at most half of the rows", families=ONLY_CERBERUS),
    "listing_never_complete": FaultKind(
        meaning="the list announces more rows than it gives", families=ONLY_CERBERUS
    ),
    "cap_1000": FaultKind(
        meaning="exactly 1,000 rows, some twice and some missing, unless asked for one store",
        families=ONLY_BINA,
    ),
    "script_renamed": FaultKind(
        meaning="the script gives its list of files another name", families=ONLY_PUBLISH_PRICE
    ),
    "date_ignored": FaultKind(
        meaning="a day is shown only if its path is requested", families=ONLY_PUBLISH_PRICE
    ),
    "day_ignored": FaultKind(
        meaning="the current files are shown, whatever day is requested",
        families=ONLY_PUBLISH_PRICE | IN_TABLES | ONLY_NETIV_HAHESED,
    ),
    "only_deltas": FaultKind(meaning="the page of today has no full file yet", families=ONLY_NETIV_HAHESED),
    # a login
    "wrong_password": FaultKind(meaning="the login is refused", families=ONLY_CERBERUS),
    # FTP only
    "ftps_required": FaultKind(meaning="FTP requires TLS, as Dor Alon always does", families=ONLY_CERBERUS),
    "ftp_without_mlsd": FaultKind(meaning="FTP has no MLSD, only LIST", families=ONLY_CERBERUS),
    "ftp_hangs_up": FaultKind(
        meaning="FTP closes the connection in the middle of a file", families=ONLY_CERBERUS
    ),
}
STORED = (
    "zero_byte", "zip_in_gz", "plain_in_gz", "truncated_gzip", "wrong_crc", "republished_same_name"
)  # fmt: skip
"""The faults of the stored file."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault that is switched on."""

    name: str
    feed: str | None
    """None: every feed."""
    names: str
    """Pattern of file names; a login or listing has the empty name."""
    times: int | None
    """How many more requests it affects; None: all."""
    seconds: float

    def matches(self, name: str, feed: str | None, file: str) -> bool:
        """Whether it is this fault, for this feed and file."""
        return self.name == name and self.feed in {None, feed} and fnmatchcase(file, self.names)


class Faults:
    """The faults that are switched on. Thread-safe."""

    def __init__(self, feeds: Collection[str]) -> None:
        self._feeds = feeds
        self._lock = Lock()
        self._on: list[Fault] = []

    def switch_on(
        self,
        name: str,
        *,
        feed: str | None = None,
        names: str = "*",
        times: int | None = None,
        seconds: float = 30.0,
    ) -> None:
        """Let a fault affect requests of a feed (None: every feed) for files that match `names`.

        After `times` affected requests it is off; `seconds` is for slow responses. Raises `ValueError` for
        an unknown fault or feed.
        """
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
        if feed is not None and feed not in self._feeds:
            raise ValueError(f"no feed {feed!r} here; there are: {', '.join(sorted(self._feeds))}")
        left = FAULTS[name].times if times is None else times
        with self._lock:
            self._on.append(Fault(name=name, feed=feed, names=names, times=left, seconds=seconds))

    def switch_off(self, name: str | None = None, *, feed: str | None = None) -> None:
        """Switch off faults by name and feed; without arguments, all."""
        with self._lock:
            self._on = [
                fault
                for fault in self._on
                if (name is not None and fault.name != name) or (feed is not None and fault.feed != feed)
            ]

    def active(self) -> list[Fault]:
        """Return the faults that are switched on, oldest first."""
        with self._lock:
            return list(self._on)

    def find(self, name: str, feed: str | None, file: str = "") -> Fault | None:
        """Return the fault if it is on for this feed and file, without counting."""
        with self._lock:
            return next((fault for fault in self._on if fault.matches(name, feed, file)), None)

    def take(self, name: str, feed: str | None, file: str = "") -> Fault | None:
        """Like `find`, and count one affected request."""
        with self._lock:
            fault = next((fault for fault in self._on if fault.matches(name, feed, file)), None)
            if fault is not None and fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._on.remove(fault)
            return fault
