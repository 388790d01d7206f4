"""The known defects of signing in through WorkOS, each shown to be absent. Those of credentials and rights are in test_auth."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from auth.adapters import workos
from tests.e2e import workos_events as events
from tests.e2e.credentials import session_of
from tests.e2e.platform import Platform, problem
from tests.e2e.workos_people import callback_of, emulator
from tests.unit.auth.rsa import signed


async def test_A_2_errors_of_signing_in_have_bodies(anonymous: httpx.AsyncClient) -> None:
    assert problem(await anonymous.get("/auth/callback"), 400, "LOGIN_FAILED")["detail"]
    assert (await anonymous.post("/auth/logout")).json() == {"logout_url": None}


@pytest.mark.parametrize("path", ["/auth/login", "/auth/sso/authorize?organization=org_1"])
@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "https:evil.example"])
async def test_A_3_no_sign_in_ends_at_a_place_of_the_askers_choice(
    anonymous: httpx.AsyncClient, path: str, target: str
) -> None:
    url = httpx.URL(path).copy_merge_params({"return_to": target})
    problem(await anonymous.get(url), 400, "INVALID_ARGUMENT")


async def test_A_3_no_token_is_part_of_an_address(platform: Platform) -> None:
    async with platform.client() as browser:
        answer = await browser.get(await callback_of(browser, login_hint="viewer@example.com", return_to="/x?y=z"))
        assert answer.headers["location"] == "/x?y=z"


async def test_A_4_workos_returns_here_and_the_browser_to_where_it_came_from(platform: Platform) -> None:
    async with platform.client() as browser:
        began = await browser.get("/auth/login", params={"return_to": "/app"})
        back = parse_qs(urlsplit(began.headers["location"]).query)["redirect_uri"]
        assert back == [f"{platform.gateway_url}/auth/callback"]


async def test_A_5_a_state_is_ours_this_browsers_and_good_once(platform: Platform) -> None:
    async with platform.client() as browser, platform.client() as other:
        began = await browser.get("/auth/login", params={"state": "chosen"})
        problem(began, 400, "INVALID_ARGUMENT")
        address = await callback_of(browser, login_hint="viewer@example.com")
        problem(await other.get(address), 400, "LOGIN_FAILED")
        kept = dict(browser.cookies)
        assert (await browser.get(address)).status_code == 303
        browser.cookies.update(kept)
        problem(await browser.get(address), 400, "LOGIN_FAILED")


async def test_A_6_a_webhook_is_checked(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    told = events.event("user.created", events.user(events.unique("user"), "a06@example.com", time.time()), time.time())
    body = json.dumps(told).encode()
    for signature in ("", "t=1, v1=00", events.signature(body, key="guess"), events.signature(body + b" ")):
        headers = {"workos-signature": signature, "content-type": "application/json"}
        problem(await anonymous.post("/auth/webhooks/workos", content=body, headers=headers), 401, "INVALID_SIGNATURE")
    problem(await events.deliver(platform, told, at_s=time.time() - 200), 401, "STALE_SIGNATURE")
    assert (await events.deliver(platform, told)).json() == {"status": "applied"}


async def test_A_10_a_session_is_not_ended_by_its_id(platform: Platform) -> None:
    made = await session_of(platform)
    id = made["session"]["id"]
    tries: list[dict[str, Any]] = [
        {"authorization": f"Bearer {id}"},
        {"cookie": f"sessionId={id}; session={id}; refresh={id}", "sec-fetch-site": "same-origin"},
        {},
    ]
    async with platform.client() as stranger:
        for headers in tries:
            await stranger.post("/auth/logout", headers=headers)
        by_cookie = {"cookie": f"refresh={made['refreshToken']}"}
        problem(await stranger.post("/auth/logout", headers=by_cookie), 403, "CSRF")
    assert (await platform.result("AUTH", "verify", made["token"]))["code"] == "VALID"


async def test_A_23_what_a_token_of_workos_says_counts_once_it_is_verified(platform: Platform) -> None:
    """What its signature is tried with is in tests/unit/auth/test_workos_tokens; here that nobody decodes it otherwise."""
    sources = Path(workos.__file__).parents[2].rglob("*.py")
    decoding = [file.name for file in sources if "b64decode" in file.read_text() or "jwt" in file.read_text().split()]
    assert decoding == []
    answer = await platform.result("AUTH", "verify", signed({"sub": "user_1", "exp": time.time() + 60}))
    assert (answer["valid"], answer["code"]) == (False, "NOT_FOUND")


async def test_A_24_a_user_is_asked_for_by_his_id(platform: Platform) -> None:
    async with emulator(platform) as workos, platform.client() as browser:
        person = await workos.user(first_name="A24")
        await browser.get(await callback_of(browser, login_hint=person["email"]))
        assert (await browser.get("/auth/session")).json()["user"]["name"] == "A24"
    assert platform.rows("select count(*) from users where workos_id = %s", person["id"]) == [(1,)]


async def test_A_25_a_domain_lets_in_its_own_organisation_alone(platform: Platform) -> None:
    """Tried in all ways in tests/e2e/test_auth_sso."""
    async with emulator(platform) as workos:
        ids = [(await workos.organization(f"a25-{name}.example"))["id"] for name in ("one", "two")]
        for id, name in zip(ids, ("one", "two"), strict=True):
            await workos.connection(id, f"a25-{name}.example")
    async with platform.client() as browser, platform.client() as other:
        theirs = await callback_of(browser, "/auth/sso/authorize", domain="a25-one.example")
        mine = await callback_of(other, "/auth/sso/authorize", domain="a25-two.example")
        swapped = httpx.URL(theirs).copy_set_param("code", httpx.URL(mine).params["code"])
        problem(await browser.get(swapped), 403, "FOREIGN_PROFILE")


async def test_A_26_a_user_without_a_name_has_none_and_his_organisation_is_kept_up(platform: Platform) -> None:
    async with emulator(platform) as workos:
        person, first, second = await workos.user(), await workos.organization(), await workos.organization()
        seen = []
        for organization in (first, second):
            await workos.membership(person["id"], organization["id"], "member")
            async with platform.client() as browser:
                query = {"login_hint": person["email"], "organization": organization["id"]}
                await browser.get(await callback_of(browser, **query))
                seen.append((await browser.get("/auth/session")).json()["user"])
    assert [(user["name"], user["organization_id"]) for user in seen] == [(None, first["id"]), (None, second["id"])]
    assert seen[0]["id"] == seen[1]["id"]


@pytest.mark.parametrize(
    ("name", "theirs"), [("google", "GoogleOAuth"), ("github", "GitHubOAuth"), ("authkit", "authkit")]
)
async def test_A_34_a_provider_is_called_as_workos_calls_it(
    anonymous: httpx.AsyncClient, name: str, theirs: str
) -> None:
    answer = await anonymous.get("/auth/login", params={"provider": name})
    assert parse_qs(urlsplit(answer.headers["location"]).query)["provider"] == [theirs]
    problem(await anonymous.get("/auth/login", params={"provider": "facebook"}), 400, "INVALID_ARGUMENT")
