"""API keys, and signing in through the vendor's WorkOS emulator."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.e2e.platform import Platform, problem


async def sign_in(
    client: httpx.AsyncClient, email: str = "viewer@example.com", return_to: str = "/auth/session"
) -> httpx.Response:
    """Follows the browser's way: gateway → WorkOS → callback → return_to."""
    return await client.get("/auth/login", params={"return_to": return_to, "login_hint": email}, follow_redirects=True)


async def test_signing_in_makes_a_session(platform: Platform) -> None:
    async with platform.client() as browser:
        landed = await sign_in(browser)
        assert landed.status_code == 200, landed.text
        session = landed.json()
        assert session["user"]["email"] == "viewer@example.com"
        assert session["user"]["role"] == "viewer"
        assert "token" not in landed.text
        assert (await browser.get("/auth/session")).json() == session
        assert (await browser.get("/db/things/demo/welcome")).status_code == 200
        headers = {"origin": platform.gateway_url}
        problem(await browser.put("/db/things/demo/welcome", json={"type": "x"}, headers=headers), 403, "FORBIDDEN")
        problem(await browser.put("/db/things/demo/welcome", json={"type": "x"}), 403, "CSRF")
    rows = platform.rows("select user_id, revoked_at from sessions where id = %s", session["id"])
    assert rows == [("usr_viewer", None)]
    record = platform.rows("select actor, action from audit_log where target = %s", session["id"])
    assert record == [("user:usr_viewer", "session.created")]


async def test_the_session_cookie_is_for_this_site_alone(platform: Platform) -> None:
    async with platform.client() as browser:
        landed = await sign_in(browser)
    (callback,) = [step for step in landed.history if step.url.path == "/auth/callback"]
    cookies = callback.headers.get_list("set-cookie")
    (session,) = [cookie for cookie in cookies if cookie.startswith("session=")]
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    assert "token" not in callback.headers["location"]
    assert callback.status_code == 303


async def test_a_revoked_session_is_over_at_once_for_auth(platform: Platform) -> None:
    async with platform.client() as browser:
        session = (await sign_in(browser)).json()
        platform.rows("update sessions set revoked_at = now() where id = %s returning id", session["id"])
        token = browser.cookies["session"]
    assert (await platform.result("AUTH", "verify", token))["code"] == "REVOKED"


async def callback_of(browser: httpx.AsyncClient) -> str:
    """The callback address of a sign-in that has not come back yet."""
    login = await browser.get("/auth/login", params={"login_hint": "viewer@example.com"})
    async with httpx.AsyncClient() as workos:
        answer = await workos.get(login.headers["location"])
    return answer.headers["location"]


async def test_a_sign_in_is_bound_to_the_browser_that_began_it(platform: Platform) -> None:
    async with platform.client() as victim, platform.client() as attacker:
        address = await callback_of(attacker)
        problem(await victim.get(address), 400, "LOGIN_FAILED")
        await victim.get("/auth/login")
        problem(await victim.get(address), 400, "LOGIN_FAILED")
        assert "session" not in victim.cookies


async def test_a_sign_in_works_once(platform: Platform) -> None:
    async with platform.client() as browser:
        address = await callback_of(browser)
        kept = dict(browser.cookies)
        assert (await browser.get(address)).status_code == 303
        async with platform.client() as again:
            again.cookies.update(kept)
            problem(await again.get(address), 400, "LOGIN_FAILED")


async def test_login_sends_pkce_and_no_secret(anonymous: httpx.AsyncClient) -> None:
    login = await anonymous.get("/auth/login")
    assert login.status_code == 302
    query = parse_qs(urlsplit(login.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert query["redirect_uri"][0].endswith("/auth/callback")
    assert "client_secret" not in query


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
async def test_login_returns_nowhere_else(anonymous: httpx.AsyncClient, target: str) -> None:
    problem(await anonymous.get("/auth/login", params={"return_to": target}), 400, "INVALID_ARGUMENT")


async def test_an_api_key_has_no_session(viewer: httpx.AsyncClient) -> None:
    problem(await viewer.get("/auth/session"), 401, "NO_SESSION")


async def test_a_made_key_works_and_is_stored_as_a_hash(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    made = await platform.result(
        "AUTH", "createApiKey", {"userId": "usr_user", "name": "ci", "environment": "test", "scopes": ["things:read"]}
    )
    key = {"authorization": f"bearer {made['key']}"}
    assert (await anonymous.get("/db/things/demo/welcome", headers=key)).status_code == 200
    problem(await anonymous.put("/db/things/demo/welcome", headers=key, json={"type": "x"}), 403, "FORBIDDEN")
    (row,) = platform.rows("select * from api_keys where id = %s", made["id"])
    assert made["key"] not in repr(row)

    answer = await platform.result("AUTH", "verify", made["key"])
    assert (answer["code"], answer["permissions"], answer["keyId"]) == ("VALID", ["things:read"], made["id"])
    platform.rows("update api_keys set revoked_at = now() where id = %s returning id", made["id"])
    assert (await platform.result("AUTH", "verify", made["key"]))["code"] == "REVOKED"


async def test_a_key_gets_no_scope_its_owner_has_not(platform: Platform) -> None:
    wanted = {"userId": "usr_viewer", "name": "more", "scopes": ["things:write"]}
    answer = await platform.call("AUTH", "createApiKey", wanted)
    assert "SCOPE_EXCEEDS_OWNER" in answer["error"]["message"]
