"""GET /schedule/dashboard in a browser: what ran is shown, and a person can run, stop and try again, by keyboard too."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from playwright.async_api import Locator, Page, ViewportSize, expect

from tests.browsers import PHONE
from tests.e2e.platform import Platform, problem

TASK = "test-board"
DEAD = "test-board@1"
HANDLER = "cleanup-expired-sessions"

_RUNS = """
insert into task_executions
    (run_id, task, trigger, status, scheduled_at, started_at, finished_at, duration_ms, error_code, error_message)
select run, %s, 'cron', status, at - interval '6 hours', at, at, ms, code, message from (values
    ('test-board@1', now() - interval '3 hours', 'dead', 900, 'SERVICE_DOWN', '<img src=x onerror=fail()>'),
    ('test-board@2', now() - interval '2 hours', 'succeeded', 1200, null, null),
    ('test-board@3', now() - interval '1 hour', 'succeeded', 40, null, null)
) as runs (run, at, status, ms, code, message) returning run_id
"""


@pytest.fixture
def _runs(platform: Platform) -> Iterator[None]:
    platform.rows(
        "insert into scheduled_tasks (name, schedule, handler, due_after) values (%s, '@weekly', %s, now()) returning name",
        TASK,
        HANDLER,
    )
    platform.rows(_RUNS, TASK)
    yield
    platform.rows("delete from scheduled_tasks where name = %s returning name", TASK)
    platform.rows("delete from task_executions where task = %s returning task", TASK)


@pytest.fixture
async def board(platform: Platform, page: Page, _runs: None) -> AsyncIterator[Page]:
    """The page as an administrator sees it, who was sent to sign in on the way. Nothing comes from elsewhere."""
    asked: list[str] = []
    await page.goto(f"{platform.gateway_url}/schedule/dashboard")
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await expect(item(page)).to_be_visible()
    yield page
    assert [url for url in asked if not url.startswith((platform.gateway_url, "data:"))] == []


def item(page: Page) -> Locator:
    return page.locator(".task", has=page.get_by_role("heading", name=TASK))


async def test_only_administrators_see_it(platform: Platform, admin: httpx.AsyncClient) -> None:
    async with platform.client("viewer") as viewer, platform.client() as nobody:
        problem(await viewer.get("/schedule/dashboard"), 403, "FORBIDDEN")
        problem(await nobody.get("/schedule/dashboard"), 401, "UNAUTHENTICATED")
    answer = await admin.get("/schedule/dashboard")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "unsafe" not in answer.headers["content-security-policy"]
    again = await admin.get("/schedule/dashboard", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_it_shows_what_ran_and_what_comes(board: Page) -> None:
    task = item(board)
    await expect(task).to_contain_text("@weekly")
    await expect(task).to_contain_text("next in")
    await expect(task.locator(".what .state")).to_have_text("succeeded")
    day = task.get_by_role("img", name="last 24 hours")
    await expect(day).to_have_accessible_name(f"{TASK}, last 24 hours: 2 succeeded, 1 dead")
    assert await day.locator("rect").count() == 3
    assert await day.locator("rect.dead").count() == 1
    await expect(task.get_by_role("img", name="how long")).to_have_accessible_name(
        f"{TASK}: how long the last 2 runs took, at most 1.2 s"
    )
    await expect(task).to_contain_text("lag 6.0 h")
    needing = board.locator("#needing tr", has_text=DEAD)
    await expect(needing).to_contain_text("SERVICE_DOWN: <img src=x onerror=fail()>")
    assert await board.locator("img").count() == 0, "what a task says is text"


async def test_run_now(board: Page, platform: Platform) -> None:
    await board.get_by_role("button", name=f"Run now: {TASK}").click()
    await expect(board.get_by_role("status")).to_contain_text("succeeded")
    await expect(board.locator("#recent tr").first).to_contain_text("manual")
    rows = platform.rows("select status from task_executions where task = %s and trigger = 'manual'", TASK)
    assert rows == [("succeeded",)]


async def test_a_dead_run_is_tried_again(board: Page, platform: Platform) -> None:
    await board.get_by_role("button", name=f"Retry: {DEAD}").click()
    await expect(board.get_by_role("status")).to_have_text(f"{DEAD}: succeeded")
    await expect(board.locator("#needing tr", has_text=DEAD)).to_have_count(0)
    rows = platform.rows(
        "select attempt, trigger, status from task_executions where run_id = %s order by attempt", DEAD
    )
    assert rows == [(1, "cron", "failed"), (2, "retry", "succeeded")]


async def test_without_tasks_the_built_in_ones_are_offered(board: Page) -> None:
    empty = {"data": [], "page": {"limit": 1000, "next_cursor": None}}
    await board.route("**/schedule/tasks?*", lambda route: route.fulfill(json=empty))
    await board.get_by_role("button", name="Refresh").click()
    await board.get_by_role("button", name="Add them now").click()
    await expect(board.get_by_role("status")).to_contain_text("added: ")


async def test_by_keyboard_alone(board: Page, platform: Platform) -> None:
    await board.keyboard.press("Tab")
    await expect(board.get_by_role("button", name="Refresh")).to_be_focused()
    disable = board.get_by_role("button", name=f"Disable: {TASK}")
    for _ in range(40):
        if await disable.evaluate("one => one === document.activeElement"):
            break
        await board.keyboard.press("Tab")
    await board.keyboard.press("Enter")
    await expect(board.get_by_role("status")).to_have_text(f"{TASK} is disabled")
    assert platform.rows("select enabled from scheduled_tasks where name = %s", TASK) == [(False,)]
    enable = board.get_by_role("button", name=f"Enable: {TASK}")
    await enable.focus()
    await board.keyboard.press("Space")
    await expect(board.get_by_role("status")).to_have_text(f"{TASK} is enabled")
    assert platform.rows("select enabled from scheduled_tasks where name = %s", TASK) == [(True,)]


async def test_on_a_phone_nothing_sticks_out(board: Page) -> None:
    await board.set_viewport_size(ViewportSize(width=PHONE["width"], height=PHONE["height"]))
    assert await board.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await board.get_by_role("button", name=f"Run now: {TASK}").scroll_into_view_if_needed()
    box = await board.get_by_role("button", name=f"Run now: {TASK}").bounding_box()
    assert box is not None
    assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]


async def test_a_session_that_ended_is_told_of(board: Page) -> None:
    await board.context.clear_cookies()
    await board.get_by_role("button", name="Refresh").click()
    await expect(board.get_by_role("alert")).to_contain_text("UNAUTHENTICATED")
    await expect(board.get_by_role("link", name="Sign in")).to_have_attribute(
        "href", "/auth/login?return_to=%2Fschedule%2Fdashboard"
    )
