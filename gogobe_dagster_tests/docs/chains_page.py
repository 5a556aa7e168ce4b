"""The page of chains, made from the register: `python -m gogobe_dagster_tests.docs.chains_page` writes it."""

from pathlib import Path

from gogobe_dagster.feeds import FEEDS, Family, Feed

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
The page is made from the register, `gogobe_dagster/feeds.py`: a new feed is one row there.
"""


def page() -> str:
    """Return the page as it must be."""
    return HEAD + "".join(_family(family, words) for family, words in FAMILIES.items())


def _family(family: Family, words: str) -> str:
    rows = "".join(_row(feed) for feed in FEEDS if feed.family is family)
    head = "| key | chain | | chain ids | stores | note |\n|---|---|---|---|--:|---|\n".replace("\\\n", "\n")
    return f"\n## {family.value}\n\n{words}\n\n{head}{rows}"


def _row(feed: Feed) -> str:
    ids = ", ".join(feed.chain_ids)
    return f"| `{feed.key}` | {feed.name} | {feed.hebrew} | {ids} | {feed.stores} | {feed.note} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
