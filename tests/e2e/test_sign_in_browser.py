"""A person signs in and out with a browser: headless Chromium, the whole stack, WorkOS's emulator."""

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Page, Response, expect

from scripts.runtime.services import ROOT
from tests.e2e.platform import Platform, problem

PROTECTED = "/db/things/demo/welcome"


def way(response: Response | None) -> list[str]:
    """The paths a navigation went by, from the first to where it ended."""
    assert response is not None
    request: Any = response.request
    paths: list[str] = []
    while request is not None:
        paths.insert(0, urlsplit(request.url).path)
        request = request.redirected_from
    return paths


FETCH = """([path, method, body]) =>
    fetch(path, {method, body, headers: body ? {"content-type": "application/json"} : {}}).then((answer) => answer.status)"""


async def fetched(page: Page, path: str, method: str = "GET", body: str | None = None) -> int:
    """The status that a script of the page gets."""
    status: int = await page.evaluate(FETCH, [path, method, body])
    return status


async def token_of(page: Page) -> str:
    """The session cookie, which no script of a page sees."""
    kept = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
    return kept["session"]


WAY = [PROTECTED, "/auth/login", "/user_management/authorize", "/auth/callback", PROTECTED]


async def test_who_opens_a_protected_page_signs_in_and_is_back(platform: Platform, page: Page) -> None:
    landed = await page.goto(platform.gateway_url + PROTECTED)
    assert way(landed) == WAY
    assert landed is not None
    assert (landed.status, (await landed.json())["data"]) == (200, {"title": "Welcome"})
    assert page.url == platform.gateway_url + PROTECTED
    session = await page.goto(platform.gateway_url + "/auth/session")
    assert session is not None
    assert (await session.json())["user"]["email"] == "admin@example.com"
    assert await page.evaluate("document.cookie") == "", "no script reads a session"
    kept = {cookie["name"]: cookie for cookie in await page.context.cookies()}
    assert set(kept) == {"session", "refresh"}
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in kept.values())
    assert "token" not in page.url


async def test_a_session_goes_on_by_its_cookies_and_ends_with_signing_out(platform: Platform, page: Page) -> None:
    await page.goto(platform.gateway_url + PROTECTED)
    first = await token_of(page)
    assert await fetched(page, "/auth/refresh", "POST", "{}") == 204
    second = await token_of(page)
    assert second != first
    assert await fetched(page, "/auth/me") == 200
    assert await fetched(page, "/auth/logout", "POST") == 200
    assert await page.context.cookies(platform.gateway_url + "/auth/refresh") == []
    assert await fetched(page, PROTECTED) == 401
    assert await fetched(page, "/auth/session") == 401
    assert await fetched(page, "/auth/refresh", "POST", "{}") == 401
    for token in (first, second):
        assert (await platform.result("AUTH", "verify", token))["code"] == "REVOKED", "not of this browser alone"
    assert way(await page.goto(platform.gateway_url + PROTECTED)) == WAY, "and the next page is signed in for again"


async def test_a_script_without_a_session_is_told_so_and_sent_nowhere(platform: Platform, page: Page) -> None:
    await page.goto(platform.gateway_url + "/health")
    assert await fetched(page, PROTECTED) == 401
    async with platform.client(follow_redirects=False) as curl:
        problem(await curl.get(PROTECTED), 401, "UNAUTHENTICATED")
        problem(await curl.get(PROTECTED, headers={"accept": "text/html"}), 401, "UNAUTHENTICATED")


async def test_a_page_of_another_site_changes_nothing_in_a_signed_in_browser(platform: Platform, page: Page) -> None:
    """`localhost` is another site than `127.0.0.1`; its form posts with whatever cookies the browser sends."""
    await page.goto(platform.gateway_url + PROTECTED)
    before = platform.rows("select count(*) from api_keys where user_id = 'usr_admin'")
    foreign = platform.gateway_url.replace("127.0.0.1", "localhost")
    await page.goto(f"{foreign}/health")
    form = """(action) => {
      const form = Object.assign(document.createElement("form"), {method: "POST", action, enctype: "text/plain"});
      document.body.append(form);
      form.submit();
    }"""
    for path in ("/auth/apikeys", "/auth/refresh", "/auth/logout"):
        async with page.expect_navigation() as navigation:
            await page.evaluate(form, platform.gateway_url + path)
        assert (await navigation.value).status in (401, 403, 415)
        await page.goto(f"{foreign}/health")
    assert platform.rows("select count(*) from api_keys where user_id = 'usr_admin'") == before
    session = await page.goto(platform.gateway_url + "/auth/session")
    assert session is not None
    assert session.status == 200


async def test_an_administrator_makes_the_first_key_on_the_page_of_the_reference(
    platform: Platform, page: Page
) -> None:
    """As docs/deploying.md has it done, where nobody has a key yet."""
    told = (ROOT / "docs" / "deploying.md").read_text().partition("## 5. The first administrator")[2]
    opened, sent = re.search(r"(/docs#\w+)`", told), re.search(r"send `(\{.+?\})`", told)
    assert opened is not None and sent is not None
    await page.goto(platform.gateway_url + "/auth/login")
    await page.goto(platform.gateway_url + opened[1])
    await page.locator("[name='body']").fill(sent[1])
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("form .status")).to_have_text("201")
    key = re.search(r'"key": "(sk_\w+)"', await page.get_by_label("The body of the answer").inner_text())
    assert key is not None
    async with httpx.AsyncClient(
        base_url=platform.gateway_url, headers={"authorization": f"Bearer {key[1]}"}
    ) as client:
        assert (await client.get("/auth/me")).json()["role"] == "admin"
        assert (await client.get("/schedule/executions?limit=1")).status_code == 200
