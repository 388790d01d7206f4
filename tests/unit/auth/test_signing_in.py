"""Signing in from the first redirect to the session, over a WorkOS that is a fake."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from auth.domain.access_tokens import AccessTokens
from auth.domain.login import PendingSignIn
from dotdo.http import HttpResponse
from dotdo.identity import Identity
from dotdo.ports import HttpError, HttpReply

Location = Callable[[HttpResponse], str]


def code_of(response: HttpResponse) -> str:
    return str(json.loads(response.body)["code"])


async def test_the_browser_is_sent_to_workos_with_a_challenge(browser: Any, location_of: Location) -> None:
    response = await browser.get("/login?return_to=/app&login_hint=ann@example.test")
    assert response.status == 302
    target = urlsplit(location_of(response))
    query = {name: values[0] for name, values in parse_qs(target.query).items()}
    assert (target.netloc, target.path) == ("api.workos.com", "/user_management/authorize")
    assert query["redirect_uri"] == "https://api.test/auth/callback"
    assert (query["code_challenge_method"], query["response_type"]) == ("S256", "code")
    assert (query["provider"], query["login_hint"]) == ("authkit", "ann@example.test")
    assert (len(query["code_challenge"]), len(query["state"])) == (43, 43)
    assert "Max-Age=600;" in dict(response.headers)["set-cookie"]
    assert browser.tables.statements == [], "nothing is written before the browser comes back"


async def test_signing_in_ends_at_its_destination_with_a_session(browser: Any, location_of: Location) -> None:
    state = await browser.begin("/app?tab=1")
    response = await browser.get(f"/callback?code=c1&state={state}", **{"user-agent": "u" * 600})
    assert (response.status, location_of(response)) == (303, "/app?tab=1")
    assert set(browser.cookies) == {"__Host-session", "__Secure-refresh"}
    read = await AccessTokens(browser.bindings).read(browser.cookies["__Host-session"])
    assert (read.user_id, read.session_id) == ("usr_1", "ses_1")
    (_, session) = next(one for one in browser.tables.statements if "insert into sessions" in one[0])
    assert session[3:7] == ["usr_1", None, None, "u" * 512]


async def test_workos_gets_the_verifier_of_the_challenge(browser: Any, location_of: Location) -> None:
    response = await browser.get("/login")
    query = parse_qs(urlsplit(location_of(response)).query)
    await browser.get(f"/callback?code=c1&state={query['state'][0]}")
    (call,) = browser.asked
    body = json.loads(call.body)
    assert (body["code"], body["grant_type"]) == ("c1", "authorization_code")
    assert PendingSignIn("", body["code_verifier"], "").challenge == query["code_challenge"][0]
    assert "sk_test_workos" not in call.url


async def test_cookies_are_for_this_host_and_out_of_reach_of_scripts(browser: Any) -> None:
    state = await browser.begin()
    response = await browser.get(f"/callback?code=c1&state={state}")
    texts = [text for name, text in response.headers if name == "set-cookie"]
    assert [text.partition("=")[0] for text in texts] == ["__Host-session", "__Secure-refresh", "__Host-login"]
    for text in texts:
        path = "Path=/auth" if text.startswith("__Secure-refresh") else "Path=/"
        assert {path, "HttpOnly", "Secure", "SameSite=Lax"} <= set(text.split("; "))
    assert [text.split("Max-Age=")[1].partition(";")[0] for text in texts] == ["900", str(30 * 24 * 3600), "0"]
    assert ("cache-control", "no-store") in response.headers
    assert browser.cookies["__Host-session"] not in str(dict(response.headers)["location"])


async def test_a_state_is_good_once(browser: Any) -> None:
    state = await browser.begin()
    kept = dict(browser.cookies)
    assert (await browser.get(f"/callback?code=c1&state={state}")).status == 303
    browser.cookies = kept
    response = await browser.get(f"/callback?code=c1&state={state}")
    assert (response.status, code_of(response)) == (400, "LOGIN_FAILED")
    assert len(browser.asked) == 1


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?code=c1",
        "?code=c1&state=",
        "?code=c1&state=foreign",
        "?state={state}",
        "?state={state}&error=denied&code=c1",
    ],
)
async def test_a_return_that_does_not_fit_makes_no_session(browser: Any, query: str) -> None:
    state = await browser.begin()
    response = await browser.get("/callback" + query.format(state=state))
    assert (response.status, code_of(response)) == (400, "LOGIN_FAILED")
    assert (browser.asked, browser.tables.statements) == ([], [])


async def test_another_browser_cannot_finish_it(browser: Any) -> None:
    state = await browser.begin()
    browser.cookies = {}
    assert code_of(await browser.get(f"/callback?code=c1&state={state}")) == "LOGIN_FAILED"
    browser.cookies = {"my__Host-login": "x", "login": "y"}
    assert code_of(await browser.get(f"/callback?code=c1&state={state}")) == "LOGIN_FAILED"


async def test_a_disabled_account_gets_no_session(browser: Any) -> None:
    browser.tables.account["disabled_at"] = "2026-01-01T00:00:00.000Z"
    state = await browser.begin()
    response = await browser.get(f"/callback?code=c1&state={state}")
    assert (response.status, code_of(response)) == (403, "DISABLED")
    assert "__Host-session" not in browser.cookies


@pytest.mark.parametrize("target", ["/日本?q=ü#é", "https://app.test/a b?x=日"])
async def test_a_destination_of_any_script_is_a_header_of_ascii(
    browser: Any, location_of: Location, target: str
) -> None:
    state = await browser.begin(quote(target))
    found = location_of(await browser.get(f"/callback?code=c1&state={state}"))
    assert found.isascii()
    assert found == quote(target, safe=":/?#=")


@pytest.mark.parametrize(
    "target",
    [
        "https://[",
        "https://evil\u2100",
        "https://app.test:x@evil.test",
        " //evil.test",
        "/\x0b/evil.test",
        "https:app.test",
    ],
)
async def test_a_destination_that_cannot_be_taken_apart_is_refused(browser: Any, target: str) -> None:
    response = await browser.get(f"/login?return_to={quote(target)}")
    assert (response.status, code_of(response)) == (400, "INVALID_ARGUMENT")
    assert browser.cookies == {}


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (HttpReply(400, {}, b'{"error": "invalid_grant"}'), 400, "LOGIN_FAILED"),
        (HttpReply(401, {}, b"{}"), 400, "LOGIN_FAILED"),
        (HttpReply(429, {}, b""), 503, "UNAVAILABLE"),
        (HttpReply(500, {}, b"<html>"), 503, "UNAVAILABLE"),
        (HttpReply(302, {}, b""), 503, "UNAVAILABLE"),
        (HttpReply(200, {}, b"<html>"), 502, "UPSTREAM_ERROR"),
        (HttpReply(200, {}, b"[]"), 502, "UPSTREAM_ERROR"),
        (HttpReply(200, {}, b"{}"), 502, "UPSTREAM_ERROR"),
        (HttpReply(200, {}, b'{"user": null}'), 502, "UPSTREAM_ERROR"),
        (HttpReply(200, {}, b'{"user": {"id": null, "email": "a@b.c"}}'), 502, "UPSTREAM_ERROR"),
        (HttpReply(200, {}, b'{"user": {"id": "user_w1", "email": ""}}'), 502, "UPSTREAM_ERROR"),
        (HttpReply(200, {}, b'{"user": {"id": "user_w1", "email": ["a@b.c"]}}'), 502, "UPSTREAM_ERROR"),
        (HttpError("cut"), 503, "UNAVAILABLE"),
        (HttpError("slow", timed_out=True), 504, "TIMEOUT"),
    ],
)
async def test_no_account_is_made_of_a_bad_answer(
    browser: Any, reply: HttpReply | HttpError, status: int, code: str
) -> None:
    state = await browser.begin()
    browser.workos_says = reply
    response = await browser.get(f"/callback?code=c1&state={state}")
    assert (response.status, code_of(response)) == (status, code)
    assert not any("users" in sql for sql, _ in browser.tables.statements)
    assert "invalid_grant" not in response.body


SIGNED_IN = Identity("user", "usr_1", "user", session_id="ses_1")
SESSION: dict[str, Any] = {
    "id": "ses_1", "created_at": "2026-11-23T10:00:00.000Z", "expires_at": "2026-11-30T10:00:00.000Z", "user_id": "usr_1",
    "email": "ann@example.test", "name": None, "role": "viewer", "organization_id": "org_1",
    "grants": [], "email_verified": True, "disabled_at": None, "user_created_at": "2026-11-23T10:00:00.000Z",
    "user_updated_at": "2026-11-23T10:00:00.000Z", "workos_id": "user_w1",
}  # fmt: skip


async def test_a_session_is_read_without_its_token(browser: Any) -> None:
    browser.tables.session = SESSION
    body = json.loads((await browser.get("/session", SIGNED_IN)).body)
    assert (body["id"], body["user"]["id"], body["user"]["organization_id"]) == ("ses_1", "usr_1", "org_1")
    assert body["permissions"] == ["things:read", "relationships:read", "search:read"]
    assert not [name for name in body if "token" in name]


@pytest.mark.parametrize(
    ("identity", "status", "code"),
    [
        (None, 401, "UNAUTHENTICATED"),
        (Identity("anonymous"), 401, "UNAUTHENTICATED"),
        (Identity("api_key", "usr_1", "user", key_id="key_1"), 401, "NO_SESSION"),
        (SIGNED_IN, 404, "NOT_FOUND"),
    ],
)
async def test_who_has_no_session_has_none_to_read(
    browser: Any, identity: Identity | None, status: int, code: str
) -> None:
    response = await browser.get("/session", identity)
    assert (response.status, code_of(response)) == (status, code)


@pytest.mark.parametrize("missing", ["JWT_SECRET", "PUBLIC_URL", "WORKOS_CLIENT_ID"])
async def test_a_missing_variable_is_named(browser: Any, missing: str) -> None:
    del browser.bindings.texts[missing]
    response = await browser.get("/login")
    assert (response.status, code_of(response)) == (503, "NOT_CONFIGURED")
    assert missing in response.body
