"""ETag and Cache-Control by the last load: between two loads an answer stays the same.

Offers begin and end by the clock, so the minute counts as well. Bodies are not hashed: an answer that a
client has already is not even asked for.
"""

import hashlib
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Cached:
    """Answers 304 to a client that has the answer, and says for how long an answer is good.

    An ASGI application around another one: a middleware of Starlette's own form costs half a millisecond.
    """

    def __init__(self, app: ASGIApp, *, reader: Reader, private: bool) -> None:
        """`private` answers are only for the client itself, not for caches on the way."""
        self._app, self._reader = app, reader
        self._scope = "private" if private else "public"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(CHANGING):
            await self._app(scope, receive, send)
            return
        try:
            version = self._reader.known_version or await run_in_threadpool(self._reader.version)
        except QuestionError as error:  # the application's handlers do not see errors of what is around it
            await question_problem(error)(scope, receive, send)
            return
        headers = self._headers(version, scope)
        if headers["ETag"] in _known(scope):
            await Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send, headers))

    def _headers(self, version: str, scope: Scope) -> dict[str, str]:
        url = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        tag = etag(version, url, f"{clock.now():%Y-%m-%dT%H:%M}")
        cached = f"{self._scope}, max-age={MAX_AGE}"
        return {"ETag": tag, "Cache-Control": cached, "Vary": "Authorization"}


def _known(scope: Scope) -> set[str]:
    return {text.strip() for text in Headers(scope=scope).get("if-none-match", "").split(",")}


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    """Return what sends an answer with these headers, if it is one."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == HTTPStatus.OK:
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return sent
