"""The known defects of schedulers of this kind, each shown to be absent.

Most are shown in full elsewhere; here each has the one test that would fail if it came back.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from dotdo.contracts.schedule import CONTRACT
from dotdo.contracts.schedule.models import NewTask
from dotdo.errors import ServiceError, unavailable
from schedule.domain.expressions import next_instants, parse
from schedule.domain.registry import TaskContext, TaskDefinition, TaskResult
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT
from scripts.stack.cron import fire
from tests.e2e.platform import Platform, problem
from tests.stores.schedule.conftest import database, migrated, run_at_once, world
from tests.stores.schedule.world import NOON, World, of

__all__ = ["database", "migrated", "run_at_once", "world"]

HOUR = timedelta(hours=1)


async def succeed(context: TaskContext) -> TaskResult:
    return {}


async def not_yet(context: TaskContext) -> TaskResult:
    raise unavailable("not yet")


async def test_S_1_a_task_is_due_again_after_its_first_run(world: World) -> None:
    world.handlers["task"] = succeed
    world.add("task")
    for hours in range(4):
        assert (await world.tick(NOON + hours * HOUR)).succeeded == [of("task", NOON + hours * HOUR)]


def test_S_2_the_cron_triggers_are_configured() -> None:
    triggers = read_configuration(ROOT / "schedule" / "wrangler.jsonc")["triggers"]["crons"]
    assert triggers == ["*/5 * * * *", "0 * * * *", "0 0 * * *"]


def test_S_3_the_dispatch_worker_owns_the_triggers_of_a_namespace() -> None:
    """How its events reach `tick`: tests/e2e/test_namespace.py."""
    own = read_configuration(ROOT / "schedule" / "wrangler.jsonc")["triggers"]["crons"]
    environments = read_configuration(ROOT / "scripts" / "dispatch" / "wrangler.jsonc")["env"]
    assert [environment["triggers"]["crons"] for environment in environments.values()] == [own] * 3
    assert "tick" in {method.name for method in CONTRACT.methods}


async def test_S_4_a_task_that_fails_is_recorded_as_failed_and_tried_again(world: World) -> None:
    world.handlers["task"] = not_yet
    world.add("task", retry_base_s=0)
    assert (await world.tick()).failed == [of("task")]
    assert world.runs("status, error_code") == [("failed", "UNAVAILABLE")] * 2 + [("dead", "UNAVAILABLE")]


async def test_S_5_a_cron_event_finds_the_tasks(platform: Platform) -> None:
    platform.forget_schedule()
    at = round(datetime(2026, 2, 2, tzinfo=UTC).timestamp())
    assert await fire(platform.workers["schedule"], "*/5 * * * *", at) == "ok"
    ran = platform.rows("select status from task_executions where run_id = %s", f"health-check-services@{at * 1000}")
    assert ran == [("succeeded",)]


@pytest.mark.parametrize("role", [None, "viewer", "user"])
async def test_S_8_only_admins_manage_tasks(platform: Platform, role: str | None) -> None:
    async with platform.client(role) as client:
        for row in CONTRACT.endpoints:
            if row.access == "admin":
                path = row.path.replace("{name}", "x").replace("{id}", "x")
                answer = await client.request(row.verb, f"/schedule{path}")
                assert answer.status_code == (403 if role else 401), path
                assert "access-control-allow-origin" not in answer.headers


async def test_S_9_every_endpoint_answers(admin: httpx.AsyncClient) -> None:
    for row in CONTRACT.endpoints:
        path = row.path.replace("{name}", "no-such").replace("{id}", "no-such")
        answer = await admin.request(row.verb, f"/schedule{path}", json={} if row.body else None)
        assert answer.status_code in (200, 400, 404), (row.verb, path, answer.text)


async def test_S_10_a_plain_service_binding_sees_the_methods(platform: Platform) -> None:
    assert "health-check-services" in await platform.result("SCHEDULE", "getAvailableHandlers")


def test_S_11_a_task_that_timed_out_does_not_run_beside_its_retry(
    world: World, run_at_once: Callable[..., Any]
) -> None:
    running = most = 0

    async def hang(context: TaskContext) -> TaskResult:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        try:
            await asyncio.Event().wait()
        finally:
            running -= 1
        return {}

    world.handlers["task"] = hang
    world.add("task")
    assert run_at_once(world.tick()).failed == [of("task")]
    assert (running, most, len(world.runs())) == (0, 1, 3)


def test_S_12_tasks_run_side_by_side_and_within_a_budget(world: World, run_at_once: Callable[..., Any]) -> None:
    async def ten_seconds(context: TaskContext) -> TaskResult:
        await asyncio.sleep(10)
        return {}

    async def timed() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await world.tick()
        return loop.time() - began

    world.handlers["task"] = ten_seconds
    for number in range(8):
        world.add(f"task-{number}", handler="task")
    assert 20 <= run_at_once(timed()) < 21


async def test_S_13_coinciding_events_run_a_task_once(world: World) -> None:
    world.handlers["task"] = succeed
    world.add("task")
    results = await asyncio.gather(*(world.tick() for _ in range(3)))
    assert sorted(len(result.succeeded) for result in results) == [0, 0, 1]


async def test_S_14_a_run_does_not_undo_a_change_of_its_task(world: World) -> None:
    async def disables(context: TaskContext) -> TaskResult:
        await world.parts.catalog.enable("task", False)
        return {}

    world.handlers["task"] = disables
    world.add("task")
    await world.tick()
    assert world.database.rows("select enabled from scheduled_tasks") == [(False,)]


async def test_S_15_a_task_that_runs_rarely_has_a_history(world: World) -> None:
    world.handlers["task"] = succeed
    world.add("rare", "@daily", handler="task")
    world.add("often", "every 5 minutes", handler="task")
    for minutes in range(0, 100, 5):
        await world.tick(NOON + timedelta(minutes=minutes))
    history = (await world.parts.history.page(5, None, task="rare")).data
    assert [one.run_id for one in history] == [of("rare", NOON.replace(hour=0))]
    newest = (await world.parts.history.page(3, None, task="often")).data
    assert [one.run_id for one in newest] == [
        of("often", NOON + timedelta(minutes=minutes)) for minutes in (95, 90, 85)
    ]


async def test_S_16_attempts_are_numbered_rows_of_one_run(world: World) -> None:
    world.handlers["task"] = not_yet
    world.add("task", retry_base_s=0)
    await world.tick()
    run = await world.parts.history.run(of("task"))
    assert [one.attempt for one in run.attempts] == [1, 2, 3]
    assert all(one.duration_ms is not None and one.run_id == of("task") for one in run.attempts)


@pytest.mark.parametrize(
    ("schedule", "period"),
    [
        ("every 90 minutes", timedelta(minutes=90)),
        ("every 36 hours", timedelta(hours=36)),
        ("every 40 days", timedelta(days=40)),
        ("every 2 weeks", timedelta(weeks=2)),
    ],
)
def test_S_17_an_interval_is_what_it_says(schedule: str, period: timedelta) -> None:
    first, *rest = next_instants(parse(schedule), NOON, 30)
    assert rest == [first + period * n for n in range(1, 30)]
    with pytest.raises(ServiceError):
        parse("every 0 minutes")


@pytest.mark.parametrize("name", ["constructor", "toString", "__class__", "keys", "get"])
async def test_S_18_a_handler_is_one_of_the_table(admin: httpx.AsyncClient, name: str) -> None:
    body = {"name": "defect-18", "schedule": "@daily", "handler": name}
    assert "handler: " in problem(await admin.post("/schedule/tasks", json=body), 400, "INVALID_ARGUMENT")["detail"]


@pytest.mark.parametrize("name", ["a/b", "", "a" * 65, "A", "a b", "ä"])
async def test_S_19_a_name_is_checked(admin: httpx.AsyncClient, name: str) -> None:
    body = {"name": name, "schedule": "@daily", "handler": "health-check-services"}
    assert "name" in problem(await admin.post("/schedule/tasks", json=body), 400, "INVALID_ARGUMENT")["detail"]


async def test_S_19_a_task_is_not_overwritten_by_another_of_its_name(world: World) -> None:
    world.handlers["task"] = succeed
    world.add("task")
    await world.tick()
    before = await world.parts.catalog.find("task", NOON)
    with pytest.raises(ServiceError, match="TASK_EXISTS"):
        await world.parts.catalog.register(NewTask(name="task", schedule="@daily", handler="task"), NOON)
    assert await world.parts.catalog.find("task", NOON) == before


async def test_S_20_a_deleted_task_stays_away_and_a_missing_one_is_no_success(world: World) -> None:
    world.handlers["task"] = succeed
    world.defaults = (TaskDefinition("task", "@hourly", "Succeeds."),)
    await world.tick()
    assert await world.parts.catalog.delete("task") is True
    assert await world.parts.catalog.delete("task") is False
    await world.tick(NOON + HOUR)
    assert (await world.parts.add_defaults()).added == []
    assert await world.parts.catalog.find("task", NOON) is None


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "NaN", "1e3", "", "5.5"])
async def test_S_21_a_limit_is_a_number_in_its_bounds(admin: httpx.AsyncClient, limit: str) -> None:
    for path in ("executions", "tasks", "tasks/x/history"):
        problem(await admin.get(f"/schedule/{path}?limit={limit}"), 400, "INVALID_ARGUMENT")


async def test_S_27_the_platform_sees_that_a_task_failed(platform: Platform) -> None:
    platform.forget_schedule()
    platform.rows(
        "insert into scheduled_tasks (name, schedule, handler) values ('defect-27', '@hourly', 'none') returning name"
    )
    try:
        at = round(datetime(2026, 2, 3, tzinfo=UTC).timestamp())
        assert await fire(platform.workers["schedule"], "0 * * * *", at) != "ok"
    finally:
        platform.rows("delete from scheduled_tasks where name = 'defect-27' returning name")
