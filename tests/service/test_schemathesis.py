"""Requests that Schemathesis makes from the OpenAPI document: whatever they are, none is an error of ours."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from service.app import create_app
from service.settings import Settings
from tests.service.stand_in import Namer

# A service that is asked for an answer within a millisecond may say that it can't.
BUSY = {503, 504}

DOCUMENT = schemathesis.openapi.from_dict(create_app(Settings(), Namer).openapi())
OPERATIONS = [found.ok() for found in DOCUMENT.get_all_operations()]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_the_document_allows_has_an_answer_that_it_describes(
    operation: Any, stand_in_service: httpx.Client
) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: schemathesis.Case) -> None:
        response = case.call(base_url=str(stand_in_service.base_url))

        assert response.status_code < 500 or response.status_code in BUSY, response.text
        case.validate_response(response, checks=[response_schema_conformance, content_type_conformance])

    ask()


def test_every_route_is_tried() -> None:
    assert len(OPERATIONS) >= 20
    assert {"POST /predict", "GET /models/{name}", "GET /v2", "GET /metrics"} <= {one.label for one in OPERATIONS}
