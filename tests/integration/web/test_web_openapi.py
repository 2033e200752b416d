"""The OpenAPI document is true: what it allows is answered as it says, and whatever else is sent breaks nothing."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tinct.settings import load_server_settings
from tinct.web.app import create_app

CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance)
STREAMS = r"/events$"


def check_all(address: str, examples: int) -> None:
    """Send what the document allows, and some of what it doesn't, to every call."""
    document = schemathesis.openapi.from_url(f"{address}/openapi.json").exclude(path_regex=STREAMS)
    wrong = {}
    for found in document.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=examples,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        )
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            with requests.Session() as session:
                session.trust_env = False
                case.call_and_validate(base_url=address, session=session, checks=CHECKS, timeout=60)

        try:
            send()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all of them are wanted
            wrong[operation.label] = f"{error}"[:2000]
    assert not wrong, "\n\n".join(f"{call}: {error}" for call, error in wrong.items())


def test_the_document_is_true(server: Any) -> None:
    check_all(server.address, 3)


@pytest.mark.slow
def test_the_document_is_true_at_length(server: Any) -> None:
    check_all(server.address, 60)


def test_every_call_is_described(tmp_path: Any) -> None:
    found = create_app(load_server_settings(tmp_path, {})).openapi()
    for path, calls in found["paths"].items():
        for method, call in calls.items():
            assert call.get("summary"), (method, path)
            assert call.get("description"), (method, path)
            problems = {status for status in call["responses"] if status >= "4"}
            assert {"422", "429"} <= problems, (method, path)
    fields = found["paths"]["/api/v1/colorize"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"file", "mode", "hints", "no-mark", "allow-truncated"} <= fields["properties"].keys()
