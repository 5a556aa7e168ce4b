"""Answers in pages. A page continues after the last row of the one before it, however rows come and go."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError
from gogobe_dagster.questions.reader import Row

MAX_ROWS = 200
"""Of one page."""
DEFAULT_ROWS = 50


@dataclass(frozen=True, slots=True)
class Paging:
    """How many rows a page has at most, and where it begins; without a cursor at the first row."""

    limit: int = DEFAULT_ROWS
    cursor: str | None = None

    def parameters(self, key: Sequence[str]) -> dict[str, Any]:
        """Return what a query with this order of rows needs: one row too many shows that there are more."""
        return {"rows": self.limit + 1, **_position(self.cursor, key)}


FIRST_PAGE = Paging()


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where the next page begins; None: there is none."""

    rows: Sequence[Row]
    next: str | None


def page(rows: Sequence[Row], paging: Paging, key: Sequence[str]) -> Page:
    """Cut one row too many off; `key` are the columns by which the rows are ordered."""
    if len(rows) <= paging.limit:
        return Page(rows, None)
    last = rows[paging.limit - 1]
    text = json.dumps([str(last[column]) for column in key])
    return Page(rows[: paging.limit], base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))


def _position(cursor: str | None, key: Sequence[str]) -> dict[str, str | None]:
    """Return the values after which a page begins, by name with `after_` before it; None: from the start.

    Raises `QuestionError` for a text that no page gave out.
    """
    if cursor is None:
        return {f"after_{column}": None for column in key}
    try:
        values = json.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
        texts = [value for value in values if isinstance(value, str) and "\0" not in value]
        return {f"after_{column}": value for column, value in zip(key, texts, strict=True)}
    except (binascii.Error, UnicodeDecodeError, ValueError, TypeError, RecursionError):
        reason = "no page gave this out; leave it away to begin at the start"
        raise QuestionError(AnswerCode.INVALID_REQUEST, reason, parameter="cursor") from None
