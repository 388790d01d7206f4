"""The limits before every way in: by address and by account, and what a failure leads to."""

import json
from typing import Any

import pytest

from dotdo.fakes import Deferred
from dotdo.http import HttpRequest, HttpResponse
from dotdo.identity import IDENTITY_HEADER, Identity
from dotdo.ports import HttpReply
from tests.unit.auth.limits_fixtures import HERE, NOWHERE, THERE, address, code_of, identity_header, wait_of
from tests.unit.auth.workos_fixtures import PROFILE


async def statuses(browser: Any, path: str, times: int, identity: Identity | None = HERE) -> list[int]:
    return [(await browser.get(path, identity)).status for _ in range(times)]


@pytest.mark.parametrize("identity", [HERE, NOWHERE, None], ids=["known", "unknown", "not through the gateway"])
@pytest.mark.parametrize(("path", "within"), [("/login", 302), ("/callback?code=c&state=s", 400)])
async def test_ten_a_minute_of_an_address(browser: Any, path: str, within: int, identity: Identity | None) -> None:
    browser.bindings.texts["LOCKOUT_MAX_S"] = "0"
    assert await statuses(browser, path, 12, identity) == [within] * 10 + [429] * 2
    assert await statuses(browser, path, 1, THERE) == [within]
    browser.bindings.clock.now += 120
    assert await statuses(browser, path, 1, identity) == [within]


async def test_a_refusal_is_the_gateways(browser: Any) -> None:
    await statuses(browser, "/login", 10)
    response = await browser.get("/login", HERE)
    assert (response.status, code_of(response)) == (429, "RATE_LIMITED")
    body = json.loads(response.body)
    assert body["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert body["violated-policies"] == ["login"]
    assert 1 <= wait_of(response) <= 60
    assert browser.tables.statements == []


async def test_an_address_is_believed_from_the_gateway_alone(browser: Any) -> None:
    """Another address in each header: all of them are one client's."""
    spoofed = ["cf-connecting-ip", "x-forwarded-for", "x-real-ip", "true-client-ip", "forwarded"]
    answers = [
        (await browser.get("/login", HERE, **dict.fromkeys(spoofed, f"198.51.100.{n}"))).status for n in range(11)
    ]
    assert answers == [302] * 10 + [429]


async def test_a_network_of_ipv6_is_one_address(browser: Any) -> None:
    answers = [
        (await browser.get("/login", Identity("anonymous", address=f"2001:db8::{n:x}"))).status for n in range(11)
    ]
    assert answers == [302] * 10 + [429]
    other = Identity("anonymous", address="2001:db8:0:1::1")
    assert (await browser.get("/login", other)).status == 302


async def test_nobody_is_kept_out_by_a_hint_of_his_address(browser: Any) -> None:
    for n in range(30):
        await browser.get("/login?login_hint=ann@example.test", Identity("anonymous", address=f"198.51.100.{n}"))
    assert (await browser.get("/login?login_hint=ann@example.test", HERE)).status == 302


async def fail(browser: Any, identity: Identity = HERE) -> HttpResponse:
    """A sign-in that WorkOS refuses."""
    browser.workos_says = HttpReply(400, {}, b'{"error": "invalid_grant"}')
    state = await begin(browser)
    response: HttpResponse = await browser.get(f"/callback?code=c&state={state}", identity)
    return response


async def begin(browser: Any) -> str:
    """From an address of its own, so that beginning is never what is limited."""
    browser.began = getattr(browser, "began", 0) + 1
    other = Identity("anonymous", address=f"2001:db8:{browser.began:x}::1")
    response = await browser.get("/login", other)
    location = dict(response.headers)["location"]
    return str(location.split("state=")[1].split("&")[0])


async def test_failures_double_the_wait_of_an_address(browser: Any) -> None:
    browser.bindings.texts["ATTEMPT_LIMITS"] = "callback=1000 login=1000"
    waits = []
    for _ in range(12):
        assert code_of(await fail(browser)) == "LOGIN_FAILED"
        refused = await browser.get("/callback?code=c&state=s", HERE)
        assert (refused.status, code_of(refused)) == (429, "LOCKED_OUT")
        assert json.loads(refused.body)["violated-policies"] == ["sign-in-failures"]
        assert (await browser.get("/login", HERE)).status == 429, "who is barred need not begin"
        waits.append(wait_of(refused))
        browser.bindings.clock.now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert (await browser.get("/login", HERE)).status == 302
    assert (await browser.get("/login", THERE)).status == 302


async def test_one_without_an_address_bars_nobody(browser: Any) -> None:
    for _ in range(5):
        assert code_of(await fail(browser, NOWHERE)) == "LOGIN_FAILED"
    assert (await browser.get("/login", NOWHERE)).status == 302


async def test_what_another_site_has_a_browser_load_bars_nobody(browser: Any) -> None:
    """It comes without the cookie of a sign-in that was begun."""
    for _ in range(5):
        assert code_of(await browser.get("/callback?code=c&state=s", HERE)) == "LOGIN_FAILED"
    assert (await browser.get("/login", HERE)).status == 302


@pytest.mark.parametrize("query", ["code=c&state=evil", "code=c", "error=access_denied&state=evil", "state=evil"])
async def test_what_another_site_has_a_browser_that_is_signing_in_load_tries_nothing(browser: Any, query: str) -> None:
    """It can have it begin, which gives it a cookie, and come back; it does not know the state."""
    state = await begin(browser)
    for _ in range(5):
        assert await refusals_on_record(browser, f"/callback?{query}") == []
    assert (await browser.get(f"/callback?code=c&state={state}", HERE)).status == 303


async def test_the_return_of_a_tab_that_another_has_overtaken_bars_nobody(browser: Any) -> None:
    first, second = [await begin(browser) for _ in range(2)]
    assert code_of(await browser.get(f"/callback?code=c&state={first}", HERE)) == "LOGIN_FAILED"
    assert (await browser.get(f"/callback?code=c&state={second}", HERE)).status == 303


@pytest.mark.parametrize(
    "reply",
    [HttpReply(500, {}, b""), HttpReply(429, {}, b""), HttpReply(200, {}, b"[]")],
    ids=["down", "busy", "broken"],
)
async def test_a_fault_of_workos_is_no_failure_of_the_person(browser: Any, reply: HttpReply) -> None:
    state = await begin(browser)
    browser.workos_says = reply
    assert (await browser.get(f"/callback?code=c&state={state}", HERE)).status in (502, 503)
    assert (await browser.get("/login", HERE)).status == 302


async def test_a_refused_sign_in_is_on_record_without_its_code(browser: Any) -> None:
    state = await begin(browser)
    browser.workos_says = HttpReply(400, {}, b"{}")
    header = identity_header(browser, HERE)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    request = HttpRequest("GET", "/callback", f"code=sesame&state={state}", {"cookie": cookie, IDENTITY_HEADER: header})
    later, statements = Deferred(), browser.tables.statements
    browser.tables._answer = lambda sql, params: ([], 1)
    await browser.service.fetch(request, later)
    before = len(statements)
    await later.run()
    ((sql, params),) = statements[before:]
    assert "insert into audit_log" in sql
    assert (params[0], params[1], params[3]) == ("anonymous", "203.0.113.7", "login.refused")
    assert json.loads(params[5]) == {"code": "LOGIN_FAILED"}
    assert "sesame" not in repr(statements)


@pytest.mark.parametrize(
    ("reply", "recorded"),
    [
        (HttpReply(400, {}, b"{}"), ["LOGIN_FAILED"]),
        (HttpReply(403, {}, b'{"code": "email_verification_required"}'), ["EMAIL_NOT_VERIFIED"]),
        (HttpReply(503, {}, b""), []),
        (HttpReply(200, {}, b"[]"), []),
    ],
    ids=["refused", "not verified", "down", "broken"],
)
async def test_refusals_are_on_record_and_faults_are_not(browser: Any, reply: HttpReply, recorded: list[str]) -> None:
    state = await begin(browser)
    browser.workos_says = reply
    assert await refusals_on_record(browser, f"/callback?code=c&state={state}") == recorded


async def test_a_refused_refresh_is_not_on_record(browser: Any) -> None:
    """Else anybody could fill the table; what ends a session is recorded with its end."""
    browser.tables._answer = lambda sql, params: ([], 1)
    assert await refusals_on_record(browser, "/refresh", b'{"refresh_token": "x"}') == []


async def refusals_on_record(browser: Any, path: str, body: bytes | None = None) -> list[str]:
    """The codes that are written down after a request, a POST where it has a body, has been refused."""

    async def read() -> bytes:
        return body or b""

    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"cookie": cookie, IDENTITY_HEADER: identity_header(browser, HERE), "content-type": "application/json",
               "sec-fetch-site": "same-origin"}  # fmt: skip
    path, _, query = path.partition("?")
    later, before = Deferred(), len(browser.tables.statements)
    request = HttpRequest("GET" if body is None else "POST", path, query, headers, read)
    assert (await browser.service.fetch(request, later)).status >= 400
    await later.run()
    return [
        json.loads(params[5])["code"] for _, params in browser.tables.statements[before:] if "login.refused" in params
    ]


@pytest.mark.parametrize("way", ["login", "sso"])
async def test_a_refusal_that_workos_brings_back_is_one_with_whatever_it_says_of_it(browser: Any, way: str) -> None:
    """RFC 6749 §4.1.2.1, with the address of a page about it, and §4.1.2: what is not known is passed over."""
    path, begun = {"login": ("/callback", "/login"), "sso": ("/sso/callback", "/sso/authorize?connection=conn_1")}[way]
    location = dict((await browser.get(begun, THERE)).headers)["location"]
    state = location.split("state=")[1].split("&")[0]
    said = f"error=access_denied&error_description=No.&error_uri=https%3A%2F%2Fworkos.test%2Fe&surprise=1&state={state}"
    headers = {
        "cookie": f"__Host-{way}={browser.cookies[f'__Host-{way}']}", IDENTITY_HEADER: identity_header(browser, HERE),
    }  # fmt: skip
    later = Deferred()
    answer = await browser.service.fetch(HttpRequest("GET", path, said, headers), later)
    assert code_of(answer) == "LOGIN_FAILED"
    await later.run()
    assert [params[3:] for _, params in browser.tables.statements] == [
        ["login.refused", "", '{"code": "LOGIN_FAILED"}']
    ]


@pytest.mark.parametrize("cookie", ["", "__Host-login=x", "__Host-login=a.b.c", "__Host-sso={sealed}"])
async def test_a_return_to_nothing_that_was_begun_leaves_no_record(browser: Any, cookie: str) -> None:
    """Else anybody could fill a table that nothing is ever taken out of."""
    state = await begin(browser)
    headers = {
        "cookie": cookie.format(sealed=browser.cookies["__Host-login"]), IDENTITY_HEADER: identity_header(browser, HERE),
    }  # fmt: skip
    for path in ("/callback", "/sso/callback"):
        later = Deferred()
        answer = await browser.service.fetch(HttpRequest("GET", path, f"code=c&state={state}", headers), later)
        assert code_of(answer) == "LOGIN_FAILED"
        assert later.work == []


async def test_a_disabled_account_bars_the_address_it_is_tried_from(browser: Any) -> None:
    browser.tables.account["disabled_at"] = "2026-01-01T00:00:00.000Z"
    state = await begin(browser)
    assert code_of(await browser.get(f"/callback?code=c&state={state}", HERE)) == "DISABLED"
    assert code_of(await browser.get("/login", HERE)) == "LOCKED_OUT"
    assert (await browser.get("/login", THERE)).status == 302


async def test_a_foreign_profile_bars_the_address_it_is_tried_from(browser: Any) -> None:
    profile = {**PROFILE, "organization_id": "org_2"}
    browser.workos_says = HttpReply(200, {}, json.dumps({"profile": profile, "access_token": "t"}).encode())
    location = dict((await browser.get("/sso/authorize?organization=org_1", THERE)).headers)["location"]
    state = location.split("state=")[1].split("&")[0]
    assert code_of(await browser.get(f"/sso/callback?code=c&state={state}", HERE)) == "FOREIGN_PROFILE"
    assert code_of(await browser.get("/login", HERE)) == "LOCKED_OUT"
    assert (await browser.get("/login", THERE)).status == 302


async def test_a_disabled_account_bars_itself(browser: Any) -> None:
    browser.tables.account["disabled_at"] = "2026-01-01T00:00:00.000Z"
    state = await begin(browser)
    assert code_of(await browser.get(f"/callback?code=c&state={state}", HERE)) == "DISABLED"
    browser.tables.account["disabled_at"] = None
    state = await begin(browser)
    refused = await browser.get(f"/callback?code=c&state={state}", THERE)
    assert (refused.status, code_of(refused)) == (429, "LOCKED_OUT")
    assert not any("insert into sessions" in sql for sql, _ in browser.tables.statements)


async def test_ten_sign_ins_a_minute_of_an_account(browser: Any) -> None:
    answers = []
    for n in range(11):
        state = await begin(browser)
        answers.append((await browser.get(f"/callback?code=c&state={state}", address(n))).status)
    assert answers == [303] * 10 + [429]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATTEMPT_LIMITS", "login=many"),
        ("ATTEMPT_LIMITS", "default=5"),
        ("LOCKOUT_MAX_S", "long"),
        ("LOCKOUT_MAX_S", "-1"),
        ("LOCKOUT_MAX_S", "1.5"),
        ("LOCKOUT_MAX_S", " 5"),
        ("LOCKOUT_MAX_S", "100000"),
        ("LOCKOUT_MAX_S", "\u0663"),
    ],
)
async def test_a_setting_that_cannot_be_read_is_named_and_lets_nobody_in(browser: Any, name: str, value: str) -> None:
    browser.bindings.texts[name] = value
    response = await browser.get("/login", HERE)
    assert (response.status, code_of(response)) == (503, "NOT_CONFIGURED")
    assert name in response.body
