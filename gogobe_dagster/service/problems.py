"""Errors as application/problem+json (RFC 9457) with stable codes."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError

MEDIA_TYPE: Final = "application/problem+json"
MAX_ERRORS: Final = 10
RETRY_SECONDS: Final = "1"
_log = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    """A parameter that is wrong."""

    where: str = Field(description="Where it stands, such as query.limit.")
    reason: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """An error of the service."""

    code: str = Field(description="Stable name of the error; docs/service.md lists all.")
    title: str = Field(description="What the code means.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What happened, for people.")
    errors: list[FieldProblem] = Field(default=[], description="Parameters that are wrong.")


def problem(code: AnswerCode, detail: str, errors: Sequence[FieldProblem] = ()) -> JSONResponse:
    """Make the response for an error."""
    body = Problem(
        code=code.value, title=code.meaning, status=code.status, detail=detail, errors=list(errors)
    )
    headers = {"Cache-Control": "no-store"}
    if code.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = RETRY_SECONDS
    if code is AnswerCode.KEY_NEEDED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body.model_dump(), code.status, headers, MEDIA_TYPE)


def answer_errors(app: FastAPI) -> None:
    """Let an application answer every error as a problem."""
    app.add_exception_handler(QuestionError, _of_question)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_fault)


async def _of_question(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, QuestionError)  # noqa: S101 - registered for it
    return question_problem(error)


def question_problem(error: QuestionError) -> JSONResponse:
    """Make the response for a question without an answer, and log it if the service is at fault."""
    if error.code in {AnswerCode.INTERNAL_ERROR, AnswerCode.DATABASE_UNAVAILABLE}:
        _log.error("%s", error.__cause__)
    errors = [FieldProblem(where=error.parameter, reason=error.reason)] if error.parameter else []
    return problem(error.code, error.reason, errors)


async def _of_validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    errors = [_field(found) for found in error.errors()[:MAX_ERRORS]]
    detail = "; ".join(f"{found.where}: {found.reason}" for found in errors)
    return problem(AnswerCode.INVALID_REQUEST, detail, errors)


def _field(found: dict[str, Any]) -> FieldProblem:
    return FieldProblem(where=".".join(str(part) for part in found["loc"])[:200], reason=found["msg"])


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(AnswerCode.UNKNOWN_PATH, "there is nothing at this address")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response = problem(AnswerCode.WRONG_METHOD, f"{request.method} is not for this address")
        response.headers.update(error.headers or {})
        return response
    return problem(AnswerCode.INVALID_REQUEST, str(error.detail))


async def _of_fault(_request: Request, error: Exception) -> JSONResponse:
    _log.error("a request failed", exc_info=error)
    return problem(AnswerCode.INTERNAL_ERROR, "the service has a fault")
