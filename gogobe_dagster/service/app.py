"""Puts the parts of the service together."""

from collections.abc import Collection
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.service.caching import Cached
from gogobe_dagster.service.guard import Guard
from gogobe_dagster.service.page_files import add_page
from gogobe_dagster.service.problems import Problem, answer_errors
from gogobe_dagster.service.routes import router

DESCRIPTION = """
What products cost in Israel's supermarkets, as their chains publish it by law. Read-only.

Money and quantities are decimals as text, in ILS with VAT; times have their zone. `confirmed_at` says when
a price was last stated, at least. Pages continue with `cursor`. Errors are `application/problem+json` with a
stable `code`.
"""


def make_app(reader: Reader, *, keys: Collection[str] = ()) -> ASGIApp:
    """Return the whole service."""
    return Guard(make_api(reader, is_private=bool(keys)), keys=keys)


def make_api(reader: Reader, *, is_private: bool = False) -> FastAPI:
    """Return the service without its guard. Answers are `private` where keys are asked for."""
    app = FastAPI(
        title="gogobe",
        version=version("gogobe-dagster"),
        description=DESCRIPTION.strip(),
        license_info={"name": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
    )
    app.state.reader = reader
    app.include_router(router)
    add_page(app)
    answer_errors(app)
    _describe_problems(app)
    app.add_middleware(Cached, reader=reader, private=is_private)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Add the form of errors to the description of the interface, to which every address refers."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        schema = describe()
        parts = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"].update(parts.pop("$defs"), Problem=parts)
        return schema

    app.openapi = described  # type: ignore[method-assign]  # how FastAPI says that it is done
