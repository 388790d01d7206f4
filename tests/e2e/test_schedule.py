"""Cron events on the real runtime."""

import asyncio
from typing import Any

import httpx
import pytest

from scripts.stack.cron import fire
from tests.e2e.platform import Platform, problem

# An instant of its own for each test, far from the others': 2026-01-05 is a Monday.
MONDAY_S = 1_767_571_200


@pytest.fixture(autouse=True)
def _nothing_has_run(platform: Platform) -> None:
    platform.forget_schedule()


def runs(platform: Platform, scheduled_s: int) -> list[tuple[Any, ...]]:
    sql = "select task, status, attempt from task_executions where run_id like %s order by task"
    return platform.rows(sql, f"%@{scheduled_s * 1000}")


async def test_a_cron_event_runs_what_is_due_and_records_it(platform: Platform, admin: httpx.AsyncClient) -> None:
    platform.rows(
        "insert into sessions (id, user_id, expires_at) values ('old', 'usr_user', now() - interval '2 days'),"
        " ('just over', 'usr_user', now() - interval '1 hour') returning id"
    )
    outcome = await fire(platform.workers["schedule"], "0 * * * *", MONDAY_S)
    assert outcome == "ok"
    expected = [("cleanup-expired-sessions", "succeeded", 1), ("health-check-services", "succeeded", 1)]
    assert runs(platform, MONDAY_S) == expected
    assert platform.rows("select id from sessions where id in ('old', 'just over')") == [("just over",)]

    executions = (await admin.get("/schedule/executions")).json()["data"]
    cleanup = next(run for run in executions if run["run_id"] == f"cleanup-expired-sessions@{MONDAY_S * 1000}")
    assert cleanup["result"]["deleted"] >= 1
    assert cleanup["finished_at"] >= cleanup["started_at"]


async def test_the_same_event_twice_and_at_once_runs_once(platform: Platform) -> None:
    at = MONDAY_S + 2 * 3600
    events = [fire(platform.workers["schedule"], cron, at) for cron in ("*/5 * * * *", "0 * * * *", "0 * * * *")]
    assert await asyncio.gather(*events) == ["ok", "ok", "ok"]
    assert [run[0] for run in runs(platform, at)] == ["cleanup-expired-sessions", "health-check-services"]


async def test_only_what_is_due_runs(platform: Platform) -> None:
    at = MONDAY_S + 4 * 3600 + 300
    await fire(platform.workers["schedule"], "*/5 * * * *", at - 300)
    await fire(platform.workers["schedule"], "*/5 * * * *", at)
    assert [run[0] for run in runs(platform, at)] == ["health-check-services"]


async def test_tick_is_rpc_too(platform: Platform) -> None:
    at = (MONDAY_S + 6 * 3600) * 1000
    result = await platform.result("SCHEDULE", "tick", "0 * * * *", at)
    assert sorted(result["succeeded"]) == [f"cleanup-expired-sessions@{at}", f"health-check-services@{at}"]
    assert (await platform.result("SCHEDULE", "tick", "0 * * * *", at))["succeeded"] == []


async def test_a_failed_task_fails_the_event_and_is_recorded(platform: Platform) -> None:
    at = MONDAY_S + 8 * 3600
    platform.rows(
        "insert into scheduled_tasks (name, schedule, handler) values ('broken', '@hourly', 'no-such-handler') returning name"
    )
    try:
        assert await fire(platform.workers["schedule"], "0 * * * *", at) != "ok"
    finally:
        platform.rows("delete from scheduled_tasks where name = 'broken' returning name")
    assert ("broken", "failed", 1) in runs(platform, at)
    rows = platform.rows("select error_code from task_executions where task = 'broken'")
    assert rows == [("HANDLER_NOT_FOUND",)]


async def test_health_answers_are_kept_in_clickhouse(platform: Platform) -> None:
    at = MONDAY_S + 10 * 3600
    await fire(platform.workers["schedule"], "*/5 * * * *", at)
    history = await platform.result("SCHEDULE", "getTaskHistory", "health-check-services", 1)
    assert history["data"][0]["result"] == {"services": {"db": "ok", "auth": "ok"}}


async def test_schedule_is_for_admins(user: httpx.AsyncClient) -> None:
    for path in ("/schedule/tasks", "/schedule/executions", "/schedule/handlers"):
        problem(await user.get(path), 403, "FORBIDDEN")


async def test_tasks_show_when_they_run_next(admin: httpx.AsyncClient) -> None:
    tasks = (await admin.get("/schedule/tasks")).json()["data"]
    assert {task["name"] for task in tasks} >= {"cleanup-expired-sessions", "health-check-services"}
    assert all(task["next_run_at"].endswith("Z") for task in tasks)
