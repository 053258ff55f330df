"""The OpenAPI documents, held against the sites by schemathesis: every answer is one that they describe."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings

from tests.web.sites import LOGIN
from tests.web.states import STATES

TOWN = STATES["extreme"]()
EXAMPLES = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def schema_of(site: str) -> schemathesis.BaseSchema:
    app = getattr(TOWN, site).app
    found = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    # streams never end, so nothing can be read of them here; they have tests of their own
    return found.exclude(path_regex="^/api/(v1/)?stream")


operators, public = schema_of("operators"), schema_of("public")


@operators.parametrize()
@EXAMPLES
def test_the_operators_api_answers_as_its_document_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(auth=LOGIN)


@public.parametrize()
@EXAMPLES
def test_the_public_api_answers_as_its_document_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate()
