"""The page of chains, made from the register: `python -m gogobe_dagster_tests.docs.chains_page` writes it."""

from pathlib import Path

from gogobe_dagster.feeds.registry import DISABLED, FEEDS, DisabledFeed, Family, Feed

PAGE = Path(__file__).parents[2] / "docs" / "chains.md"
FAMILIES = {
    Family.SHUFERSAL: "An HTML grid of 20 rows a page; links expire within the hour. Shows only today.",
    Family.CERBERUS: "A login for each chain, rotating tokens, a JSON list. Shows only today.",
    Family.BINA: "A JSON list of at most 1,000 rows, asked kind by kind. Past days can be asked for.",
    Family.PUBLISH_PRICE: "A page a day; yesterday is read with today. Past days can be asked for.",
    Family.SUPER_PHARM: "An HTML grid of 20 rows a page, in a session. About three days can be asked for.",
    Family.LAIB: "A JSON list of today, empty for minutes at times. Answers only callers in Israel.",
    Family.WOLT: "A page of days and a page of links for each. Months of past days can be asked for.",
    Family.MISHNAT_YOSEF: "A JSON list of direct links. Shows only what it has now.",
    Family.HAZI_HINAM: "An HTML table of 50 rows a page, read for three days. Past days can be asked for.",
    Family.NETIV_HAHESED: "A page of links a day, closed to plain programs. Past days can be asked for.",
    Family.CITY_MARKET: "An HTML table of 50 rows a page. Every shop lists itself. Past days can be asked.",
}
HEAD = """# Feeds

A feed is a portal account that publishes; its key is what `--feed` takes and what partitions are named by.
The page is made from the register, `gogobe_dagster/register`: a new feed is one row there. Stores and files a
day are what was normal in August 2026; an empty place was not counted. "By" is when the first full files of a
day are usually out. A feed that rests publishes nothing on Shabbat and holidays.

`gogobe register` compares all this with the page of the authority that keeps the official register.
"""
COLUMNS = "| key | chain | | chain ids | stores | fulls | deltas | by | note |"
LINE = "|---|---|---|---|--:|--:|--:|---|---|"
DISABLED_HEAD = """
## Disabled

Addresses that published once, or should. They are not imported, and `--feed` says why.

| key | chain | | chain ids | was at | why |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page as it must be."""
    families = "".join(_family(family, words) for family, words in FAMILIES.items())
    return HEAD + families + DISABLED_HEAD + "".join(map(_disabled, DISABLED))


def _family(family: Family, words: str) -> str:
    rows = "".join(_row(feed) for feed in FEEDS if feed.family is family)
    return f"\n## {family.value}\n\n{words}\n\n{COLUMNS}\n{LINE}\n{rows}"


def _row(feed: Feed) -> str:
    numbers = [
        "" if number is None else f"{number:,}"
        for number in (feed.full_files_per_day, feed.delta_files_per_day)
    ]
    note = f"{feed.note} Rests.".strip() if feed.observes_shabbat else feed.note
    cells = (
        f"`{feed.key}`",
        feed.name,
        feed.hebrew_name,
        _ids(feed),
        str(feed.stores),
        *numbers,
        f"{feed.full_files_by:%H:%M}",
        note,
    )
    return f"| {' | '.join(cells)} |\n"


def _ids(feed: Feed) -> str:
    also = f" (also {', '.join(feed.aliases)})" if feed.aliases else ""
    return ", ".join(feed.chain_ids) + also


def _disabled(feed: DisabledFeed) -> str:
    ids = ", ".join(feed.chain_ids)
    cells = (f"`{feed.key}`", feed.name, feed.hebrew_name, ids, feed.former_address, feed.reason)
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
