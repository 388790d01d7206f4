"""Signing in through WorkOS and out again, on the real runtime, against the vendor's emulator."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.e2e.credentials import audited, bearer, session_of
from tests.e2e.platform import Platform, problem
from tests.e2e.workos_events import unique
from tests.e2e.workos_people import callback_of, code_in, emulator

SAME_SITE = {"sec-fetch-site": "same-origin"}
AS_JSON = {"accept": "application/json"}


async def session_in(browser: httpx.AsyncClient) -> dict[str, Any]:
    answer = await browser.get("/auth/session")
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


async def test_signing_in_to_an_organisation_gives_its_role(platform: Platform) -> None:
    async with emulator(platform) as workos, platform.client() as browser:
        person, organization = await workos.user(), await workos.organization()
        await workos.membership(person["id"], organization["id"], "viewer")
        query = {"login_hint": person["email"], "organization": organization["id"]}
        began = await browser.get("/auth/login", params=query)
        asked = parse_qs(urlsplit(began.headers["location"]).query)
        assert asked["organization_id"] == [organization["id"]]
        assert (await browser.get(await callback_of(browser, **query))).status_code == 303
        session = await session_in(browser)
    assert (session["user"]["role"], session["user"]["organization_id"]) == ("viewer", organization["id"])
    ((workos_session,),) = platform.rows("select workos_session_id from sessions where id = %s", session["id"])
    assert workos_session.startswith("session_")
    assert "user.role_changed" in audited(platform, session["user"]["id"]) or platform.rows(
        "select 1 from users where id = %s and role = 'viewer'", session["user"]["id"]
    )


async def test_who_signs_in_as_somebody_else_is_recorded(platform: Platform) -> None:
    async with platform.client() as browser:
        assert (await browser.get(await callback_of(browser, login_hint="impersonated@example.com"))).status_code == 303
        user = (await session_in(browser))["user"]["id"]
    rows = platform.rows(
        "select actor, details from audit_log where action = 'user.impersonated' and target = %s", user
    )
    assert rows == [("anonymous", {"by": "support@example.com", "reason": "a ticket"})]


async def test_tokens_as_json_for_who_asks_for_them(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    async with platform.client() as app:
        address = await callback_of(app, login_hint="viewer@example.com")
        answer = await app.get(address, headers=AS_JSON)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert set(app.cookies) == set(), "the sign-in is over, and no session is left in cookies"
    pair = answer.json()
    assert (pair["token_type"], pair["expires_in"], pair["session"]["user_id"]) == ("Bearer", 900, "usr_viewer")
    assert (await anonymous.get("/auth/me", headers=bearer(pair["token"]))).json()["id"] == "usr_viewer"


async def test_signing_out_ends_the_session_here_and_leads_to_where_it_ends_there(platform: Platform) -> None:
    async with platform.client() as browser:
        await browser.get(await callback_of(browser, login_hint="viewer@example.com"))
        session, token = await session_in(browser), browser.cookies["session"]
        problem(await browser.post("/auth/logout"), 403, "CSRF")
        answer = await browser.post("/auth/logout", headers=SAME_SITE)
        assert answer.status_code == 200, answer.text
        assert set(browser.cookies) == set()
        problem(await browser.get("/auth/session"), 401, "UNAUTHENTICATED")
    url = urlsplit(answer.json()["logout_url"])
    ((workos_session,),) = platform.rows("select workos_session_id from sessions where id = %s", session["id"])
    assert f"{url.scheme}://{url.netloc}" == platform.workos_url
    assert (url.path, parse_qs(url.query)) == (
        "/user_management/sessions/logout", {"session_id": [workos_session]},
    )  # fmt: skip
    async with httpx.AsyncClient() as workos:
        assert (await workos.get(answer.json()["logout_url"])).json() == {"success": True}
    assert (await platform.result("AUTH", "verify", token))["code"] == "REVOKED"
    assert audited(platform, session["id"]) == ["session.created", "session.revoked"]


async def test_signing_out_works_with_what_is_left_and_more_than_once(platform: Platform) -> None:
    made = await session_of(platform)
    async with platform.client() as browser:
        cookie = {"cookie": f"refresh={made['refreshToken']}", **SAME_SITE}
        for _ in range(2):
            answer = await browser.post("/auth/logout", headers=cookie)
            assert (answer.status_code, answer.json()) == (200, {"logout_url": None})
            assert len(answer.headers.get_list("set-cookie")) == 2
    assert (await platform.result("AUTH", "verify", made["token"]))["code"] == "REVOKED"


async def test_signing_out_ends_nothing_of_others(platform: Platform, user: httpx.AsyncClient) -> None:
    made = await session_of(platform)
    for headers in ({}, {"cookie": f"session={made['session']['id']}; refresh={made['session']['id']}", **SAME_SITE}):
        assert (await user.post("/auth/logout", headers=headers)).json() == {"logout_url": None}
    async with platform.client() as anonymous:
        await anonymous.post("/auth/logout", headers=bearer(made["session"]["id"]))
    assert (await platform.result("AUTH", "verify", made["token"]))["code"] == "VALID"


async def test_sign_ins_at_once_of_the_same_new_user_make_one_account(platform: Platform) -> None:
    async with emulator(platform) as workos:
        person = await workos.user()
    browsers = [platform.client() for _ in range(6)]
    try:
        addresses = [await callback_of(browser, login_hint=person["email"]) for browser in browsers]
        answers = await asyncio.gather(
            *(browser.get(address) for browser, address in zip(browsers, addresses, strict=True))
        )
        assert {answer.status_code for answer in answers} == {303}
        ids = {(await session_in(browser))["user"]["id"] for browser in browsers}
    finally:
        for browser in browsers:
            await browser.aclose()
    assert len(ids) == 1
    assert platform.rows("select count(*) from users where lower(email) = lower(%s)", person["email"]) == [(1,)]


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ({}, None),
        ({"first_name": "Ada"}, "Ada"),
        ({"last_name": " "}, None),
        ({"first_name": "ø", "last_name": "日本"}, "ø 日本"),
    ],
)
async def test_a_user_has_the_name_he_has(platform: Platform, names: dict[str, str], name: str | None) -> None:
    async with emulator(platform) as workos, platform.client() as browser:
        person = await workos.user(**names)
        await browser.get(await callback_of(browser, login_hint=person["email"]))
        assert (await session_in(browser))["user"]["name"] == name


async def test_an_unverified_address_opens_nobodys_account(platform: Platform) -> None:
    email = f"{unique('owner')}@example.com"
    platform.rows("insert into users (id, email, email_verified) values (%s, %s, true) returning id", email, email)
    async with emulator(platform) as workos, platform.client() as thief:
        await workos.user(email=email.upper(), email_verified=False)
        answer = await thief.get(await callback_of(thief, login_hint=email.upper()))
        problem(answer, 403, "EMAIL_NOT_VERIFIED")
        assert "session" not in thief.cookies
    assert platform.rows("select workos_id from users where id = %s", email) == [(None,)]


async def test_an_unverified_address_keeps_nobody_from_his_own(platform: Platform) -> None:
    """Who takes a stranger's address, and waits there for him, waits for nothing: the stranger's account is his own."""
    email = f"{unique('victim')}@example.com"
    async with emulator(platform) as workos, platform.client() as squatter, platform.client() as victim:
        await workos.user(email=email, email_verified=False)
        await squatter.get(await callback_of(squatter, login_hint=email))
        taken = (await session_in(squatter))["user"]
        await workos.user(email=email.upper(), email_verified=True)
        await victim.get(await callback_of(victim, login_hint=email.upper()))
        own = (await session_in(victim))["user"]
        assert (own["email"], own["id"] == taken["id"]) == (email.upper(), False)
        assert (await session_in(squatter))["user"]["email"] == f"{taken['id']}@displaced.invalid"


async def test_a_verified_address_finds_the_account_made_for_it(platform: Platform) -> None:
    email = f"{unique('invited')}@example.com"
    platform.rows("insert into users (id, email, role) values (%s, %s, 'viewer') returning id", email, email)
    async with emulator(platform) as workos, platform.client() as browser:
        await workos.user(email=email)
        await browser.get(await callback_of(browser, login_hint=email))
        user = (await session_in(browser))["user"]
    assert (user["id"], user["role"], user["email_verified"]) == (email, "viewer", True)


async def test_a_session_planted_before_is_not_the_one_signed_in_to(platform: Platform) -> None:
    planted = await session_of(platform, "usr_user")
    async with platform.client() as browser:
        browser.cookies.set("session", planted["token"])
        browser.cookies.set("refresh", planted["refreshToken"], path="/auth")
        address = await callback_of(browser, login_hint="viewer@example.com")
        signed_in = await browser.get(address)
        assert signed_in.status_code == 303
        cookies = [cookie.partition("=")[0] for cookie in signed_in.headers.get_list("set-cookie")]
        assert cookies == ["session", "refresh", "login"]
        fresh = httpx.Cookies()
        fresh.extract_cookies(signed_in)
    async with platform.client() as other:
        other.cookies = fresh
        session = await session_in(other)
    assert session["user"]["id"] == "usr_viewer"
    assert session["id"] != planted["session"]["id"]
    assert (await platform.result("AUTH", "getSession", planted["session"]["id"]))["userId"] == "usr_user"


async def test_over_rpc_a_worker_sends_people_to_workos_and_takes_them_back(platform: Platform) -> None:
    async with emulator(platform) as workos:
        person = await workos.user(first_name="Rpc")
    back = "http://127.0.0.1:1/back"
    url = await platform.result(
        "AUTH", "getWorkOSAuthURL", back, "st 1", {"loginHint": person["email"], "provider": "google"}
    )
    query = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{platform.workos_url}/user_management/authorize?")
    assert (query["redirect_uri"], query["state"], query["provider"]) == ([back], ["st 1"], ["GoogleOAuth"])
    async with httpx.AsyncClient() as browser:
        address = (await browser.get(url)).headers["location"]
    assert address.startswith(f"{back}?")
    got = await platform.result("AUTH", "exchangeWorkOSCode", code_in(address))
    assert (got["user"]["email"], got["user"]["name"], got["organizationId"]) == (person["email"], "Rpc", None)
    assert (got["permissions"], got["sessionId"].startswith("session_")) == ([], True)
    assert "accessToken" in got
    assert "ok" in await platform.call("AUTH", "createSession", got["user"]["id"])
    again = await platform.call("AUTH", "exchangeWorkOSCode", code_in(address))
    assert "LOGIN_FAILED" in again["error"]["message"]
    assert "INVALID_ARGUMENT" in (await platform.call("AUTH", "getWorkOSAuthURL", "javascript:x"))["error"]["message"]


@pytest.mark.parametrize("provider", ["GoogleOAuth", "myspace", ""])
async def test_only_providers_that_there_are(anonymous: httpx.AsyncClient, provider: str) -> None:
    problem(await anonymous.get("/auth/login", params={"provider": provider}), 400, "INVALID_ARGUMENT")
