"""A WorkOS that is down, slow, overloaded, broken or lying: what those who sign in are told, and that none of them gets in."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from dotdo.identity import Identity
from tests.e2e.fault_proxy import Fault, FaultProxy, cut_after, cut_before, cut_within, held, passed, says
from tests.e2e.platform import Platform, problem
from tests.e2e.workos_events import event, told
from tests.unit.auth.rsa import private_key
from tests.unit.auth.workos_fixtures import DIRECTORIES, DIRECTORY_GROUPS, DIRECTORY_USERS, ORGANIZATION_SELECTION, USER

REFUSES = {
    "down": (cut_before, 503, "UNAVAILABLE"),
    "cut off after it was done": (cut_after, 503, "UNAVAILABLE"),
    "cut off within": (cut_within, 503, "UNAVAILABLE"),
    "500": (says("500 Internal Server Error", b"stack trace with a secret"), 503, "UNAVAILABLE"),
    "a redirect": (says("302 Found", b"", extra="location: http://127.0.0.1:1/\r\n"), 503, "UNAVAILABLE"),
    "429 for long": (says("429 Too Many Requests", b"{}", extra="retry-after: 120\r\n"), 503, "UNAVAILABLE"),
    "no JSON": (says("200 OK", b"<html>hello</html>", "text/html"), 502, "UPSTREAM_ERROR"),
    "half a JSON": (says("200 OK", b'{"user": {"id'), 502, "UPSTREAM_ERROR"),
    "JSON without bottom": (says("200 OK", b"[" * 20_000), 502, "UPSTREAM_ERROR"),
    "another shape": (says("200 OK", b'{"user": {"id": 7}}'), 502, "UPSTREAM_ERROR"),
    "another's refusal": (says("400 Bad Request", b'{"code": "invalid_grant", "message": "secret"}'), 400, "LOGIN_FAILED"),
    "a refusal in HTML": (says("403 Forbidden", b"<h1>secret</h1>", "text/html"), 400, "LOGIN_FAILED"),
}  # fmt: skip


@pytest.fixture
async def workos(platform: Platform) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(platform.proxies.workos, platform.ports.workos) as proxy:
        yield proxy


@pytest.fixture
async def browser(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """At the Worker whose WorkOS fails, without a gateway."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{platform.proxies.faulty_auth}", timeout=60) as client:
        yield client


async def callback(browser: httpx.AsyncClient, platform: Platform) -> str:
    """Path and query of a sign-in about to come back, with a code that is good."""
    began = await browser.get("/login", params={"login_hint": "viewer@example.com"})
    url = httpx.URL(began.headers["location"]).copy_with(port=platform.ports.workos)
    async with httpx.AsyncClient() as client:
        address = httpx.URL((await client.get(url)).headers["location"])
    return f"/callback?{address.query.decode()}"


@pytest.mark.parametrize("name", REFUSES)
async def test_nobody_gets_in(platform: Platform, workos: FaultProxy, browser: httpx.AsyncClient, name: str) -> None:
    fault, status, code = REFUSES[name]
    address = await callback(browser, platform)
    workos.faults.append(fault)
    answer = problem(await browser.get(address), status, code)
    assert "session" not in browser.cookies
    for inside in ("secret", "Traceback", "127.0.0.1", "html"):
        assert inside not in json.dumps(answer)
    assert len(workos.seen) == 1, "a code is good once: nothing is asked twice that may have been done"


async def test_who_is_told_to_wait_a_moment_waits(
    platform: Platform, workos: FaultProxy, browser: httpx.AsyncClient
) -> None:
    address = await callback(browser, platform)
    workos.faults.append(says("429 Too Many Requests", b"{}", extra="retry-after: 1\r\n"))
    started = time.monotonic()
    assert (await browser.get(address)).status_code == 303
    assert time.monotonic() - started >= 1
    assert [request.partition(b" HTTP")[0] for request in workos.seen[:2]] == [
        b"POST /user_management/authenticate"
    ] * 2


async def test_who_is_told_to_wait_for_long_hands_it_on(
    platform: Platform, workos: FaultProxy, browser: httpx.AsyncClient
) -> None:
    address = await callback(browser, platform)
    workos.faults.append(says("429 Too Many Requests", b"{}", extra="retry-after: 120\r\n"))
    answer = await browser.get(address)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "120")


async def test_a_slow_one_is_waited_for_so_long(
    platform: Platform, workos: FaultProxy, browser: httpx.AsyncClient
) -> None:
    address = await callback(browser, platform)
    workos.faults.append(held)
    problem(await browser.get(address), 504, "TIMEOUT")
    problem(await browser.get(address), 400, "LOGIN_FAILED")


@pytest.mark.parametrize("name", ["of nobody", "of WorkOS's key"])
async def test_a_token_is_believed_only_by_workoss_key(
    platform: Platform, workos: FaultProxy, browser: httpx.AsyncClient, name: str
) -> None:
    """Whoever stands in for WorkOS once has no key of it, though he may know its name."""
    address = await callback(browser, platform)
    async with httpx.AsyncClient(base_url=platform.workos_url) as client:
        (known,) = (await client.get("/sso/jwks/client_emulate")).json()["keys"]
    kid = known["kid"] if name == "of WorkOS's key" else "mine"
    claims = {"sub": USER["id"], "sid": "session_f", "iat": int(time.time()), "exp": int(time.time()) + 300}
    token = jwt.encode(claims, private_key("mine"), algorithm="RS256", headers={"kid": kid})
    body = {"user": USER, "access_token": token, "refresh_token": "r", "organization_id": None}
    workos.faults.append(says("200 OK", json.dumps(body).encode()))
    problem(await browser.get(address), 502, "UPSTREAM_ERROR")
    assert "session" not in browser.cookies
    assert platform.rows("select 1 from users where workos_id = %s", USER["id"]) == []


async def test_a_session_that_workos_ended_meanwhile_begins_none(
    platform: Platform, workos: FaultProxy, browser: httpx.AsyncClient
) -> None:
    """The event of its end can overtake the sign-in itself."""
    address = await callback(browser, platform)

    async def ended_meanwhile(request: bytes, proxy: FaultProxy) -> bytes:
        answer = await proxy.forward(request)
        token = json.loads(answer[answer.index(b"{") : answer.rindex(b"}") + 1])["access_token"]
        sid = jwt.decode(token, options={"verify_signature": False})["sid"]
        await told(platform, event("session.revoked", {"object": "session", "id": sid}, time.time()))
        return answer

    workos.faults.append(ended_meanwhile)
    problem(await browser.get(address), 404, "NOT_FOUND")
    assert "session" not in browser.cookies


async def test_an_organisation_has_to_be_chosen(
    platform: Platform, workos: FaultProxy, browser: httpx.AsyncClient
) -> None:
    """What the emulator never asks for, as WorkOS asks for it."""
    address = await callback(browser, platform)
    workos.faults.append(says("403 Forbidden", json.dumps(ORGANIZATION_SELECTION).encode()))
    answer = problem(await browser.get(address), 409, "ORGANIZATION_SELECTION_REQUIRED")
    assert answer["organizations"] == [{"id": "org_1", "name": "Acme"}, {"id": "org_2", "name": "Umbrella"}]
    assert ORGANIZATION_SELECTION["pending_authentication_token"] not in json.dumps(answer)


# --- directories, which the emulator has none of ---


async def directories(platform: Platform, path: str, **query: Any) -> httpx.Response:
    identity = Identity("user", "usr_admin", "admin", permissions=("*",))
    async with platform.behind_the_gateway("auth", identity) as client:
        client.base_url = httpx.URL(f"http://127.0.0.1:{platform.proxies.faulty_auth}")
        return await client.get(path, params=query)


@pytest.mark.parametrize(
    ("path", "fixture", "asked"),
    [
        ("/directories", DIRECTORIES, b"GET /directories?limit=2 "),
        ("/directories/directory_1/users", DIRECTORY_USERS, b"GET /directory_users?directory=directory_1&limit=2 "),
        ("/directories/a%26b%2F../groups", DIRECTORY_GROUPS, b"GET /directory_groups?directory=a%26b%2F..&limit=2 "),
    ],
)
async def test_directories_are_read_through(
    platform: Platform, workos: FaultProxy, path: str, fixture: dict[str, Any], asked: bytes
) -> None:
    workos.faults.append(says("200 OK", json.dumps(fixture).encode()))
    answer = await directories(platform, path, limit=2)
    assert answer.status_code == 200, answer.text
    assert workos.seen[0].startswith(asked)
    assert b"authorization: Bearer sk_test_default" in workos.seen[0].replace(b"Authorization", b"authorization")
    page = answer.json()
    assert [each["id"] for each in page["data"]] == [each["id"] for each in fixture["data"]]
    assert "raw_attributes" not in answer.text
    workos.faults.append(
        says("200 OK", json.dumps({**fixture, "list_metadata": {"before": None, "after": None}}).encode())
    )
    rest = await directories(platform, path, limit=2, cursor=page["page"]["next_cursor"])
    assert f"after={fixture['list_metadata']['after']} ".encode() in workos.seen[1]
    assert rest.json()["page"]["next_cursor"] is None


@pytest.mark.parametrize("passing", [cut_before, says("500 Internal Server Error", b""), says("503 Busy", b"")])
async def test_reading_is_tried_again(platform: Platform, workos: FaultProxy, passing: Fault) -> None:
    workos.faults.extend([passing, passing, passed])
    assert (await directories(platform, "/directories")).status_code == 200
    assert len(workos.seen) == 3
    workos.faults.extend([passing] * 3)
    problem(await directories(platform, "/directories"), 503, "UNAVAILABLE")
    assert len(workos.seen) == 6


@pytest.mark.parametrize(
    ("status", "expected", "code"),
    [
        ("401 Unauthorized", 503, "NOT_CONFIGURED"),
        ("403 Forbidden", 503, "NOT_CONFIGURED"),
        ("404 Not Found", 404, "NOT_FOUND"),
        ("422 Unprocessable", 502, "UPSTREAM_ERROR"),
    ],
)
async def test_what_workos_refuses_us_is_not_the_askers_fault(
    platform: Platform, workos: FaultProxy, status: str, expected: int, code: str
) -> None:
    workos.faults.append(says(status, b'{"message": "sk_secret"}'))
    answer = await directories(platform, "/directories/d/users")
    assert "sk_secret" not in answer.text
    problem(answer, expected, code)
