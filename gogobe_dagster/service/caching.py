"""ETag and Cache-Control by the last load: between two loads an answer stays the same.

Offers begin and end by the clock, so the minute counts as well. Bodies are not hashed: an answer that a
client has already is not even asked for.
"""

import hashlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from gogobe_dagster import clock
from gogobe_dagster.questions.answer_code import QuestionError
from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.service.problems import question_problem

MAX_AGE: Final = 60
"""Seconds."""
CHANGING: Final = "/v1/"
"""Where the answers are that depend on loads."""


def etag(version: str, url: str, minute: str) -> str:
    """Return the tag of an answer."""
    text = f"{version} {minute} {url}"
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


async def cache(
    request: Request, call_next: Callable[[Request], Awaitable[Response]], *, reader: Reader, private: bool
) -> Response:
    """Answer 304 to whoever has the answer, and say for how long an answer is good."""
    if request.method != "GET" or not request.url.path.startswith(CHANGING):
        return await call_next(request)
    try:
        version = await run_in_threadpool(reader.version)
    except QuestionError as error:  # the application's handlers do not see errors of what is around it
        return question_problem(error)
    tag = etag(version, f"{request.url.path}?{request.url.query}", f"{clock.now():%Y-%m-%dT%H:%M}")
    scope = "private" if private else "public"
    headers = {"ETag": tag, "Cache-Control": f"{scope}, max-age={MAX_AGE}", "Vary": "Authorization"}
    known = {text.strip() for text in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    response = await call_next(request)
    if response.status_code == HTTPStatus.OK:
        response.headers.update(headers)
    return response
