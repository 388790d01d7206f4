"""The schedule service over HTTP, through the gateway."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from dotdo.identity import Identity
from tests.e2e.platform import Platform, problem

HANDLER = "cleanup-expired-sessions"
NEW = {"name": "test-task", "schedule": "every 90 minutes", "handler": HANDLER}


@pytest.fixture(autouse=True)
def _clean(platform: Platform) -> Iterator[None]:
    yield
    platform.rows("delete from scheduled_tasks where name like 'test-%%' returning name")
    platform.rows("delete from task_executions where task like 'test-%%' returning task")


async def added(admin: httpx.AsyncClient, **fields: Any) -> Any:
    response = await admin.post("/schedule/tasks", json={**NEW, **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_task_from_its_registration_to_its_end(admin: httpx.AsyncClient) -> None:
    response = await admin.post("/schedule/tasks", json={**NEW, "metadata": {"team": "a"}})
    task = response.json()
    assert (response.status_code, response.headers["location"]) == (201, "tasks/test-task")
    assert (task["enabled"], task["timeout_s"], task["max_attempts"], task["metadata"]) == (True, 29, 3, {"team": "a"})
    runs = [datetime.fromisoformat(run) for run in task["next_runs"]]
    assert [later - earlier for earlier, later in pairwise(runs)] == [timedelta(minutes=90)] * 4
    assert task["next_run_at"] == task["next_runs"][0] > datetime.now(UTC).isoformat()
    assert (await admin.get("/schedule/tasks/test-task")).json() == task

    patched = (await admin.patch("/schedule/tasks/test-task", json={"schedule": "@daily", "timeout_s": 5})).json()
    assert (patched["schedule"], patched["timeout_s"], patched["created_at"]) == ("@daily", 5, task["created_at"])
    upcoming = (await admin.get("/schedule/tasks/test-task/next?count=2")).json()["data"]
    assert upcoming == patched["next_runs"][:2]
    assert len((await admin.get("/schedule/tasks/test-task/next")).json()["data"]) == 5

    disabled = (await admin.post("/schedule/tasks/test-task/disable")).json()
    assert (disabled["enabled"], disabled["next_run_at"], disabled["next_runs"]) == (False, None, [])
    problem(await admin.post("/schedule/tasks/test-task/run"), 409, "TASK_DISABLED")
    assert (await admin.post("/schedule/tasks/test-task/enable")).json()["enabled"] is True

    assert (await admin.delete("/schedule/tasks/test-task")).status_code == 204
    for verb, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("PATCH", ""),
        ("POST", "/enable"),
        ("POST", "/run"),
        ("GET", "/next"),
    ):
        body: Any = {} if verb == "PATCH" else None
        problem(await admin.request(verb, f"/schedule/tasks/test-task{path}", json=body), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"name": "a/b"}, "name"), ({"name": ""}, "name"), ({"name": "x" * 65}, "name"), ({"name": "Upper"}, "name"),
        ({"name": 1}, "name"), ({"schedule": ""}, "schedule"), ({"schedule": "0 0 * * * *"}, "schedule"),
        ({"schedule": "*/90 * * * *"}, "schedule"), ({"schedule": "every 0 minutes"}, "schedule"),
        ({"handler": "constructor"}, "handler"), ({"handler": "toString"}, "handler"), ({"handler": "nothing"}, "handler"),
        ({"enabled": "yes"}, "enabled"), ({"timeout_s": 0}, "timeout_s"), ({"timeout_s": 181}, "timeout_s"),
        ({"max_attempts": 0}, "max_attempts"), ({"retry_base_s": -1}, "retry_base_s"), ({"metadata": []}, "metadata"),
        ({"misfire_grace_s": -1}, "misfire_grace_s"), ({"unknown": 1}, "unknown"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_task_is_named(admin: httpx.AsyncClient, fields: dict[str, Any], names: str) -> None:
    response = await admin.post("/schedule/tasks", json={**NEW, **fields})
    assert names in problem(response, 400, "INVALID_ARGUMENT")["detail"]
    if names != "name":
        await added(admin)
        refused = await admin.patch("/schedule/tasks/test-task", json=fields)
        assert names in problem(refused, 400, "INVALID_ARGUMENT")["detail"]


async def test_a_name_is_taken_once(admin: httpx.AsyncClient) -> None:
    first = await added(admin)
    problem(await admin.post("/schedule/tasks", json={**NEW, "schedule": "@daily"}), 409, "TASK_EXISTS")
    assert (await admin.get("/schedule/tasks/test-task")).json() == first


async def test_a_run_that_is_waited_for(admin: httpx.AsyncClient) -> None:
    await added(admin)
    response = await admin.post("/schedule/tasks/test-task/run?wait=true")
    run = response.json()
    assert (response.status_code, run["status"], run["task"]) == (200, "succeeded", "test-task")
    assert (await admin.get(response.url.join(response.headers["location"]))).json() == run
    assert [(one["trigger"], one["attempt"]) for one in run["attempts"]] == [("manual", 1)]
    assert (await admin.get(f"/schedule/executions/{run['run_id']}")).json() == run
    task = (await admin.get("/schedule/tasks/test-task")).json()
    assert task["last_run"]["run_id"] == run["run_id"]
    assert task["last_scheduled_at"] is None
    problem(await admin.post(f"/schedule/executions/{run['run_id']}/retry"), 409, "NOT_RETRYABLE")


async def test_a_run_that_is_not_waited_for_is_done_all_the_same(admin: httpx.AsyncClient) -> None:
    await added(admin)
    response = await admin.post("/schedule/tasks/test-task/run")
    run = response.json()
    assert response.status_code == 202
    while run["status"] == "running":
        run = (await admin.get(f"/schedule/executions/{run['run_id']}")).json()
    assert run["status"] == "succeeded"


async def test_a_run_is_asked_for_once(admin: httpx.AsyncClient, platform: Platform) -> None:
    await added(admin)
    await added(admin, name="test-other")
    key = {"idempotency-key": "once"}
    responses = await asyncio.gather(
        *(admin.post("/schedule/tasks/test-task/run?wait=true", headers=key) for _ in range(4))
    )
    assert {response.status_code for response in responses} <= {200, 202}
    assert len({response.json()["run_id"] for response in responses}) == 1
    assert platform.rows("select count(*) from task_executions where task = 'test-task'") == [(1,)]
    problem(await admin.post("/schedule/tasks/test-other/run", headers=key), 422, "IDEMPOTENCY_KEY_REUSED")
    long = {"idempotency-key": "k" * 513}
    problem(await admin.post("/schedule/tasks/test-task/run", headers=long), 400, "INVALID_ARGUMENT")


async def test_a_dead_run_can_be_looked_up_and_driven_again(admin: httpx.AsyncClient, platform: Platform) -> None:
    await added(admin)
    platform.rows("update scheduled_tasks set handler = 'gone' where name = 'test-task' returning name")
    run = (await admin.post("/schedule/tasks/test-task/run?wait=true")).json()
    assert (run["status"], run["attempts"][0]["error_code"]) == ("dead", "HANDLER_NOT_FOUND")
    dead = (await admin.get("/schedule/executions?status=dead&limit=1000")).json()["data"]
    assert run["run_id"] in [one["run_id"] for one in dead]
    assert {one["status"] for one in dead} == {"dead"}
    platform.rows(f"update scheduled_tasks set handler = '{HANDLER}' where name = 'test-task' returning name")
    again = (await admin.post(f"/schedule/executions/{run['run_id']}/retry?wait=true")).json()
    assert (again["status"], [one["status"] for one in again["attempts"]]) == ("succeeded", ["failed", "succeeded"])


async def test_lists_are_paged(admin: httpx.AsyncClient) -> None:
    await admin.post("/schedule/init")
    await added(admin)
    for _ in range(3):
        await admin.post("/schedule/tasks/test-task/run?wait=true")
    for path in ("/schedule/tasks", "/schedule/executions", "/schedule/tasks/test-task/history"):
        whole = (await admin.get(f"{path}?limit=1000")).json()
        assert whole["page"] == {"limit": 1000, "next_cursor": None}
        first = (await admin.get(f"{path}?limit=2")).json()
        rest = (await admin.get(path, params={"limit": 2, "cursor": first["page"]["next_cursor"]})).json()
        assert [*first["data"], *rest["data"]] == whole["data"][:4][: len(first["data"] + rest["data"])]
        assert (await admin.get(path)).json()["page"]["limit"] == 20
        for wrong in ("limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "cursor=x", "other=1"):
            problem(await admin.get(f"{path}?{wrong}"), 400, "INVALID_ARGUMENT")
    history = (await admin.get("/schedule/tasks/test-task/history")).json()["data"]
    assert [one["task"] for one in history] == ["test-task"] * 3
    assert history == sorted(history, key=lambda one: one["started_at"], reverse=True)
    problem(await admin.get("/schedule/executions?status=broken"), 400, "INVALID_ARGUMENT")


async def test_statistics_and_handlers_and_defaults(admin: httpx.AsyncClient) -> None:
    await added(admin)
    await admin.post("/schedule/tasks/test-task/run?wait=true")
    stats = {one["task"]: one for one in (await admin.get("/schedule/stats")).json()["data"]}
    assert (stats["test-task"]["runs"], stats["test-task"]["success_rate"]) == (1, 1)
    assert stats["test-task"]["duration_p50_ms"] >= 0
    assert {HANDLER, "health-check-services"} <= set((await admin.get("/schedule/handlers")).json()["data"])
    await admin.post("/schedule/init")
    assert (await admin.post("/schedule/init")).json() == {"added": []}


@pytest.mark.parametrize("name", ["%00", "a%2Fb", "%ED%A0%80", "x" * 3000, "%F0%9F%98%80", "'%3B--"])
async def test_no_name_breaks_anything(admin: httpx.AsyncClient, name: str) -> None:
    for verb, path in (("GET", f"/tasks/{name}"), ("POST", f"/tasks/{name}/run"), ("GET", f"/executions/{name}")):
        assert (await admin.request(verb, f"/schedule{path}")).status_code in (400, 404), path
    assert (await admin.get(f"/schedule/tasks/{name}/history")).status_code in (200, 400)


PATHS = [
    ("GET", "/tasks"), ("POST", "/tasks"), ("GET", "/tasks/x"), ("PATCH", "/tasks/x"), ("DELETE", "/tasks/x"),
    ("POST", "/tasks/x/enable"), ("POST", "/tasks/x/disable"), ("POST", "/tasks/x/run"), ("GET", "/tasks/x/history"),
    ("GET", "/tasks/x/next"), ("GET", "/executions"), ("GET", "/executions/x"), ("POST", "/executions/x/retry"),
    ("GET", "/handlers"), ("GET", "/stats"), ("POST", "/init"),
]  # fmt: skip


async def test_all_of_it_is_for_admins_who_come_through_the_gateway(platform: Platform) -> None:
    user = Identity("user", "usr_user", role="user", permissions=("*",))
    async with (
        platform.client("user") as by_gateway,
        platform.behind_the_gateway("schedule", user) as signed,
        httpx.AsyncClient(base_url=platform.workers["schedule"]) as direct,
    ):
        for verb, path in PATHS:
            problem(await by_gateway.request(verb, f"/schedule{path}"), 403, "FORBIDDEN")
            problem(await signed.request(verb, path), 403, "FORBIDDEN")
            problem(await direct.request(verb, path), 401, "UNAUTHENTICATED")
