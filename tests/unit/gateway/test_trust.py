"""What the gateway believes, and what it hands on in whose name."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest

from dotdo.errors import ServiceError
from dotdo.http import HttpResponse
from dotdo.identity import IDENTITY_HEADER
from dotdo.ports import HttpError, UpstreamResponse


def bearer(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}


def problem(response: HttpResponse | UpstreamResponse) -> dict[str, Any]:
    assert isinstance(response, HttpResponse)
    assert ("content-type", "application/problem+json") in response.headers
    body: dict[str, Any] = json.loads(response.body)
    assert body["status"] == response.status
    return body


@pytest.mark.parametrize(
    ("path", "binding", "url"),
    [
        ("/db", "DB", "https://api.test/"),
        ("/db//things/./a%20b?ns=a%20b&x=/../", "DB", "https://api.test/things/a%20b?ns=a%20b&x=/../"),
        ("/auth/../db/things?", "DB", "https://api.test/things"),
        ("/auth/session", "AUTH", "https://api.test/session"),
    ],
)
async def test_the_path_that_was_checked_is_the_one_that_goes_on(stage: Any, path: str, binding: str, url: str) -> None:
    response = await stage.ask("GET", path, bearer("admin-key"))
    assert (response.status, response.native) == (207, "the Worker's own")
    assert list(stage.arrived()) == [binding]
    assert stage.workers[binding].passed[0][0] == url


async def test_a_session_cookie_names_user_session_and_organization(stage: Any) -> None:
    await stage.ask("GET", "/db/things", {"cookie": "theme=dark; __Host-session=session-token"})
    identity = stage.identity("DB")
    assert (identity.kind, identity.session_id, identity.organization, identity.key_id) == (
        "user",
        "ses_1",
        "org_1",
        "",
    )


async def test_no_claim_of_the_caller_gets_through(stage: Any) -> None:
    spoofed = {
        "x-dotdo-identity": "admin", "x-user-id": "usr_admin", "x-user-role": "admin", "x-forwarded-for": "127.0.0.1",
        "forwarded": "for=127.0.0.1", "connection": "x-hop", "x-hop": "1",
    }  # fmt: skip
    await stage.ask("GET", "/db/things", {**bearer("viewer-key"), **spoofed, "accept": "text/plain"})
    ((_, removed, added),) = stage.workers["DB"].passed
    assert set(removed) == set(spoofed)
    assert set(added) == {"x-request-id", "traceparent", IDENTITY_HEADER}
    assert stage.identity("DB").role == "viewer"


@pytest.mark.parametrize(
    ("sent", "vouched"),
    [
        ({"cf-connecting-ip": "203.0.113.9"}, "203.0.113.9"),
        ({"cf-connecting-ip": "2001:DB8::0:9"}, "2001:db8::9"),
        ({"cf-connecting-ip": "::ffff:203.0.113.9"}, "203.0.113.9"),
        ({"cf-connecting-ip": "203.0.113.9, 127.0.0.1"}, ""),
        ({"x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9", "true-client-ip": "203.0.113.9"}, ""),
    ],
)
async def test_the_address_is_the_edges(stage: Any, sent: dict[str, str], vouched: str) -> None:
    await stage.ask("GET", "/db/things", {**bearer("viewer-key"), **sent})
    assert stage.identity("DB").address == vouched


async def test_a_connection_header_cannot_take_the_identity_out(stage: Any) -> None:
    await stage.ask("GET", "/db/things", {**bearer("viewer-key"), "connection": f"{IDENTITY_HEADER}, x-request-id"})
    assert stage.identity("DB").subject == "usr_viewer"


async def test_an_identity_says_all_that_is_known_and_holds_for_a_minute(stage: Any) -> None:
    headers = {"cookie": "__Host-session=session-token", "cf-connecting-ip": "2001:db8::9", "x-request-id": "mine"}
    await stage.ask("GET", "/db/things", headers)
    ((_, _, added),) = stage.workers["DB"].passed
    claims = json.loads(urlsafe_b64decode(added[IDENTITY_HEADER].split(".")[1] + "=="))
    issued = int(stage.bindings.clock.now)
    assert claims == {
        "iss": "dotdo-gateway", "aud": "db", "iat": issued, "exp": issued + 60, "rid": "mine", "sub": "usr_user",
        "kind": "user", "role": "user", "org": "org_1", "permissions": ["things:read"], "kid": "", "sid": "ses_1",
        "ip": "2001:db8::9",
    }  # fmt: skip


async def test_an_identity_is_for_one_worker(stage: Any) -> None:
    await stage.ask("GET", "/db/things", bearer("admin-key"))
    stage.workers["SCHEDULE"].passed = stage.workers["DB"].passed
    with pytest.raises(ServiceError, match="identity header is not valid"):
        stage.identity("SCHEDULE")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_viewer_reads_and_does_not_write(stage: Any, method: str) -> None:
    body = problem(await stage.ask(method, "/db/things/a/b", {**bearer("viewer-key"), "x-request-id": "mine"}))
    assert (body["status"], body["code"], body["instance"]) == (403, "FORBIDDEN", "mine")
    assert stage.arrived() == {}
    assert (await stage.ask("GET", "/db/things/a/b", bearer("viewer-key"))).status == 207


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong-key"),
        {"authorization": "Basic x"},
        {"cookie": "__Host-session=old", "origin": "https://api.test"},
    ],
)
async def test_auth_sees_callers_that_are_not_known(stage: Any, headers: dict[str, str]) -> None:
    await stage.ask("POST", "/auth/login", headers)
    assert stage.identity("AUTH").kind == "anonymous"


async def test_a_refused_credential_has_auths_code_and_says_how_to_do_it(stage: Any) -> None:
    response = await stage.ask("GET", "/db/things", bearer("wrong-key"))
    assert problem(response)["code"] == "NOT_FOUND"
    assert ("www-authenticate", "Bearer") in response.headers


@pytest.mark.parametrize("path", ["/db/things", "/schedule/tasks", "/auth/session"])
async def test_nobody_gets_in_while_auth_is_down(
    open_stage: Any, auth_is_down: Callable[[str], object], path: str
) -> None:
    stage = open_stage(auth=auth_is_down)
    assert problem(await stage.ask("GET", path, bearer("admin-key")))["status"] == 503
    assert stage.arrived() == {}


@pytest.mark.parametrize("answer", [{}, None, {"valid": True}, {"valid": True, "kind": "user", "role": "admin"}])
async def test_nobody_gets_in_by_an_answer_that_cannot_be_read(open_stage: Any, answer: object) -> None:
    stage = open_stage(auth=lambda credential: answer)
    assert problem(await stage.ask("GET", "/db/things", bearer("admin-key")))["code"] == "INTERNAL"
    assert stage.arrived() == {}


async def test_nobody_gets_in_without_an_auth_service(open_stage: Any) -> None:
    stage = open_stage(bound=("DB",))
    assert problem(await stage.ask("GET", "/db/things", bearer("admin-key")))["status"] == 503
    assert problem(await stage.ask("GET", "/db/things"))["status"] == 401
    assert stage.arrived() == {}


async def test_a_failing_worker_is_503_without_its_address(stage: Any) -> None:
    stage.workers["DB"].fails = HttpError("connection to 10.1.2.3 refused")
    response = await stage.ask("GET", "/db/things", bearer("admin-key"))
    assert problem(response)["code"] == "UNAVAILABLE"
    assert "10.1.2.3" not in response.body


async def test_a_missing_secret_is_named(open_stage: Any) -> None:
    body = problem(await open_stage(INTERNAL_SECRET="").ask("GET", "/db/things", bearer("admin-key")))
    assert (body["code"], "INTERNAL_SECRET" in body["detail"]) == ("NOT_CONFIGURED", True)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/health"])
async def test_its_own_pages_need_nobody(open_stage: Any, method: str, path: str) -> None:
    response = await open_stage(bound=(), INTERNAL_SECRET="").ask(method, path)
    assert (response.status, json.loads(response.body)["service"]) == (200, "gateway")


async def test_a_method_that_is_not_known_is_405_with_those_that_are(stage: Any) -> None:
    for method, path in (("TRACE", "/db/things"), ("get", "/db/things"), ("POST", "/health")):
        response = await stage.ask(method, path, bearer("admin-key"))
        assert problem(response)["code"] == "METHOD_NOT_ALLOWED"
        assert "GET" in dict(response.headers)["allow"]


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {}, 403), ("POST", {"origin": "https://evil.example"}, 403), ("POST", {"origin": "https://api.test"}, 207),
        ("POST", {"origin": "https://app.example.com"}, 207), ("GET", {"origin": "https://evil.example"}, 207),
        ("GET", {"origin": "https://evil.example", "upgrade": "WebSocket"}, 403), ("GET", {"upgrade": "websocket"}, 403),
        ("GET", {"origin": "https://api.test", "upgrade": "websocket"}, 207),
    ],
)  # fmt: skip
async def test_a_cookie_changes_things_and_opens_sockets_from_our_own_pages_alone(
    open_stage: Any, verified_as: Any, method: str, headers: dict[str, str], status: int
) -> None:
    stage = open_stage(CORS_ORIGINS="https://app.example.com", auth=lambda _: verified_as("user", "*", kind="user"))
    response = await stage.ask(method, "/db/things", {"cookie": "__Host-session=session-token", **headers})
    assert response.status == status
    assert (stage.arrived() == {}) == (status == 403)
    if status == 403:
        assert problem(response)["code"] == "CSRF"


async def test_a_socket_is_for_who_may_change_things(open_stage: Any) -> None:
    stage = open_stage(bound=("WORKFLOWS", "AUTH"))
    asks = {"upgrade": "websocket", "connection": "Upgrade"}
    assert (await stage.ask("GET", "/workflows/x", bearer("viewer-key"))).status == 207
    assert (await stage.ask("GET", "/workflows/x", {**bearer("viewer-key"), **asks})).status == 403
    assert (await stage.ask("GET", "/workflows/x", {**bearer("admin-key"), **asks})).status == 207


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/auth/login", {"sec-fetch-dest": "image"}, 403), ("GET", "/auth/login", {"sec-fetch-dest": "iframe"}, 403),
        ("GET", "/auth/sso/authorize", {"sec-fetch-dest": "image"}, 403),
        ("POST", "/auth/refresh", {"sec-fetch-dest": "empty"}, 403),
        ("POST", "/auth/logout", {"sec-fetch-dest": "document"}, 403),
        ("GET", "/auth/login", {"sec-fetch-dest": "document"}, 207),
        ("GET", "/auth/callback", {"sec-fetch-dest": "document"}, 207),
        ("POST", "/auth/refresh", {"sec-fetch-dest": "empty", "origin": "https://app.example.com"}, 207),
        ("GET", "/auth/.well-known/jwks.json", {"sec-fetch-dest": "empty"}, 207),
    ],
)  # fmt: skip
async def test_another_sites_page_uses_up_nobodys_ways_in(
    open_stage: Any, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Images in it, and requests by its scripts, come from its visitor's address."""
    stage = open_stage(CORS_ORIGINS="https://app.example.com")
    responses = [await stage.ask(method, path, {"sec-fetch-site": "cross-site", **headers}) for _ in range(10)]
    assert {response.status for response in responses} == {status}
    if status == 403:
        assert (await stage.ask(method, path)).status == 207
