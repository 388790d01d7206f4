"""dotdo.problem: what a ServiceError is over HTTP (RFC 9457)."""

import json

import pytest

from dotdo import errors
from dotdo.errors import ServiceError
from dotdo.problem import problem_response


def test_a_problem_says_what_is_wrong_and_with_which_request() -> None:
    response = problem_response(ServiceError("CONFLICT", 409, "Conflict", "é is there"), "req_1")
    assert (response.status, list(response.headers)) == (409, [("content-type", "application/problem+json")])
    assert response.body == (
        '{"type":"about:blank","title":"Conflict","status":409,"detail":"é is there","instance":"req_1","code":"CONFLICT"}'
    )


def test_a_problem_of_a_type_of_its_own_says_more() -> None:
    error = ServiceError(
        "RATE_LIMITED", 429, "Too many requests", "later", retryable=True, headers={"retry-after": "5"},
        type="https://example.test/quota", members={"violated-policies": ["default"]},
    )  # fmt: skip
    error.reason = "for the log alone"
    response = problem_response(error, "req_1")
    assert list(response.headers) == [("content-type", "application/problem+json"), ("retry-after", "5")]
    assert json.loads(response.body) == {
        "type": "https://example.test/quota", "title": "Too many requests", "status": 429, "detail": "later",
        "instance": "req_1", "code": "RATE_LIMITED", "violated-policies": ["default"],
    }  # fmt: skip


ERRORS: list[tuple[ServiceError, str, int, str, str]] = [
    (errors.invalid_argument("name: missing"), "INVALID_ARGUMENT", 400, "Invalid argument", "name: missing"),
    (errors.malformed_json(), "MALFORMED_JSON", 400, "Malformed JSON", "the body is not valid JSON"),
    (errors.unauthenticated("why"), "UNAUTHENTICATED", 401, "Authentication required", "why"),
    (errors.unauthenticated("why", "EXPIRED"), "EXPIRED", 401, "Authentication required", "why"),
    (errors.forbidden("why"), "FORBIDDEN", 403, "Permission denied", "why"),
    (errors.not_found("why"), "NOT_FOUND", 404, "Not found", "why"),
    (errors.method_not_allowed(["PUT", "GET"]), "METHOD_NOT_ALLOWED", 405, "Method not allowed", "allowed: GET, PUT"),
    (errors.request_timed_out(10), "REQUEST_TIMEOUT", 408, "Request timeout", "the body has not arrived within 10 seconds"),
    (errors.payload_too_large(10), "PAYLOAD_TOO_LARGE", 413, "Payload too large", "at most 10 bytes are taken"),
    (errors.internal(), "INTERNAL", 500, "Internal error", "internal error"),
    (errors.not_configured("KEY"), "NOT_CONFIGURED", 503, "Not configured", "KEY is not set"),
    (errors.misconfigured("KEY", "too short"), "NOT_CONFIGURED", 503, "Not configured", "KEY: too short"),
    (errors.unavailable("why"), "UNAVAILABLE", 503, "Service unavailable", "why"),
    (errors.timed_out("why"), "TIMEOUT", 504, "Timeout", "why"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "code", "status", "title", "detail"), ERRORS, ids=str)
def test_each_error_has_its_code_status_and_title(
    error: ServiceError, code: str, status: int, title: str, detail: str
) -> None:
    assert json.loads(problem_response(error, "req_1").body) == {
        "type": "about:blank", "title": title, "status": status, "detail": detail, "instance": "req_1", "code": code,
    }  # fmt: skip
    assert error.retryable is (code in ("REQUEST_TIMEOUT", "UNAVAILABLE", "TIMEOUT"))
    further = {401: {"www-authenticate": "Bearer"}, 405: {"allow": "GET, PUT"}}
    assert error.headers == further.get(status, {})
