"""The OpenAPI documents, held against the sites by schemathesis: every answer is one that they describe."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from tests.web.sites import LOGIN
from tests.web.states import Town, town_in

TOWN = Town()
"""Its documents are there when tests are collected, its night once one of them runs."""
EXAMPLES = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def schema_of(site: str) -> schemathesis.BaseSchema:
    app = getattr(TOWN, site).app
    found = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    # streams never end, so nothing can be read of them here; they have tests of their own
    return found.exclude(path_regex="^/api/(v1/)?stream")


operators, public = schema_of("operators"), schema_of("public")


@pytest.fixture(scope="module", autouse=True)
def _extreme() -> None:
    TOWN.as_in(town_in("extreme"))


@operators.parametrize()
@EXAMPLES
def test_the_operators_api_answers_as_its_document_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(auth=LOGIN)


@public.parametrize()
@EXAMPLES
def test_the_public_api_answers_as_its_document_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate()
