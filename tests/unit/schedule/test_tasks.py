"""The built-in tasks, over peers that are fakes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dotdo.errors import ServiceError, timed_out, unavailable
from dotdo.fakes import FakeBindings, FakeClock, FakePeer
from dotdo.log import Logger
from dotdo.ports import Peer
from dotdo.sql import Sql
from schedule.domain.expressions import parse
from schedule.domain.registry import TaskContext
from schedule.tasks import (
    cleanup_expired_api_keys,
    cleanup_expired_sessions,
    cleanup_old_generations,
    health_check_services,
)
from schedule.tasks.table import DEFAULTS, HANDLERS


def context(**peers: Peer) -> TaskContext:
    bindings = FakeBindings(peers=peers)
    now_s = bindings.clock.now_s()
    return TaskContext(bindings, Sql(bindings), Logger("schedule"), now_s, now_s + 29)


@pytest.mark.parametrize(
    ("task", "before"),
    [
        (cleanup_expired_api_keys, "2026-08-22T14:13:20.000Z"),
        (cleanup_old_generations, "2026-08-22T14:13:20.000Z"),
    ],
    ids=["keys", "generations"],
)
async def test_old_rows_go_in_batches_until_a_batch_is_not_full(task: Any, before: str) -> None:
    counts = iter([1000, 1000, 7])
    db = FakePeer(query=lambda sql, params, *options: {"rows": [], "rowCount": next(counts)})
    assert await task.run(context(DB=db)) == {"deleted": 2007, "complete": True}
    assert [params for _, (_, params) in db.calls] == [[before, 1000]] * 3


@pytest.mark.parametrize(("batch_s", "deleted"), [(10, 3000), (13.25, 3000), (13.5, 2000), (29, 1000)])
async def test_a_run_leaves_what_it_has_no_time_for_to_the_next(batch_s: float, deleted: int) -> None:
    """It has 29 seconds, and begins nothing in the last two of them."""
    clock = FakeClock()

    def slow(sql: str, params: list[Any]) -> dict[str, Any]:
        clock.now += batch_s
        return {"rows": [], "rowCount": 1000}

    bindings = FakeBindings(peers={"DB": FakePeer(query=slow)}, clock=clock)
    late = TaskContext(bindings, Sql(bindings), Logger("schedule"), clock.now, clock.now + 29)
    assert await cleanup_old_generations.run(late) == {"deleted": deleted, "complete": False}


async def test_a_batch_that_takes_too_long_is_made_smaller() -> None:
    def heavy(sql: str, params: list[Any]) -> dict[str, Any]:
        if params[1] > 10:
            raise timed_out("the statement took longer than its limit")
        return {"rows": [], "rowCount": left.pop()}

    left = [3, 10]
    assert await cleanup_old_generations.run(context(DB=FakePeer(query=heavy))) == {"deleted": 13, "complete": True}

    def hopeless(sql: str, params: list[Any]) -> dict[str, Any]:
        raise timed_out("the statement took longer than its limit")

    with pytest.raises(ServiceError, match="TIMEOUT"):
        await cleanup_old_generations.run(context(DB=FakePeer(query=hopeless)))


async def test_what_ended_with_the_sessions_goes_too() -> None:
    counts = {
        "delete from sessions": [1000, 7], "delete from oauth_states": [1000, 1000, 3], "delete from idempotency_keys": [4],
        "delete from webhook_events": [1000, 5], "update workos_objects set": [1],
    }  # fmt: skip
    day, month = "2026-09-20T14:13:20.000Z", "2026-08-22T14:13:20.000Z"
    db = FakePeer(
        query=lambda sql, params, *options: {"rows": [], "rowCount": counts[" ".join(sql.split()[:3])].pop(0)}
    )
    outcome = await cleanup_expired_sessions.run(context(DB=db))
    assert outcome == {"deleted": 1007, "sign_ins": 2003, "idempotency_keys": 4, "workos": 1006, "complete": True}
    assert [params for _, (_, params) in db.calls] == [[day, 1000]] * 6 + [[month, 1000]] * 3


def store(rows: list[dict[str, Any]], status: str = "ok") -> FakePeer:
    def ingest(table: str, given: list[dict[str, Any]]) -> dict[str, int]:
        assert table == "service_health"
        rows.extend(given)
        return {"inserted": len(given)}

    return FakePeer(health=lambda: {"status": status}, ingest=ingest)


async def test_health_of_every_bound_service_is_kept() -> None:
    rows: list[dict[str, Any]] = []
    answer = await health_check_services.run(context(DB=store(rows), AUTH=FakePeer(health=lambda: {"status": "ok"})))
    assert answer == {"services": {"db": "ok", "auth": "ok"}}
    assert [(row["service"], row["status"], row["ts"]) for row in rows] == [
        ("db", "ok", "2026-09-21T14:13:20.000Z"),
        ("auth", "ok", "2026-09-21T14:13:20.000Z"),
    ]


async def test_a_service_that_is_not_ok_is_kept_and_named() -> None:
    def down() -> None:
        raise unavailable("the auth service does not answer")

    rows: list[dict[str, Any]] = []
    with pytest.raises(ServiceError) as failed:
        await health_check_services.run(context(DB=store(rows, "degraded"), AUTH=FakePeer(health=down)))
    assert (failed.value.code, failed.value.detail) == ("SERVICE_DOWN", "not ok: auth, db")
    assert {row["service"]: row["status"] for row in rows} == {"db": "degraded", "auth": "down"}


async def test_a_service_that_is_down_is_named_even_when_nothing_can_be_stored() -> None:
    def down(*params: object) -> None:
        raise unavailable("the db service does not answer")

    with pytest.raises(ServiceError, match="not ok: db") as failed:
        await health_check_services.run(context(DB=FakePeer(health=down, ingest=down)))
    assert failed.value.retryable


class Silent:
    async def call(self, method: str, *params: object) -> Any:
        await asyncio.Event().wait()


def test_a_service_that_says_nothing_for_five_seconds_is_down(run_at_once: Callable[..., Any]) -> None:
    rows: list[dict[str, Any]] = []

    async def waited_s() -> float:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        with pytest.raises(ServiceError, match="not ok: auth"):
            await health_check_services.run(context(DB=store(rows), AUTH=Silent()))
        return loop.time() - began_s

    assert run_at_once(waited_s()) == 5
    assert [(row["service"], row["status"]) for row in rows] == [("db", "ok"), ("auth", "down")]


def test_every_default_names_a_handler_and_a_schedule() -> None:
    assert {task.name for task in DEFAULTS} == set(HANDLERS)
    assert len({id(handler) for handler in HANDLERS.values()}) == len(HANDLERS)
    for task in DEFAULTS:
        parse(task.schedule)


def test_a_new_deployment_has_the_eight_tasks_at_their_times() -> None:
    assert [(task.name, task.schedule, task.timeout_s) for task in DEFAULTS] == [
        ("cleanup-expired-sessions", "@hourly", 29),
        ("cleanup-expired-api-keys", "@daily", 29),
        ("cleanup-old-generations", "@weekly", 29),
        ("generate-missing-embeddings", "@daily", 29),
        ("update-analytics", "@hourly", 29),
        ("backup-database", "@daily", 120),
        ("health-check-services", "every 5 minutes", 29),
        ("check-rate-limits", "@hourly", 29),
    ]
