"""A person signs in and out with a browser: headless Chromium, the whole stack, WorkOS's emulator."""

from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Page, Response

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


async def fetched(page: Page, path: str, method: str = "GET") -> int:
    """The status that a script of the page gets."""
    status: int = await page.evaluate(
        "([path, method]) => fetch(path, {method}).then((answer) => answer.status)", [path, method]
    )
    return status


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
    assert await fetched(page, "/auth/refresh", "POST") in (204, 415)


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
    for path in ("/auth/apikeys", "/auth/refresh"):
        async with page.expect_navigation() as navigation:
            await page.evaluate(form, platform.gateway_url + path)
        assert (await navigation.value).status in (401, 403, 415)
        await page.goto(f"{foreign}/health")
    assert platform.rows("select count(*) from api_keys where user_id = 'usr_admin'") == before
    session = await page.goto(platform.gateway_url + "/auth/session")
    assert session is not None
    assert session.status == 200
