"""Stable names of the ways in which a question can end without an answer; people build on them."""

from enum import StrEnum
from http import HTTPStatus
from typing import Self

from gogobe_dagster.errors import GogobeError


class AnswerCode(StrEnum):
    """A code: value, HTTP status, meaning."""

    status: HTTPStatus
    meaning: str

    def __new__(cls, value: str, status: HTTPStatus, meaning: str) -> Self:
        """Make a member that equals its value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.status, member.meaning = status, meaning
        return member

    INVALID_REQUEST = (
        "invalid_request",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A parameter is missing or wrong; `errors` names each.",
    )
    UNKNOWN_PRODUCT = "unknown_product", HTTPStatus.NOT_FOUND, "No chain has published this product."
    UNKNOWN_STORE = "unknown_store", HTTPStatus.NOT_FOUND, "There is no store with this key."
    UNKNOWN_CHAIN = "unknown_chain", HTTPStatus.NOT_FOUND, "No feed has published this chain."
    UNKNOWN_FILE = "unknown_file", HTTPStatus.NOT_FOUND, "No portal has listed a file with this key."
    UNKNOWN_PATH = "unknown_path", HTTPStatus.NOT_FOUND, "The service has no such address."
    WRONG_METHOD = (
        "wrong_method",
        HTTPStatus.METHOD_NOT_ALLOWED,
        "The address exists, but not for this method.",
    )
    KEY_NEEDED = "key_needed", HTTPStatus.UNAUTHORIZED, "The service wants a key, and this is none."
    REQUEST_TOO_LARGE = (
        "request_too_large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body or the query of the request is too long.",
    )
    REQUEST_TOO_SLOW = (
        "request_too_slow",
        HTTPStatus.REQUEST_TIMEOUT,
        "The body of the request did not arrive in time.",
    )
    TIMED_OUT = (
        "timed_out",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database needed more time than it has for one question; ask for less.",
    )
    BUSY = "busy", HTTPStatus.SERVICE_UNAVAILABLE, "Too many questions at once; ask again after a second."
    DATABASE_UNAVAILABLE = (
        "database_unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database does not answer.",
    )
    INTERNAL_ERROR = (
        "internal_error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "A fault of the service; its log has the details.",
    )


class QuestionError(GogobeError):
    """A question that has no answer; the text is for whoever asked."""

    def __init__(self, code: AnswerCode, reason: str, *, parameter: str = "") -> None:
        """Keep the code, and which parameter is wrong if one is."""
        self.code, self.reason, self.parameter = code, reason, parameter
        super().__init__(reason)
