"""The OpenAPI document: valid, current, and with what every row and route of the tables says."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from scripts.contracts.__main__ import OPENAPI, derived, mounted
from scripts.contracts.answers import CODES
from scripts.runtime.services import ROOT

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text())
OPERATIONS = {
    f"{verb.upper()} {path}": operation
    for path, verbs in DOCUMENT["paths"].items()
    for verb, operation in verbs.items()
}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def statuses(operation: str) -> set[int]:
    return {int(status) for status in OPERATIONS[operation]["responses"]}


def test_every_derived_file_is_current() -> None:
    """`make contracts` writes them."""
    assert [file.name for file, text in derived() if file.read_text() != text] == []


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_row_of_every_table_is_there_once() -> None:
    rows = [
        f"{endpoint.verb} {(service.prefix + endpoint.path).rstrip('/') or '/'}"
        for service in mounted()
        for endpoint in service.contract.endpoints
    ]
    assert sorted(rows) == sorted(OPERATIONS)
    assert len(rows) >= 50


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)


def test_no_component_is_unused() -> None:
    used = set(references(DOCUMENT))
    kinds = ("schemas", "responses", "headers")
    assert {f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]} == used


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if OPERATIONS[name]["security"]])
def test_what_takes_a_credential_may_refuse_it(operation: str) -> None:
    assert {400, 401, 403, 429, 500, 502, 503, 504} <= statuses(operation)


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if "requestBody" in OPERATIONS[name]])
def test_what_takes_a_body_may_refuse_it(operation: str) -> None:
    assert {400, 408, 413, 415} <= statuses(operation)


def test_what_is_public_is_little() -> None:
    public = {name for name, operation in OPERATIONS.items() if not operation["security"]}
    assert public == {
        "GET /", "GET /health", "GET /ready", "GET /openapi.json", "GET /docs",
        "GET /auth", "GET /auth/health", "GET /auth/.well-known/jwks.json",
        "GET /auth/login", "GET /auth/callback", "POST /auth/refresh", "POST /auth/logout",
        "GET /auth/sso/authorize", "GET /auth/sso/callback", "POST /auth/webhooks/workos",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "successes"),
    [
        ("GET /ready", {200, 503}),
        ("GET /docs", {200, 304}),
        ("POST /db/things", {200, 201}),
        ("PUT /db/things/{ns}/{id}", {200, 201}),
        ("GET /db/things/{ns}/{id}", {200, 304}),
        ("GET /auth/login", {302}),
        ("GET /auth/callback", {200, 303}),
        ("POST /auth/refresh", {200, 204}),
        ("POST /auth/permissions", {200, 201}),
        ("DELETE /auth/sessions/{id}", {204}),
        ("POST /auth/apikeys", {201}),
    ],
)
def test_the_results_of_an_operation(operation: str, successes: set[int]) -> None:
    answers = OPERATIONS[operation]["responses"]
    assert {int(status) for status, answer in answers.items() if "$ref" not in answer} == successes


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ("GET /db/things/{ns}/{id}", "Needs the permission `things:read`."),
        # A search is a read, though it is asked for by POST.
        ("POST /db/search", "Needs the permission `search:read`."),
        ("GET /db/search", "Needs the permission `search:read`."),
        # The route asks for one, the row for another: the gateway reads no table of db.
        ("POST /db/relationships", "Needs the permission `things:write` and `relationships:write`."),
        ("GET /db/stats", "Needs the role `admin`."),
        ("GET /schedule/tasks", "Needs the role `admin`."),
    ],
)
def test_the_rights_of_route_and_row_are_both_named(operation: str, says: str) -> None:
    assert OPERATIONS[operation]["description"] == says


@pytest.mark.parametrize(
    ("operation", "header", "status"),
    [
        ("PUT /db/things/{ns}/{id}", "If-Match", 412),
        ("POST /db/things", "Idempotency-Key", 422),
        ("DELETE /db/things/{ns}/{id}", "If-Match", 412),
    ],
)
def test_a_header_that_counts_is_a_parameter_with_its_problem(operation: str, header: str, status: int) -> None:
    assert header in {parameter["name"] for parameter in OPERATIONS[operation]["parameters"]}
    assert status in statuses(operation)


def test_a_limited_answer_has_the_headers_of_the_limit() -> None:
    refused = DOCUMENT["components"]["responses"]["TooManyRequests"]
    assert {"RateLimit", "RateLimit-Policy", "X-RateLimit-Remaining", "Retry-After"} <= set(refused["headers"])
    listed = OPERATIONS["GET /db/things"]["responses"]["200"]["headers"]
    assert {"RateLimit", "RateLimit-Policy", "X-RateLimit-Remaining"} <= set(listed)


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if "requestBody" in OPERATIONS[name]])
def test_the_example_of_a_body_fits_its_schema(operation: str) -> None:
    content = OPERATIONS[operation]["requestBody"]["content"]["application/json"]
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(content["example"])


def test_every_required_parameter_has_an_example_that_fits() -> None:
    for operation in OPERATIONS.values():
        for parameter in operation["parameters"]:
            if parameter["required"] and operation["operationId"] != "auth_callback":
                Draft202012Validator(parameter["schema"]).validate(parameter["example"])


def test_no_name_is_said_twice() -> None:
    assert all("title" not in schema for schema in DOCUMENT["components"]["schemas"].values())


def test_every_code_that_is_raised_is_documented() -> None:
    """By status, in `scripts.contracts.answers.CODES`."""
    raised = re.compile(r'ServiceError\(\s*"([A-Z_]+)",\s*(\d{3})')
    sources = (
        file for name in ("shared", "db", "auth", "schedule", "gateway") for file in (ROOT / name / "src").rglob("*.py")
    )
    found = {(int(status), code) for file in sources for code, status in raised.findall(file.read_text())}
    assert len(found) > 20
    assert {(status, code) for status, code in found if code not in CODES.get(status, ())} == {
        (405, "METHOD_NOT_ALLOWED")
    }
