"""Every error of ours: one tree of exceptions, and one enum of the codes that they carry.

GogobeError                  anything raised on purpose
├── CodedError               has a code and a reason; whatever can fail a Dagster step
│   ├── SettingsError        a setting is missing or wrong: names the variable and the accepted values
│   ├── DatabaseUnavailable  PostgreSQL does not answer, or the embedded server cannot start
│   ├── LoadInterrupted      the database rolled back a load: connection lost, disk full or deadlock
│   ├── AlertNotSent         an alert could not be delivered
│   ├── BackupError          a backup cannot be made or restored
│   ├── PortalError          a portal refuses or is out of reach (the whole feed is affected)
│   └── FileError            one file could not be identified, downloaded, opened or parsed
│       ├── UnknownFileName  the name fits no known pattern
│       ├── DownloadError    the bytes could not be downloaded completely
│       └── ContentError     the bytes are not a document that can be parsed
└── (others)                 messages of a command that have no code, defined beside the command

The ledger, logs, Dagster metadata and the command line show codes unchanged, so people may build on
them. `docs/codes.md` is generated from the enum. Nothing here knows Dagster: `defs.failures` translates.
"""

from datetime import timedelta
from difflib import get_close_matches
from enum import Flag, StrEnum, auto
from typing import Final, Self

from gogobe_dagster.printable import printable, without_secrets


class Fault(StrEnum):
    """Where the cause of an error is, and so who can remove it."""

    PORTAL = "portal"
    FILE = "file"
    NETWORK = "network"
    INSTALLATION = "installation"


class Trait(Flag):
    """What follows from a code for the program."""

    NONE = 0
    RETRY = auto()
    """Trying again can help, later or with a new session, token or link."""
    RESEND = auto()
    """Sending the same request again after a pause can help."""
    EXPECTED = auto()
    """The file is left out on purpose: nobody has to act, and no check reports it."""
    OTHER_TRANSPORT = auto()
    """Another transport to the same account (FTP instead of the web) can help."""
    WHOLE_PORTAL = auto()
    """The whole portal is affected, even when a single file was requested."""
    PAUSE = auto()
    """The portal is left alone for a while (`warehouse.ledger.portal_pause`)."""


# Short names keep a code on as few lines as possible.
_PORTAL, _FILE, _NETWORK, _INSTALLATION = Fault
_NONE, _RETRY, _RESEND = Trait.NONE, Trait.RETRY, Trait.RETRY | Trait.RESEND
_EXPECTED, _TRANSPORT, _PAUSE = Trait.EXPECTED, Trait.OTHER_TRANSPORT, Trait.PAUSE
_WHOLE = Trait.WHOLE_PORTAL | Trait.PAUSE


class Code(StrEnum):
    """A stable name for a way to fail: value, fault, traits, meaning, what to do."""

    fault: Fault
    traits: Trait
    meaning: str
    action: str

    def __new__(cls, value: str, fault: Fault, traits: Trait, meaning: str, action: str) -> Self:
        """Make a member that equals its value and knows what follows from it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.fault, member.traits, member.meaning, member.action = fault, traits, meaning, action
        return member

    # ------------------------------------------------------------ a portal cannot be listed
    DNS_DEAD = (
        "dns_dead",
        _NETWORK,
        _RESEND | _TRANSPORT | _WHOLE,
        "The portal's host name does not resolve.",
        "Check DNS on this machine. If other machines fail too, the portal is down or has moved.",
    )
    NO_CONNECTION = (
        "no_connection",
        _NETWORK,
        _RESEND | _TRANSPORT | _WHOLE,
        "No connection to the portal could be opened.",
        "Check network, firewall and proxy. Several portals answer only callers in Israel.",
    )
    CONNECTION_LOST = (
        "connection_lost",
        _NETWORK,
        _RESEND | _TRANSPORT | _PAUSE,
        "The connection broke, or nothing was received for too long.",
        "Nothing at first: it is tried again. If it persists, check network and proxy.",
    )
    TLS_ERROR = (
        "tls_error",
        _PORTAL,
        _TRANSPORT | _WHOLE,
        "The portal's certificate is not valid, or no TLS connection was possible.",
        "Check this machine's clock and whether a proxy intercepts TLS (`CA_BUNDLE` of the feed).",
    )
    HTTP_ERROR = (
        "http_error",
        _PORTAL,
        _RESEND | _TRANSPORT | _PAUSE,
        "The portal answered with an error status, or with something that is not an answer.",
        "Nothing at first: it is tried again. If it persists, open the portal in a browser.",
    )
    FOREIGN_HOST = (
        "foreign_host",
        _PORTAL,
        _RETRY | _TRANSPORT,
        "The portal names a host that is not its own, or its host name leads to a private address.",
        "Nothing was sent there. If its files have moved, name their host in `GOGOBE_FEED__<FEED>__HOSTS`.",
    )
    TOO_SLOW = (
        "too_slow",
        _PORTAL,
        _RETRY | _TRANSPORT | _PAUSE,
        "The portal sends bytes, but too few a second, or not all of them in time.",
        "Nothing at first: it is tried again. If it persists, check network and proxy.",
    )
    PORTAL_UNAVAILABLE = (
        "portal_unavailable",
        _PORTAL,
        _RESEND | _TRANSPORT | _WHOLE,
        "The portal says that it cannot answer now: status 503, or 421 over FTP.",
        "Nothing: the portal is left alone for as long as it says, or for a growing while.",
    )
    RATE_LIMITED = (
        "rate_limited",
        _PORTAL,
        _RETRY | _TRANSPORT | _WHOLE,
        "The portal says that it was asked too often: status 429.",
        "Nothing: the portal is left alone for as long as it says. If it persists, poll less often.",
    )
    GEO_BLOCKED = (
        "geo_blocked",
        _INSTALLATION,
        _TRANSPORT | _WHOLE,
        "The portal closes connections from outside Israel.",
        "Run in Israel, or set a proxy there (`GOGOBE_FEED__<FEED>__PROXY`).",
    )
    BOT_CHALLENGE = (
        "bot_challenge",
        _PORTAL,
        _TRANSPORT | _WHOLE,
        "The portal answered with a bot challenge instead of data.",
        "Wait, poll less often, or use another address (`GOGOBE_FEED__<FEED>__PROXY`).",
    )
    AUTH_FAILED = (
        "auth_failed",
        _INSTALLATION,
        _WHOLE,
        "The portal refused the user name, the password or the client id.",
        "Compare with the official register (`gogobe register`), then set user and password of the feed.",
    )
    SESSION_EXPIRED = (
        "session_expired",
        _PORTAL,
        _RETRY | _TRANSPORT,
        "The session at the portal ended, and a new one ended as well.",
        "Nothing at first: the next run logs in again.",
    )
    CSRF_REJECTED = (
        "csrf_rejected",
        _PORTAL,
        _RETRY | _TRANSPORT,
        "The portal rejected the token that its own page had issued.",
        "Nothing at first: the next run logs in again.",
    )
    LISTING_SCHEMA_CHANGED = (
        "listing_schema_changed",
        _PORTAL,
        _TRANSPORT,
        "The portal's listing has a format that the connector does not know.",
        "Adapt the connector (`gogobe_dagster/portals`); until then nothing is listed.",
    )
    LISTING_EMPTY_UNEXPECTED = (
        "listing_empty_unexpected",
        _PORTAL,
        _RESEND,
        "The portal lists no file, at a time when it should list some.",
        "Nothing at first: some portals empty and refill their folder. If it persists, open it in a browser.",
    )
    LISTING_TRUNCATED = (
        "listing_truncated",
        _PORTAL,
        _RETRY | _TRANSPORT,
        "The listing ended before its last row, or exceeds what the portal can show.",
        "Nothing at first: it is tried again. If it persists, adapt the connector.",
    )
    LISTING_TOO_LONG = (
        "listing_too_long",
        _PORTAL,
        _NONE,
        "The listing has more files, or more names of no known pattern, than are recorded of one listing.",
        "Open the portal in a browser. Files with names of a known pattern are recorded first, and imported.",
    )
    LISTING_TOO_SLOW = (
        "listing_too_slow",
        _PORTAL,
        _RETRY,
        "The listing did not finish within `GOGOBE_POLL_TIMEOUT_SECONDS`.",
        "Nothing: runs list the portal instead, every `GOGOBE_SLOW_POLL_MINUTES`.",
    )
    PAST_DAY_NOT_OFFERED = (
        "past_day_not_offered",
        _PORTAL,
        _NONE,
        "The portal no longer offers this past day, and nothing of it was listed at the time.",
        "Nothing can be done: what was published then is unknown.",
    )
    # ------------------------------------------------------------ a file: its name and its download
    NAME_UNPARSED = (
        "name_unparsed",
        _FILE,
        _NONE,
        "The file name fits no known pattern.",
        "If it is a data file, add the pattern to `gogobe_dagster/files/names.py`.",
    )
    FOREIGN_CHAIN_IN_LISTING = (
        "foreign_chain_in_listing",
        _FILE,
        _EXPECTED,
        "The file belongs to a chain that this feed does not publish.",
        "Nothing, unless the chain is new in this feed: then add its id to the feed's row.",
    )
    STALE_FILE = (
        "stale_file",
        _FILE,
        _EXPECTED,
        "The file was published more than `GOGOBE_STALE_AFTER_DAYS` ago.",
        "Nothing. `gogobe import --day` imports it on request.",
    )
    FUTURE_TIMESTAMP = (
        "future_timestamp",
        _FILE,
        _EXPECTED,
        "The timestamp in the file name is on a day that has not come yet.",
        "Nothing: it is imported on that day, if it is still listed.",
    )
    REPUBLISHED_SAME_NAME = (
        "republished_same_name",
        _FILE,
        _NONE,
        "The portal replaced the file under the same name; this event names the new revision.",
        "Nothing: each revision is imported.",
    )
    LINK_EXPIRED = (
        "link_expired",
        _PORTAL,
        _RETRY,
        "The download link expired, and the portal gave no new one.",
        "Nothing: the next listing brings a new link.",
    )
    NOT_FOUND = (
        "not_found",
        _FILE,
        _RETRY | _TRANSPORT,
        "The portal lists the file and answers that it does not exist.",
        "Nothing: it is tried again while the portal lists it.",
    )
    ZERO_BYTE = (
        "zero_byte",
        _PORTAL,
        _RESEND,
        "The file is empty, or holds NUL bytes only.",
        "Nothing: it is tried again while the portal lists it.",
    )
    HTML_INSTEAD_OF_FILE = (
        "html_instead_of_file",
        _PORTAL,
        _RESEND,
        "The portal sent a web page instead of the file.",
        "Nothing: it is tried again while the portal lists it.",
    )
    MESSAGE_INSTEAD_OF_FILE = (
        "message_instead_of_file",
        _PORTAL,
        _RESEND,
        "The portal sent a message instead of the file: JSON, an XML error or text.",
        "Nothing: it is tried again while the portal lists it.",
    )
    TRUNCATED_DOWNLOAD = (
        "truncated_download",
        _NETWORK,
        _RESEND,
        "The download ended before its announced size.",
        "Nothing: it is tried again while the portal lists it.",
    )
    TOO_LARGE = (
        "too_large",
        _FILE,
        _NONE,
        "The file as served is larger than `GOGOBE_MAX_DOWNLOAD_MB`.",
        "If the size is plausible, raise the setting.",
    )
    # ------------------------------------------------------------ a file: its content
    CORRUPT_ARCHIVE = (
        "corrupt_archive",
        _FILE,
        _RETRY,
        "The gzip or ZIP archive cannot be unpacked.",
        "Nothing: it is tried again while the portal lists it.",
    )
    NULL_FILE = (
        "null_file",
        _FILE,
        _EXPECTED,
        "A placeholder, with NULL in its name and no rows: nothing has changed in the store.",
        "Nothing.",
    )
    HEADER_NAME_MISMATCH = (
        "header_name_mismatch",
        _FILE,
        _RETRY,
        "The name promises another kind of document than the file contains.",
        "Nothing: it is tried again while the portal lists it; the portal may correct it.",
    )
    SCHEMA_UNKNOWN = (
        "schema_unknown",
        _FILE,
        _RETRY,
        "The document has no rows of a known kind, or does not say which store it is about.",
        "Look at it with `gogobe read FILE`; a new layout is added in `gogobe_dagster/parsing/dialects.py`.",
    )
    ENCODING_UNKNOWN = (
        "encoding_unknown",
        _FILE,
        _RETRY,
        "The text is neither UTF-8, UTF-16 nor windows-1255.",
        "Nothing: it is tried again while the portal lists it.",
    )
    HOSTILE_CONTENT = (
        "hostile_content",
        _FILE,
        _NONE,
        "The content could harm a parser: an archive bomb, a DTD, NUL bytes, extreme nesting or length.",
        "Nothing. If a large document is genuine, raise `GOGOBE_MAX_DOCUMENT_MB`.",
    )
    READER_FAILED = (
        "reader_failed",
        _INSTALLATION,
        _NONE,
        "Reading the file raised an error that nobody foresaw; the log has its traceback.",
        "Report it with the file and the traceback. After an update: `gogobe retry --code reader_failed`.",
    )
    # ------------------------------------------------------------ this installation
    RAW_FILE_MISSING = (
        "raw_file_missing",
        _INSTALLATION,
        _RETRY,
        "The downloaded bytes are not in the raw store, or other bytes are in their place.",
        "Nothing at first: the file is downloaded again. If it persists, check the disk.",
    )
    LATE_BEYOND_RETENTION = (
        "late_beyond_retention",
        _INSTALLATION,
        _NONE,
        "The file is older than the lake or the history reaches, so it could only be applied wrongly.",
        "Keep more (`GOGOBE_KEEP_LAKE_DAYS`, `GOGOBE_KEEP_HISTORY_DAYS`).",
    )
    LAKE_FILE_MISSING = (
        "lake_file_missing",
        _INSTALLATION,
        _RETRY,
        "The parsed rows are no longer in the lake.",
        "Nothing: the file is parsed again from the raw store, while that has it.",
    )
    DATABASE_UNAVAILABLE = (
        "database_unavailable",
        _INSTALLATION,
        _RETRY,
        "PostgreSQL does not answer, or closed the connection.",
        "Check that the server runs (`gogobe up` starts the embedded one) and read its log.",
    )
    DATABASE_BUSY = (
        "database_busy",
        _INSTALLATION,
        _RETRY,
        "PostgreSQL rolled back the transaction because of a lock or a deadlock.",
        "Nothing: the step is tried again.",
    )
    DATABASE_FULL = (
        "database_full",
        _INSTALLATION,
        _NONE,
        "The disk of the database is full.",
        "Free space or keep less (`gogobe retain`), then run again.",
    )
    SETTINGS_INVALID = (
        "settings_invalid",
        _INSTALLATION,
        _NONE,
        "A setting is missing or wrong.",
        "The message names the variable and what is accepted; see `docs/settings.md`.",
    )
    BATCHES_LOST = (
        "batches_lost",
        _INSTALLATION,
        _RETRY,
        "Files of the plan were in no batch that ran: the run was re-executed from failure.",
        "Re-execute the run with all steps.",
    )
    ALERT_NOT_SENT = (
        "alert_not_sent",
        _INSTALLATION,
        _NONE,
        "An alert could not be delivered.",
        "Check `GOGOBE_ALERT_URL`; the alert is sent again at the next evaluation.",
    )
    BACKUP_FAILED = (
        "backup_failed",
        _INSTALLATION,
        _NONE,
        "A backup could not be made or restored.",
        "Do what the reason says; the next backup goes on with the files that were copied.",
    )

    @property
    def retry(self) -> bool:
        """Whether trying again can help."""
        return Trait.RETRY in self.traits

    @property
    def is_passing(self) -> bool:
        """Whether the portal or the way to it is to blame, so that it counts as no attempt of a file."""
        return self.fault in {Fault.PORTAL, Fault.NETWORK} or Trait.WHOLE_PORTAL in self.traits


EXPECTED_CODES: Final = frozenset(code for code in Code if Trait.EXPECTED in code.traits)
"""Of files that are left out on purpose, so that nobody has to look at them."""


class GogobeError(Exception):
    """The root: anything raised on purpose. The text is a message for people."""


class CodedError(GogobeError):
    """An error with a stable code; `str()` is the reason alone, without the code."""

    def __init__(self, code: Code, reason: str) -> None:
        """Keep code and reason apart: the ledger has a column for each. The reason is fit to print."""
        self.code = code
        self.reason = printable(without_secrets(reason))
        super().__init__(self.reason)

    @property
    def retry(self) -> bool:
        """Whether trying again can help."""
        return self.code.retry


class SettingsError(CodedError):
    """A setting is missing or wrong; the message names the variable and the accepted values."""

    def __init__(self, reason: str) -> None:
        """Take the message; the code is always the same."""
        super().__init__(Code.SETTINGS_INVALID, reason)


def find_code(name: str) -> Code:
    """Return the code of this name. Raises `SettingsError`, which suggests the most similar one."""
    codes = {code.value: code for code in Code}
    if name in codes:
        return codes[name]
    near = get_close_matches(name, codes, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise SettingsError(f"there is no code {name!r}{hint} docs/codes.md lists all codes.")


class DatabaseUnavailable(CodedError):
    """PostgreSQL does not answer or cannot be started."""

    def __init__(self, reason: str) -> None:
        """Take the message; the code is always the same."""
        super().__init__(Code.DATABASE_UNAVAILABLE, reason)


class AlertNotSent(CodedError):
    """An alert could not be delivered. The message does not contain the URL, which may hold a password."""

    def __init__(self, reason: str) -> None:
        """Take the message; the code is always the same."""
        super().__init__(Code.ALERT_NOT_SENT, reason)


class BackupError(CodedError):
    """A backup cannot be made, or cannot be restored; the message says why and what to do."""

    def __init__(self, reason: str) -> None:
        """Take the message; the code is always the same."""
        super().__init__(Code.BACKUP_FAILED, reason)


class LoadInterrupted(CodedError):
    """The database rolled back a transaction of a load; what was committed stays, the next run goes on."""


class PortalError(CodedError):
    """A portal refuses or is out of reach. It never means that the portal lists nothing."""

    def __init__(self, code: Code, reason: str, *, retry_after: timedelta | None = None) -> None:
        """Keep also for how long the portal asks to be left alone, if it says so."""
        super().__init__(code, reason)
        self.retry_after = retry_after


class FileError(CodedError):
    """One file could not be identified, downloaded, opened or parsed; the other files go on."""


MAX_SHOWN_NAME = 255


class UnknownFileName(FileError):
    """The name fits no known pattern (docs/portals.md)."""

    def __init__(self, name: str, reason: str) -> None:
        """Take the name and which part of the pattern it breaks."""
        super().__init__(Code.NAME_UNPARSED, f"{name[:MAX_SHOWN_NAME]!r}: {reason}")
        self.name = name


class DownloadError(FileError):
    """The bytes could not be downloaded completely."""


class ContentError(FileError):
    """The bytes are not a document that can be parsed."""
