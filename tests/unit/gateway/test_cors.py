"""gateway.cors: which origins, and what they are told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from dotdo.http import HttpResponse
from gateway.cors import Cors
from scripts.runtime.config import read_configuration
from scripts.runtime.services import SERVICES

CORS = Cors("https://app.example.com http://localhost:8787 https://*.do")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", True), ("http://localhost:8787", True), ("https://a.do", True),
        ("https://a.b-c.do", True), ("https://do", False), ("https://.do", False), ("http://a.do", False),
        ("https://a.do:8443", False), ("https://a.do.evil.com", False), ("https://evil.com/.do", False),
        ("https://evil.com#.do", False), ("https://user@evil.do", False), ("https://evildo", False), ("null", False),
        ("https://app.example.com.evil.com", False), ("https://APP.example.com", False), ("https://*.do", False),
        ("http://localhost:8788", False), ("https://a\n.do", False), ("", False), ("https://a..do", False),
    ],
)  # fmt: skip
def test_only_listed_origins_are_allowed(origin: str, allowed: bool) -> None:
    assert CORS.allows(origin) is allowed
    named = dict(CORS.fields(origin))
    assert named["vary"] == "Origin"
    assert named.get("access-control-allow-origin") == (origin if allowed else None)
    assert named.get("access-control-allow-credentials") == ("true" if allowed else None)


@given(st.from_regex(r"https://[a-z0-9.:/@#?\\-]{0,20}\.do", fullmatch=True))
def test_a_wildcard_is_for_hosts_below_it_and_nothing_else(origin: str) -> None:
    if CORS.allows(origin):
        assert not set(origin.removeprefix("https://")) & set("/@#?\\:")


@pytest.mark.parametrize("text", ["*", "https://*", "app.example.com", "https://a.do/", "https://a.*.do", "ftp://a.do"])
def test_what_is_no_origin_is_named(text: str) -> None:
    with pytest.raises(ServiceError, match="CORS_ORIGINS"):
        Cors(text)


@pytest.fixture
def preflight(open_stage: Any) -> Any:
    stage = open_stage(CORS_ORIGINS="https://app.example.com")

    async def ask(origin: str) -> tuple[HttpResponse, object]:
        headers = {"origin": origin, "access-control-request-method": "PUT"}
        return await stage.ask("OPTIONS", "/db/things", headers), stage.arrived()

    return ask


async def test_a_preflight_is_answered_here_for_anybody(preflight: Any) -> None:
    response, arrived = await preflight("https://app.example.com")
    fields = dict(response.headers)
    assert (response.status, arrived) == (204, {})
    assert "PUT" in fields["access-control-allow-methods"]
    assert "authorization" in fields["access-control-allow-headers"]
    assert fields["access-control-allow-origin"] == "https://app.example.com"


async def test_a_preflight_of_another_site_gets_nothing(preflight: Any) -> None:
    response, arrived = await preflight("https://evil.com")
    assert (response.status, arrived) == (204, {})
    assert not [name for name, _ in response.headers if name.startswith("access-control")]


async def test_errors_can_be_read_across_origins_too(open_stage: Any) -> None:
    stage = open_stage(CORS_ORIGINS="https://app.example.com")
    response = await stage.ask("GET", "/db/things", {"origin": "https://app.example.com"})
    assert response.status == 401
    assert ("access-control-allow-origin", "https://app.example.com") in response.headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://apis.do", True), ("https://db.apis.do", True), ("https://api.services.do", True), ("https://admin.do", True),
        ("https://one.api.mw", True), ("https://anybody.do", False), ("https://anybody.mw", False),
        ("https://evil.admin.do", False), ("https://notapis.do", False), ("http://apis.do", False),
    ],
)  # fmt: skip
def test_production_lets_no_others_read(origin: str, allowed: bool) -> None:
    gateway = next(service for service in SERVICES if service.name == "gateway")
    variables = read_configuration(gateway.configuration)["vars"]
    assert Cors(variables["CORS_ORIGINS"]).allows(origin) is allowed
