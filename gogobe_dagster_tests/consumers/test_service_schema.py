"""Requests that schemathesis makes up from the service's own description: every answer is as described."""

from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from gogobe_dagster.service import routes

EXAMPLES = 3
"""For each address and mode; a long run has thirty times as many."""
LONG = 30
ADDRESSES = sorted((route.path, min(route.methods)) for route in routes.router.routes)  # type: ignore[attr-defined]
WITHOUT_PARAMETERS = {"/v1/health", "/v1/chains", "/v1/localities", "/v1/freshness", "/v1/codes"}
NEVER_WRONG = WITHOUT_PARAMETERS | {"/v1/products/{product}"}
"""Nothing about these requests can be wrong, or nothing that schemathesis finds out."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def described(service: str) -> Any:
    return schemathesis.openapi.from_url(f"{service}/openapi.json")


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        pytest.param(address, mode, id=f"{address[0]}-{mode.value}")
        for address in ADDRESSES
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or address[0] not in NEVER_WRONG
    ],
)
def test_every_answer_is_as_described(
    described: Any, address: tuple[str, str], mode: GenerationMode, pytestconfig: pytest.Config
) -> None:
    path, method = address
    operation = described[path][method]
    number = EXAMPLES * (LONG if pytestconfig.getoption("--long") else 1)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
        database=None,
    )
    def ask(case: Case[Any]) -> None:
        response = case.call()
        is_long = response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE  # schemathesis expects another
        excluded: list[Any] = [positive_data_acceptance, *([negative_data_rejection] if is_long else [])]
        case.validate_response(response, excluded_checks=excluded)

    ask()


def test_every_address_is_described(described: Any) -> None:
    assert {(path, method) for path, method in ADDRESSES} == {
        (result.ok().path, result.ok().method.upper()) for result in described.get_all_operations()
    }
