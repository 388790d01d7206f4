"""gateway.cors: which origins, and what they are told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from gateway.cors import Cors
from scripts.deploy.api import Cloudflare
from scripts.deploy.table import ENVIRONMENTS
from scripts.deploy.variables import variables

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


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://a.do:8443", True), ("https://a.do", False), ("http://a.do:8443", False), ("https://a.do:84430", False)],
)
def test_a_wildcard_is_of_one_port(origin: str, allowed: bool) -> None:
    assert Cors("https://*.do:8443").allows(origin) is allowed


@given(st.from_regex(r"https://[a-z0-9.:/@#?\\-]{0,20}\.do", fullmatch=True))
def test_a_wildcard_is_for_hosts_below_it_and_nothing_else(origin: str) -> None:
    if CORS.allows(origin):
        assert not set(origin.removeprefix("https://")) & set("/@#?\\:")


@pytest.mark.parametrize("text", ["*", "https://*", "app.example.com", "https://a.do/", "https://a.*.do", "ftp://a.do"])
def test_what_is_no_origin_is_named(text: str) -> None:
    with pytest.raises(ServiceError) as refused:
        Cors(f"https://fine.example {text}")
    assert refused.value.detail == f"CORS_ORIGINS: {text!r} is no origin such as https://example.com"


APP = "https://app.example.com"
VARIES = ("vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
EXPOSED = (
    "etag, link, location, ratelimit, ratelimit-policy, retry-after, x-ratelimit-limit, x-ratelimit-remaining, "
    "x-ratelimit-reset, x-request-id"
)


@pytest.fixture
def stage(open_stage: Any) -> Any:
    return open_stage(CORS_ORIGINS=APP)


DEFAULTS = [("cache-control", "private, no-cache"), ("x-content-type-options", "nosniff")]


def asking(origin: str) -> dict[str, str]:
    """What a browser sends before a request that is not simple."""
    return {"origin": origin, "access-control-request-method": "PUT", "x-request-id": "mine"}


async def test_a_preflight_is_answered_here_for_anybody(stage: Any) -> None:
    response = await stage.ask("OPTIONS", "/db/things", asking(APP))
    assert (response.status, response.body, stage.arrived()) == (204, "", {})
    assert list(response.headers) == [
        VARIES,
        ("access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("access-control-allow-headers",
         "authorization, content-type, if-match, if-none-match, idempotency-key, prefer, traceparent, x-request-id"),
        ("access-control-max-age", "600"),
        *DEFAULTS,
        ("x-request-id", "mine"),
        ("vary", "Origin"),
        ("access-control-allow-origin", APP),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", EXPOSED),
    ]  # fmt: skip


async def test_a_preflight_of_another_site_gets_nothing(stage: Any) -> None:
    response = await stage.ask("OPTIONS", "/db/things", asking("https://evil.com"))
    assert (response.status, response.body, stage.arrived()) == (204, "", {})
    assert list(response.headers) == [VARIES, *DEFAULTS, ("x-request-id", "mine"), ("vary", "Origin")]


@pytest.mark.parametrize(
    ("method", "left_out"),
    [("OPTIONS", "origin"), ("OPTIONS", "access-control-request-method"), ("GET", None), ("PUT", None)],
)
async def test_what_is_no_preflight_needs_a_credential(stage: Any, method: str, left_out: str | None) -> None:
    headers = {name: value for name, value in asking(APP).items() if name != left_out}
    assert (await stage.ask(method, "/db/things", headers)).status == 401


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        (APP, {"allow-origin": APP, "allow-credentials": "true", "expose-headers": EXPOSED}),
        ("https://evil.com", {}),
        (None, {}),
    ],
)
async def test_what_a_workers_answer_lets_scripts_read(stage: Any, origin: str | None, named: dict[str, str]) -> None:
    headers = {"authorization": "Bearer admin-key", **({"origin": origin} if origin else {})}
    response = await stage.ask("GET", "/db/things", headers)
    assert response.status == 207
    fields = [(name, value) for name, value in response.headers if name.startswith(("access-control", "vary"))]
    assert fields == [("vary", "Origin"), *((f"access-control-{name}", value) for name, value in named.items())]


async def test_errors_can_be_read_across_origins_too(stage: Any) -> None:
    response = await stage.ask("GET", "/db/things", {"origin": APP})
    assert response.status == 401
    assert ("access-control-allow-origin", APP) in response.headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://apis.do", True), ("https://db.apis.do", True), ("https://api.services.do", True), ("https://admin.do", True),
        ("https://one.api.mw", True), ("https://anybody.do", False), ("https://anybody.mw", False),
        ("https://evil.admin.do", False), ("https://notapis.do", False), ("http://apis.do", False),
    ],
)  # fmt: skip
def test_production_lets_no_others_read(origin: str, allowed: bool) -> None:
    production = ENVIRONMENTS["production"]
    assert Cors(variables("gateway", production, Cloudflare())["CORS_ORIGINS"]).allows(origin) is allowed
