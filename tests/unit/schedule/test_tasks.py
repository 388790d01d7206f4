"""The built-in tasks, over peers that are fakes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dotdo.errors import ServiceError, unavailable
from dotdo.fakes import FakeBindings, FakePeer
from dotdo.log import Logger
from dotdo.ports import Peer
from dotdo.sql import Sql
from schedule.domain.expressions import parse
from schedule.domain.registry import TaskContext
from schedule.tasks import cleanup_expired_sessions, health_check_services
from schedule.tasks.table import DEFAULTS, HANDLERS


def context(**peers: Peer) -> TaskContext:
    bindings = FakeBindings(peers=peers)
    now_s = bindings.clock.now_s()
    return TaskContext(bindings, Sql(bindings), Logger("schedule"), now_s, now_s + 29)


async def test_old_sessions_go_in_batches_until_a_batch_is_not_full() -> None:
    counts = iter([1000, 1000, 7])
    db = FakePeer(query=lambda sql, params: {"rows": [], "rowCount": next(counts)})
    assert await cleanup_expired_sessions.run(context(DB=db)) == {"deleted": 2007}
    assert [params for _, (_, params) in db.calls] == [["2026-09-20T14:13:20+00:00", 1000]] * 3


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


class Silent:
    async def call(self, method: str, *params: object) -> Any:
        await asyncio.Event().wait()


def test_a_service_that_says_nothing_is_down(run_at_once: Callable[..., Any]) -> None:
    rows: list[dict[str, Any]] = []
    with pytest.raises(ServiceError, match="not ok: auth"):
        run_at_once(health_check_services.run(context(DB=store(rows), AUTH=Silent())))
    assert rows[1]["status"] == "down"


def test_every_default_names_a_handler_and_a_schedule() -> None:
    assert {task.name for task in DEFAULTS} <= set(HANDLERS)
    for task in DEFAULTS:
        parse(task.schedule)
