"""Everything that can go wrong, as one tree, with a stable code and a retry verdict.

GogobeError
├── SettingsError            a setting is missing or wrong: names the variable and what is accepted
├── DatabaseUnavailable      PostgreSQL does not answer, or the embedded server cannot start
├── LoadInterrupted          the database undid a load: it went away, is full, or others were in the way
├── PortalError              a portal could not be listed (the whole feed is affected)
└── FileError                one file could not be named, fetched, opened or read
    ├── UnknownFileName      the name fits no known grammar
    ├── DownloadError        the bytes could not be fetched whole
    └── ContentError         the bytes are no document that we can read

The codes are those of PORTALS §3.5; the ledger, logs, metadata and the command line show them
unchanged, so people may build on them. Nothing here knows Dagster; `defs.failures` translates.
"""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """A stable name for a way to fail. `retry` says whether trying again can help."""

    retry: bool

    def __new__(cls, value: str, retry: bool = False) -> Self:  # noqa: FBT001, FBT002 - reads as a table below
        """Make a member that is its own text and knows its retry verdict."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.retry = retry
        return member

    # the portal as a whole
    DNS_DEAD = "dns_dead", True
    CONNECT_TIMEOUT = "connect_timeout", True
    CONNECTION_LOST = "connection_lost", True
    TLS_ERROR = "tls_error"
    HTTP_ERROR = "http_error", True
    GEO_BLOCKED = "geo_blocked"
    BOT_CHALLENGE = "bot_challenge"
    AUTH_FAILED = "auth_failed"
    SESSION_EXPIRED = "session_expired", True
    CSRF_REJECTED = "csrf_rejected", True
    LISTING_SCHEMA_CHANGED = "listing_schema_changed"
    LISTING_EMPTY_UNEXPECTED = "listing_empty_unexpected", True
    LISTING_TRUNCATED = "listing_truncated", True
    LISTING_TOO_SLOW = "listing_too_slow", True
    PAST_DAY_NOT_OFFERED = "past_day_not_offered"
    # one file: its name, its download
    NAME_UNPARSED = "name_unparsed"
    FOREIGN_CHAIN_IN_LISTING = "foreign_chain_in_listing"
    STALE_FILE = "stale_file"
    FUTURE_STAMP = "future_stamp"
    REPUBLISHED_SAME_NAME = "republished_same_name"
    LINK_EXPIRED = "link_expired", True
    NOT_FOUND = "not_found"
    ZERO_BYTE = "zero_byte", True
    HTML_INSTEAD_OF_FILE = "html_instead_of_file", True
    TRUNCATED_DOWNLOAD = "truncated_download", True
    TOO_LARGE = "too_large"
    # one file: its content
    CONTAINER_MISMATCH = "container_mismatch"
    CORRUPT_ARCHIVE = "corrupt_archive"
    NULL_FILE = "null_file"
    HEADER_NAME_MISMATCH = "header_name_mismatch"
    EMPTY_DOCUMENT = "empty_document"
    DAMAGED_DOCUMENT = "damaged_document"
    SCHEMA_UNKNOWN = "schema_unknown"
    ENCODING_UNKNOWN = "encoding_unknown"
    HOSTILE_CONTENT = "hostile_content"
    # ours
    RAW_FILE_MISSING = "raw_file_missing"
    LATE_BEYOND_RETENTION = "late_beyond_retention"
    LAKE_FILE_MISSING = "lake_file_missing", True
    DATABASE_UNAVAILABLE = "database_unavailable", True
    DATABASE_BUSY = "database_busy", True
    DATABASE_FULL = "database_full"


class GogobeError(Exception):
    """The root: whatever we raise on purpose."""


class SettingsError(GogobeError):
    """A setting is missing or wrong; the message names the variable and what is accepted."""


class DatabaseUnavailable(GogobeError):
    """PostgreSQL does not answer or cannot be started; trying again may help."""

    code = Code.DATABASE_UNAVAILABLE


class CodedError(GogobeError):
    """An error with a stable code; `str()` is the reason in words, without the code."""

    def __init__(self, code: Code, reason: str) -> None:
        """Keep the code and the reason apart, so that the ledger can store both."""
        super().__init__(reason)
        self.code = code
        self.reason = reason

    @property
    def retry(self) -> bool:
        """Whether trying again can help."""
        return self.code.retry


class LoadInterrupted(CodedError):
    """The database undid a transaction of a load; what was committed before stays, the next run goes on."""


class PortalError(CodedError):
    """A portal could not be listed. It never means that the portal lists nothing."""


class FileError(CodedError):
    """One file could not be named, fetched, opened or read; the other files go on."""


class UnknownFileName(FileError):
    """The name fits no grammar of PORTALS §2."""

    def __init__(self, name: str, reason: str) -> None:
        """Say which name, and which part of the grammar it breaks."""
        super().__init__(Code.NAME_UNPARSED, f"{name!r}: {reason}")
        self.name = name


class DownloadError(FileError):
    """The bytes could not be fetched whole."""


class ContentError(FileError):
    """The bytes are no document that we can read."""
