"""The tables of docs/chains.md, from the register of feeds."""

from gogobe_dagster.feeds.registry import DISABLED, FEEDS, DisabledFeed, Family, Feed
from gogobe_dagster_tests.docs.pages import DOCS, table, write

PAGE = DOCS / "chains.md"
FEED_COLUMNS = {
    "key": "---",
    "chain": "---",
    "Hebrew name": "---",
    "chain ids": "---",
    "stores": "--:",
    "full files per day": "--:",
    "deltas per day": "--:",
    "full files by": "---",
    "empty until": "---",
    "note": "---",
}
EVIDENCE_COLUMNS = {"key": "---", "seen on": "---", "fact": "---", "source": "---"}
DISABLED_COLUMNS = {
    "key": "---",
    "chain": "---",
    "Hebrew name": "---",
    "chain ids": "---",
    "former address": "---",
    "reason": "---",
}


def parts() -> dict[str, str]:
    """Make a table of feeds for each portal family, and one of the disabled feeds."""
    disabled = table(DISABLED_COLUMNS, map(_disabled_row, DISABLED))
    seen = table(EVIDENCE_COLUMNS, [row for feed in FEEDS for row in _evidence_rows(feed)])
    return {family.value: _family(family) for family in Family} | {"disabled": disabled, "evidence": seen}


def _family(family: Family) -> str:
    return table(FEED_COLUMNS, [_row(feed) for feed in FEEDS if feed.family is family])


def _row(feed: Feed) -> list[str]:
    counts = (feed.full_files_per_day, feed.delta_files_per_day)
    return [
        f"`{feed.key}`",
        feed.name,
        feed.hebrew_name,
        _ids(feed),
        str(feed.stores),
        *("" if count is None else f"{count:,}" for count in counts),
        f"{feed.full_files_by:%H:%M}",
        f"{feed.empty_until:%H:%M}",
        _note(feed),
    ]


def _note(feed: Feed) -> str:
    rests = "Observes Shabbat." if feed.observes_shabbat else ""
    silent = "Weeks without files are possible." if feed.is_irregular else ""
    unofficial = "" if feed.is_official else "Not in the official register."
    return " ".join(filter(None, [feed.note, rests, silent, unofficial]))


def _evidence_rows(feed: Feed) -> list[list[str]]:
    seen = sorted(feed.evidence, key=lambda evidence: evidence.seen_on)
    return [[f"`{feed.key}`", f"{item.seen_on}", item.fact, item.source] for item in seen]


def _ids(feed: Feed) -> str:
    also = f" (also {', '.join(feed.aliases)})" if feed.aliases else ""
    return ", ".join(feed.chain_ids) + also


def _disabled_row(feed: DisabledFeed) -> list[str]:
    ids = ", ".join(feed.chain_ids)
    return [f"`{feed.key}`", feed.name, feed.hebrew_name, ids, feed.former_address, feed.reason]


if __name__ == "__main__":
    write(PAGE, parts())
