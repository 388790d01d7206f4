"""GET /docs in a browser: all of the reference is there, is found, and makes calls; nothing comes from elsewhere or stays."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.browsers import PHONE
from tests.e2e.platform import Platform

WELCOME = {"path ns": "demo", "path id": "welcome"}


@dataclass
class Docs:
    """The open page. `console`: what the browser complained of; `asked`: every address that was fetched."""

    page: Page
    url: str
    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def open(self, operation: str = "") -> None:
        await self.page.goto(f"{self.url}/docs#{operation}")
        await expect(self.page.locator("nav [href='#gateway_health']")).to_be_attached()

    async def send(self, key: str, values: dict[str, str]) -> None:
        for name, value in values.items():
            await self.page.locator(f"[name='{name}']").fill(value)
        await self.page.get_by_label("API key").fill(key)
        await self.page.get_by_role("button", name="Send").click()


@pytest.fixture
async def docs(platform: Platform, page: Page) -> AsyncIterator[Docs]:
    docs = Docs(page, platform.gateway_url)
    page.on("console", lambda message: docs.console.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: docs.asked.append(request.url))
    yield docs
    assert docs.console == []
    assert [url for url in docs.asked if not url.startswith((docs.url, "data:"))] == []


async def test_the_page_is_one_file_that_browsers_keep(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'sha256-" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    again = await anonymous.get("/docs", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await anonymous.get("/")).json()["links"]["docs"] == "/docs"


async def test_every_operation_is_shown(docs: Docs, anonymous: httpx.AsyncClient) -> None:
    document = (await anonymous.get("/openapi.json")).json()
    rows = [(verb.upper(), path, row) for path, verbs in document["paths"].items() for verb, row in verbs.items()]
    await docs.open()
    assert await docs.page.locator("nav li a").count() == len(rows) > 50
    for verb, path, row in rows:
        await docs.page.evaluate("id => { location.hash = id; show(); }", row["operationId"])
        article = docs.page.locator("article")
        assert await article.locator(".address").inner_text() == f"{verb}\n{path}"
        assert await article.locator("h1").inner_text() == row["summary"].replace("`", "")
        shown = await article.locator(".status").all_inner_texts()
        assert sorted(shown) == sorted(row["responses"])
        for parameter in row["parameters"]:
            assert await article.locator(f"form [name='{parameter['in']} {parameter['name']}']").count() == 1


async def test_search_by_keyboard(docs: Docs) -> None:
    await docs.open()
    await docs.page.keyboard.press("/")
    await docs.page.keyboard.type("apikeys rotate")
    visible = docs.page.locator("nav li a:visible")
    await expect(visible).to_have_count(1)
    await expect(docs.page.locator("#found")).to_have_text("1 operations found")
    await docs.page.keyboard.press("Enter")
    await expect(docs.page.locator(".address")).to_contain_text("/auth/apikeys/{id}/rotate")
    await docs.page.keyboard.press("/")
    await docs.page.keyboard.press("Control+a")
    await docs.page.keyboard.type("no such words")
    await expect(docs.page.get_by_text("Nothing has all of these words.")).to_be_visible()
    await docs.page.keyboard.press("Escape")
    assert await visible.count() > 50


async def test_a_call_is_made_and_its_key_kept_nowhere(docs: Docs, platform: Platform) -> None:
    await docs.open("db_get_thing")
    await docs.send(platform.keys["viewer"], WELCOME)
    await expect(docs.page.locator("form .status")).to_have_text("200")
    await expect(docs.page.get_by_label("The body of the answer")).to_contain_text('"id": "welcome"')
    command = await docs.page.get_by_label("The call with curl").inner_text()
    assert f"{docs.url}/db/things/demo/welcome" in command
    assert "Bearer $KEY" in command
    kept = await docs.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
    assert platform.keys["viewer"] not in kept + command + "".join(docs.asked)
    await docs.page.reload()
    assert await docs.page.get_by_label("API key").input_value() == ""


async def test_a_write_with_its_example_and_an_error(docs: Docs, platform: Platform) -> None:
    await docs.open("db_put_thing")
    await docs.send(platform.keys["user"], {"path ns": "docs", "path id": "a b ?"})
    await expect(docs.page.locator("form .status")).to_have_text("201")
    assert platform.rows("select type from things where ns = 'docs' and id = 'a b ?'") == [("note",)]
    await docs.send(platform.keys["viewer"], {"path ns": "docs", "path id": "x"})
    await expect(docs.page.locator("form .status")).to_have_text("403")
    await expect(docs.page.get_by_label("The body of the answer")).to_contain_text("FORBIDDEN")
    assert docs.console.pop().startswith("Failed to load resource"), "the browser's own word on the 403"


async def test_on_a_phone_the_list_leads_to_the_operation_and_back(docs: Docs) -> None:
    await docs.page.set_viewport_size(ViewportSize(width=PHONE["width"], height=PHONE["height"]))
    for operation in ("", "db_put_thing", "auth_create_api_key"):
        await docs.open(operation)
        assert await docs.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await docs.page.get_by_role("link", name="All operations").click()
    await expect(docs.page.locator("main")).to_be_hidden()
    await docs.page.get_by_role("link", name="GET /ready").click()
    await expect(docs.page.locator("nav")).to_be_hidden()
    await expect(docs.page.locator("h1")).to_be_focused()


async def test_every_control_has_a_name_and_every_text_enough_contrast(docs: Docs) -> None:
    await docs.open("db_create_thing")
    for scheme in ("light", "dark"):
        await docs.page.emulate_media(color_scheme=scheme)
        assert await docs.page.evaluate(LABELLED)
        assert await docs.page.evaluate(CONTRAST) >= 4.5, scheme


LABELLED = "[...document.querySelectorAll('input, select, textarea')].every((one) => one.labels.length === 1)"

CONTRAST = """() => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
    .map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, n) => sum + one * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
  };
  const written = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
  const texts = [...document.querySelectorAll("body *:not(script, .hidden)")]
    .filter((node) => node.checkVisibility() && written(node));
  return Math.min(...texts.map((node) => {
    const [one, two] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
    return (one + 0.05) / (two + 0.05);
  }));
}"""


async def test_no_other_script_runs_there(docs: Docs) -> None:
    await docs.open()
    ran = await docs.page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      return "ran" in window;
    }""")
    assert not ran
    assert "Content Security Policy" in docs.console.pop()
