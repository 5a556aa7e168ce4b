"""Values that columns may have: the one place for CHECK constraints, queries and Python."""

from enum import StrEnum


class FileState(StrEnum):
    """Where a file is in its life."""

    DISCOVERED = "discovered"
    DOWNLOADED = "downloaded"
    PARSED = "parsed"
    LOADED = "loaded"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"


OPEN_STATES = (FileState.DISCOVERED, FileState.DOWNLOADED, FileState.PARSED)


class Replaced(StrEnum):
    """What `migrate` replaces as a whole when the package has another version of it."""

    DEFINITIONS = "definitions"
    """Functions, triggers, views, comments and grants."""
    LOCALITIES = "localities"
    """The table of localities, and which of them each store is in."""
    CONTENTS = "contents"
    """How much of each product is in a package."""


class Reach(StrEnum):
    """How a portal treats this machine, by the answer to one probe."""

    ANSWERS = "answers"
    REFUSED = "refused"
    """It answers others: portals refuse callers outside Israel, in data centres, or without a browser."""
    NO_ANSWER = "no_answer"


class IndexPeriod(StrEnum):
    """For how long a value of the price index is."""

    WEEK = "week"
    MONTH = "month"


class ProductConflict(StrEnum):
    """Why a GTIN cannot mean the same thing in all chains."""

    NAMES = "names"
    CONTENTS = "contents"


class Decision(StrEnum):
    """What people decided about two products that may be the same."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
