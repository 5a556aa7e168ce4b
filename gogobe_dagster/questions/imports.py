"""Questions about imports: how fresh feeds are, which files were published, what codes mean."""

from datetime import date

from gogobe_dagster.errors import Code
from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError
from gogobe_dagster.questions.pages import FIRST_PAGE, Page, Paging, page
from gogobe_dagster.questions.reader import Reader, Row

_FRESHNESS = """
select feed, max(newest_full_at) as newest_full_at, max(last_loaded_at) as last_loaded_at,
    max(last_listed_at) as last_listed_at, max(publication_day) as newest_day,
    sum(loaded)::bigint as loaded, sum(quarantined)::bigint as quarantined,
    sum(discovered + downloaded + parsed)::bigint as pending
from feed_health group by feed order by feed
"""
FILE_COLUMNS = (
    *(
        "file_id",
        "feed",
        "name",
        "kind",
        "publication_day",
        "published_at",
        "chain_id",
        "sub_chain_id",
        "store_id",
    ),
    *("state", "code", "rows", "rejected", "size", "sha256", "loaded_at"),
)
_FILES = f"""
select {", ".join(FILE_COLUMNS)} from published_files
where publication_day = :day and feed = :feed and (cast(:state as text) is null or state = :state)
and (cast(:after_file_id as bigint) is null or file_id > cast(:after_file_id as bigint))
order by file_id limit :rows
"""


_FILE = f"select {', '.join(FILE_COLUMNS)} from published_files where file_id = :file_id"


def freshness(reader: Reader) -> list[Row]:
    """Return how fresh each feed is, and what became of its files."""
    return reader.ask_once(_FRESHNESS)


def files(
    reader: Reader,
    feed: str,
    day: date,
    *,
    state: str | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page:
    """Return the files of a feed and publication day, in the order in which they were first listed."""
    key = ("file_id",)
    rows = reader.ask(_FILES, feed=feed, day=day, state=state, **paging.parameters(key))
    return page(rows, paging, key)


def file(reader: Reader, file_id: int) -> Row:
    """Return a file that a price names. Raises `QuestionError` if there is none with this key."""
    found = reader.ask(_FILE, file_id=file_id)
    if not found:
        raise QuestionError(AnswerCode.UNKNOWN_FILE, f"no portal has listed a file with the key {file_id}")
    return found[0]


def codes() -> list[Row]:
    """Return all codes of failed files, portals and settings."""
    return [
        {
            "code": code.value,
            "fault": code.fault,
            "retry": code.retry,
            "meaning": code.meaning,
            "action": code.action,
        }
        for code in Code
    ]
