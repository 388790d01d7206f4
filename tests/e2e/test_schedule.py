"""Cron events on the real runtime, and the schedule service over RPC."""

import asyncio
import time
from typing import Any

import pytest

from schedule.tasks.table import DEFAULTS
from scripts.stack.cron import fire
from tests.e2e.platform import Platform

# An instant of its own for each test, far from the others': 2026-01-05 is a Monday.
MONDAY_S = 1_767_571_200
HOURLY = "cleanup-expired-sessions"
FIVE = "health-check-services"


@pytest.fixture(autouse=True)
def _nothing_has_run(platform: Platform) -> None:
    platform.forget_schedule()


def runs(platform: Platform, scheduled_s: int) -> list[tuple[Any, ...]]:
    """Of the two tasks these tests look at, and their own."""
    sql = (
        "select task, status, attempt from task_executions where run_id like %s"
        " and (task in (%s, %s) or task like 'test-%%') order by task"
    )
    return platform.rows(sql, f"%@{scheduled_s * 1000}", HOURLY, FIVE)


async def test_a_cron_event_runs_what_is_due_and_records_it(platform: Platform) -> None:
    platform.rows(
        "insert into sessions (id, user_id, expires_at) values ('old', 'usr_user', now() - interval '2 days'),"
        " ('just over', 'usr_user', now() - interval '1 hour') returning id"
    )
    assert await fire(platform.workers["schedule"], "0 * * * *", MONDAY_S) == "ok"
    assert runs(platform, MONDAY_S) == [(HOURLY, "succeeded", 1), (FIVE, "succeeded", 1)]
    assert platform.rows("select id from sessions where id in ('old', 'just over')") == [("just over",)]
    run = await platform.result("SCHEDULE", "getTaskHistory", HOURLY, 1)
    (cleanup,) = run["data"]
    assert cleanup["runId"] == f"{HOURLY}@{MONDAY_S * 1000}"
    assert cleanup["result"]["deleted"] >= 1
    assert cleanup["finishedAt"] >= cleanup["startedAt"]


async def test_the_same_event_twice_and_at_once_runs_once(platform: Platform) -> None:
    at = MONDAY_S + 2 * 3600
    events = [fire(platform.workers["schedule"], cron, at) for cron in ("*/5 * * * *", "0 * * * *", "0 * * * *")]
    assert await asyncio.gather(*events) == ["ok", "ok", "ok"]
    assert [run[0] for run in runs(platform, at)] == [HOURLY, FIVE]


async def test_only_what_is_due_runs(platform: Platform) -> None:
    at = MONDAY_S + 4 * 3600 + 300
    await fire(platform.workers["schedule"], "*/5 * * * *", at - 300)
    await fire(platform.workers["schedule"], "*/5 * * * *", at)
    assert [run[0] for run in runs(platform, at)] == [FIVE]


async def test_tick_is_rpc_too(platform: Platform) -> None:
    at = (MONDAY_S + 6 * 3600) * 1000
    result = await platform.result("SCHEDULE", "tick", "0 * * * *", at)
    assert {f"{HOURLY}@{at}", f"{FIVE}@{at}"} <= set(result["succeeded"])
    assert (await platform.result("SCHEDULE", "tick", "0 * * * *", at))["succeeded"] == []


async def test_three_triggers_at_a_sundays_midnight_run_all_eight_once(platform: Platform) -> None:
    """`pytest -rP` shows what the event took."""
    sunday_ms = (MONDAY_S + 6 * 86_400) * 1000
    crons = ("*/5 * * * *", "0 * * * *", "0 0 * * *")
    began = time.perf_counter()
    answers = await asyncio.gather(*(platform.result("SCHEDULE", "tick", cron, sunday_ms) for cron in crons))
    took_ms = (time.perf_counter() - began) * 1000
    done = sorted(run for answer in answers for run in [*answer["succeeded"], *answer["skipped"]])
    assert done == sorted(f"{task.name}@{sunday_ms}" for task in DEFAULTS)
    assert [answer["failed"] for answer in answers] == [[], [], []]
    attempts = platform.rows("select run_id, attempt from task_executions where run_id like %s", f"%@{sunday_ms}")
    assert sorted(attempts) == [(run, 1) for run in done]
    began = time.perf_counter()
    await platform.result("SCHEDULE", "tick", crons[0], sunday_ms)
    idle_ms = (time.perf_counter() - began) * 1000
    print(f"all eight tasks, by three events at once: {took_ms:.0f} ms; an event with nothing due: {idle_ms:.0f} ms")


async def test_a_failed_task_fails_the_event_and_is_recorded(platform: Platform) -> None:
    at = MONDAY_S + 8 * 3600
    platform.rows(
        "insert into scheduled_tasks (name, schedule, handler) values ('test-broken', '@hourly', 'no-such-handler')"
        " returning name"
    )
    try:
        assert await fire(platform.workers["schedule"], "0 * * * *", at) != "ok"
        assert ("test-broken", "dead", 1) in runs(platform, at)
        rows = platform.rows("select error_code from task_executions where task = 'test-broken'")
        assert rows == [("HANDLER_NOT_FOUND",)]
        assert await platform.logged('"status": "dead"')
    finally:
        platform.rows("delete from scheduled_tasks where name = 'test-broken' returning name")
        platform.rows("delete from task_executions where task = 'test-broken' returning task")


async def test_health_answers_are_kept(platform: Platform) -> None:
    at = MONDAY_S + 10 * 3600
    await fire(platform.workers["schedule"], "*/5 * * * *", at)
    history = await platform.result("SCHEDULE", "getTaskHistory", FIVE, 1)
    services = history["data"][0]["result"]["services"]
    assert {services["db"], services["auth"]} == {"ok"}


async def test_every_method_over_rpc(platform: Platform) -> None:
    name = "test-rpc"

    async def call(method: str, *params: object) -> Any:
        return await platform.result("SCHEDULE", method, *params)

    task = await call("registerTask", {"name": name, "schedule": "@daily", "handler": HOURLY, "timeoutS": 20})
    try:
        assert (task["timeoutS"], len(task["nextRuns"]), task["lastRun"]) == (20, 5, None)
        assert await call("getTask", name) == task
        assert name in [one["name"] for one in (await call("listTasks"))["data"]]
        run = await call("runTaskNow", name)
        assert (run["status"], run["attempts"][0]["trigger"]) == ("succeeded", "manual")
        assert (await call("getTaskHistory", name))["data"] == run["attempts"]
        assert (await call("getRecentExecutions", 1))["data"] == run["attempts"]
        assert name in [one["task"] for one in (await call("stats"))["data"]]
        assert (await call("health"))["status"] == "ok"
        assert (await call("initializeDefaultTasks"))["added"] == []
        assert [await call("disableTask", name), await call("enableTask", name)] == [True, True]
        assert HOURLY in await call("getAvailableHandlers")
        refused = await platform.call("SCHEDULE", "retryExecution", run["runId"])
        assert "NOT_RETRYABLE: the run is succeeded" in refused["error"]["message"]
        assert await call("unregisterTask", name) is True
        assert [await call(method, name) for method in ("unregisterTask", "enableTask", "disableTask", "getTask")] == [
            False, False, False, None,
        ]  # fmt: skip
    finally:
        platform.rows("delete from scheduled_tasks where name = 'test-rpc' returning name")
        platform.rows("delete from task_executions where task = 'test-rpc' returning task")
