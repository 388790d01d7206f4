"""The gateway's pipeline over fakes: who gets through, and what the Worker behind it receives."""

import json
from typing import Any

import pytest

from dotdo.errors import unavailable
from dotdo.fakes import Deferred, FakeBindings, FakePeer
from dotdo.http import HttpResponse
from dotdo.identity import verify_identity
from dotdo.log import Logger
from dotdo.ports import HttpError, Passage, UpstreamResponse
from gateway.pipeline import Gateway
from gateway.requests import Inbound

SECRET = "s" * 32

CALLERS: dict[str, dict[str, Any]] = {
    "admin": {"role": "admin", "permissions": ["*"]},
    "user": {"role": "user", "permissions": ["things:read", "things:write"]},
    "viewer": {"role": "viewer", "permissions": ["things:read"]},
    "scoped": {"role": "admin", "permissions": ["things:read"]},
    "nobody": {"role": "made-up", "permissions": []},
}


def verify(credential: str) -> dict[str, Any]:
    caller = CALLERS.get(credential)
    if caller is None:
        return {"valid": False, "code": "NOT_FOUND"}
    common = {"valid": True, "kind": "api_key", "userId": f"usr_{credential}", "organizationId": None}
    return {**common, **caller, "keyId": "key", "sessionId": None, "rateLimit": None, "expiresAt": None}


class Upstream:
    """Keeps what it was sent."""

    def __init__(self, *, fails: bool = False) -> None:
        self.sent: list[tuple[str, list[str], dict[str, str]]] = []
        self._fails = fails

    async def forward(self, inbound: Any, passage: Passage) -> UpstreamResponse:
        self.sent.append((passage.url, list(passage.remove), dict(passage.add)))
        if self._fails:
            raise HttpError("gone")
        return UpstreamResponse(200, "native")

    async def status_of(self, path: str) -> int:
        return 200


@pytest.fixture
def upstreams() -> dict[str, Upstream]:
    return {name: Upstream() for name in ("DB", "AUTH", "SCHEDULE")}


@pytest.fixture
def bindings(upstreams: dict[str, Upstream]) -> FakeBindings:
    return FakeBindings(
        {"INTERNAL_SECRET": SECRET, "COOKIE_SECURE": "false"},
        peers={"AUTH": FakePeer(verify=verify)},
        upstreams=dict(upstreams),
    )


async def ask(
    bindings: FakeBindings, method: str, path: str, caller: str | None = None, **headers: str
) -> HttpResponse | UpstreamResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if caller:
        named["authorization"] = f"Bearer {caller}"
    return await Gateway(bindings, Logger("gateway")).handle(
        Inbound(method, f"https://api.test{path}", named, object(), Deferred())
    )


@pytest.mark.parametrize(
    ("method", "path", "caller", "status"),
    [
        ("GET", "/db/things", None, 401), ("GET", "/db/things", "viewer", 200), ("HEAD", "/db/things", "viewer", 200),
        ("POST", "/db/things", "viewer", 403), ("PUT", "/db/things/a/b", "viewer", 403),
        ("PATCH", "/db/things/a/b", "viewer", 403), ("DELETE", "/db/things/a/b", "viewer", 403),
        ("POST", "/db/things", "user", 200), ("POST", "/db/things", "admin", 200), ("POST", "/db/things", "scoped", 403),
        ("GET", "/db", None, 401), ("GET", "/db/", "nobody", 403), ("GET", "/x/../db/things", None, 401),
        ("GET", "//db/things", None, 401), ("GET", "/db/%2e%2e/db/things", None, 401), ("GET", "/db%2fthings", "admin", 400),
        ("GET", "/schedule/tasks", None, 401), ("GET", "/schedule/tasks", "user", 403),
        ("GET", "/schedule/tasks", "scoped", 403), ("POST", "/schedule/tasks", "admin", 200),
        ("GET", "/auth/login", None, 200), ("POST", "/auth/logout", "wrong", 200), ("GET", "/auth/session", "viewer", 200),
        ("GET", "/db/things", "wrong", 401), ("GET", "/nowhere", "admin", 404), ("GET", "/dbx", "admin", 404),
        ("TRACE", "/db/things", "admin", 405), ("PROPFIND", "/db/things", None, 405),
        ("GET", "/health", None, 200), ("POST", "/health", "admin", 405), ("GET", "/", None, 200),
    ],
)  # fmt: skip
async def test_who_gets_through(
    bindings: FakeBindings, method: str, path: str, caller: str | None, status: int
) -> None:
    assert (await ask(bindings, method, path, caller)).status == status


async def test_the_worker_gets_its_own_path_and_a_signed_identity(
    bindings: FakeBindings, upstreams: dict[str, Upstream]
) -> None:
    await ask(bindings, "GET", "/db/things/a/b?x=1&y=/..", "viewer", x_request_id="mine", x_dotdo_identity="forged")
    ((url, removed, added),) = upstreams["DB"].sent
    assert url == "https://api.test/things/a/b?x=1&y=/.."
    assert removed == ["x-dotdo-identity"]
    assert added["x-request-id"] == "mine"
    identity = verify_identity(
        added["x-dotdo-identity"], audience="db", secret=SECRET.encode(), now_s=bindings.clock.now_s()
    )
    assert (identity.subject, identity.permissions, identity.key_id) == ("usr_viewer", ("things:read",), "key")


async def test_an_anonymous_caller_is_told_so_to_auth(bindings: FakeBindings, upstreams: dict[str, Upstream]) -> None:
    await ask(bindings, "GET", "/auth/login", "wrong")
    ((_, _, added),) = upstreams["AUTH"].sent
    identity = verify_identity(
        added["x-dotdo-identity"], audience="auth", secret=SECRET.encode(), now_s=bindings.clock.now_s()
    )
    assert identity.kind == "anonymous"


@pytest.mark.parametrize(
    "authorization", ["", "Basic YTpi", "Bearer", "bearer ", "viewer", "Token viewer", "Bearerviewer"]
)
async def test_another_scheme_is_refused(bindings: FakeBindings, authorization: str) -> None:
    response = await ask(bindings, "GET", "/db/things", authorization=authorization, cookie="session=viewer")
    assert isinstance(response, HttpResponse)
    body = json.loads(response.body)
    assert (response.status, body["code"]) == (401, "MALFORMED")
    assert body["detail"] == "send Authorization: Bearer <API key or access token>"


@pytest.mark.parametrize(
    ("headers", "credentials"),
    [
        ({"authorization": " Bearer   viewer  "}, ["viewer"]),
        ({"authorization": "Bearer two words"}, ["two words"]),
        ({"authorization": "Bearer half\udc80"}, ["half\udc80"]),
        ({"cookie": "session=viewer"}, ["viewer"]),
        ({"cookie": "session="}, []),
        ({"cookie": ""}, []),
        ({}, []),
    ],
    ids=ascii,
)
async def test_what_auth_is_asked_for(bindings: FakeBindings, headers: dict[str, str], credentials: list[str]) -> None:
    auth = FakePeer(verify=verify)
    bindings.peers["AUTH"] = auth
    response = await ask(bindings, "GET", "/db/things", **headers)
    assert auth.calls == [("verify", (credential,)) for credential in credentials]
    assert response.status == (200 if credentials == ["viewer"] else 401)


async def test_the_scheme_is_matched_in_any_case_and_counts_before_the_cookie(bindings: FakeBindings) -> None:
    assert (await ask(bindings, "GET", "/db/things", authorization="bEaReR viewer")).status == 200
    assert (await ask(bindings, "GET", "/db/things", cookie="session=viewer")).status == 200
    assert (await ask(bindings, "GET", "/db/things", cookie="mysession=viewer")).status == 401
    assert (
        await ask(bindings, "GET", "/db/things", authorization="Bearer wrong", cookie="session=viewer")
    ).status == 401


async def test_auth_that_is_down_lets_nobody_in(bindings: FakeBindings) -> None:
    def down(credential: str) -> None:
        raise unavailable("the auth service does not answer")

    bindings.peers["AUTH"] = FakePeer(verify=down)
    assert (await ask(bindings, "GET", "/db/things", "admin")).status == 503
    assert (await ask(bindings, "GET", "/auth/session", "admin")).status == 503


async def test_a_worker_that_fails_or_is_not_bound_is_named(bindings: FakeBindings) -> None:
    bindings.upstreams["DB"] = Upstream(fails=True)
    failed = await ask(bindings, "GET", "/db/things", "viewer")
    del bindings.upstreams["DB"]
    unbound = await ask(bindings, "GET", "/db/things", "viewer")
    assert isinstance(failed, HttpResponse)
    assert isinstance(unbound, HttpResponse)
    assert (failed.status, json.loads(failed.body)["code"]) == (503, "UNAVAILABLE")
    assert (unbound.status, json.loads(unbound.body)["code"]) == (503, "SERVICE_NOT_BOUND")


async def test_a_short_secret_is_named(bindings: FakeBindings) -> None:
    bindings.texts["INTERNAL_SECRET"] = "short"
    response = await ask(bindings, "GET", "/db/things", "viewer")
    assert isinstance(response, HttpResponse)
    assert (response.status, "INTERNAL_SECRET" in response.body) == (503, True)


async def test_ready_names_who_is_down(bindings: FakeBindings) -> None:
    bindings.peers["DB"] = FakePeer(health=lambda: {"status": "ok"})
    bindings.peers["AUTH"] = FakePeer(health=lambda: {"status": "degraded"})
    bindings.peers["SCHEDULE"] = FakePeer(health=lambda: {"garbled": True})
    response = await ask(bindings, "GET", "/ready")
    assert isinstance(response, HttpResponse)
    assert response.status == 503
    assert json.loads(response.body)["services"] == {"auth": "degraded", "db": "ok", "schedule": "down"}
