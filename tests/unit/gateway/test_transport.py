"""gateway.transport: a credential that came over the network in clear opens nothing."""

from typing import Any

import pytest

from tests.unit.gateway.test_trust import bearer, problem

EDGE = {"cf-connecting-ip": "192.0.2.7"}


@pytest.mark.parametrize("path", ["/db/things", "/auth/login", "/", "/health", "/docs", "/no/such/route"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_what_came_by_plain_http_is_refused_before_anybody_is_asked(stage: Any, method: str, path: str) -> None:
    response = await stage.ask(method, path, {**bearer("admin-key"), **EDGE}, scheme="http")
    refusal = problem(response)
    assert (refusal["status"], refusal["code"], stage.arrived()) == (403, "HTTPS_REQUIRED", {})
    assert "admin-key" not in response.body


@pytest.mark.parametrize(
    ("scheme", "headers", "variables"),
    [
        ("https", EDGE, {}),
        ("http", {}, {}),  # a bound Worker's: over no network
        ("http", EDGE, {"COOKIE_SECURE": "false"}),  # where there is no TLS
    ],
)
async def test_other_requests_go_on(open_stage: Any, scheme: str, headers: dict[str, str], variables: Any) -> None:
    stage = open_stage(**variables)
    response = await stage.ask("GET", "/db/things", {**bearer("admin-key"), **headers}, scheme=scheme)
    assert (response.status, list(stage.arrived())) == (207, ["DB"])
